// The lines to copy: the same request as the forms make, for a shell and for JavaScript.

import { hubUrl, streamUrl, tokenUrl } from "./hub.js";
import { pairsOf } from "./matchers.js";

// Nothing is special between single quotes in a POSIX shell but the quote itself.
export const shellQuote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
const jsQuote = JSON.stringify;

// What a form sends as it is, so that curl need not encode it.
const PLAIN = /^[\w:/.,~*-]*$/;

const shellToken = (token, playground) => token ? `TOKEN=${shellQuote(token)}\n`
    : playground ? `TOKEN=$(curl -fsS ${shellQuote(tokenUrl)})\n`
    : "# TOKEN is a JWT that grants this.\n";
const BEARER = '-H "Authorization: Bearer $TOKEN"';

export function subscribeCurl({ matchers, from, grant, token }, { playground }) {
    const url = shellQuote(streamUrl(matchers, from));
    return grant ? `${shellToken(token, playground)}curl -N ${BEARER} \\\n  ${url}` : `curl -N ${url}`;
}

export function subscribeJs({ matchers, from, grant }, { cookieName }) {
    const lines = [`const url = new URL(${jsQuote(hubUrl)});`];
    for (const [name, value] of pairsOf(matchers))
        lines.push(`url.searchParams.append(${jsQuote(name)}, ${jsQuote(value)});`);
    if (from)
        lines.push(`url.searchParams.append("last_event_id", ${jsQuote(from)});`);
    lines.push("");
    if (grant)
        lines.push(`// The cookie ${cookieName}, set by your site, carries the grant.`);
    lines.push(grant ? "const stream = new EventSource(url, { withCredentials: true });"
        : "const stream = new EventSource(url);");
    lines.push("const show = (event) => console.log(event.lastEventId, event.data);");
    lines.push("// Updates with a type go to its own listeners alone:");
    lines.push('// stream.addEventListener("price", show);');
    lines.push("stream.onmessage = show;");
    return lines.join("\n");
}

export function publishCurl(fields, token, { playground }) {
    const lines = fields.map(([name, value]) =>
        `  ${PLAIN.test(value) ? "-d" : "--data-urlencode"} ${shellQuote(`${name}=${value}`)}`);
    return shellToken(token, playground) + [`curl ${shellQuote(hubUrl)}`, `  ${BEARER}`, ...lines].join(" \\\n");
}

export function publishJs(fields, given, { playground }) {
    const token = given ? `const token = ${jsQuote(given)};\n`
        : playground ? `const token = await (await fetch(${jsQuote(tokenUrl)})).text();\n`
        : "// token is a JWT that grants this.\n";
    const lines = fields.map(([name, value]) => `    [${jsQuote(name)}, ${jsQuote(value)}],`);
    return `${token}const answer = await fetch(${jsQuote(hubUrl)}, {
  method: "POST",
  headers: { Authorization: \`Bearer \${token}\` },
  body: new URLSearchParams([
${lines.join("\n")}
  ]),
});
console.log(answer.status, await answer.text());`;
}
