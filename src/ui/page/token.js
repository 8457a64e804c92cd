// Access tokens: what one says, in words, and how to make one. Nothing here leaves the browser.

const DETAIL = "https://mercure.rocks/authorization-detail";

function bytesOf(part) {
    if (!/^[\w-]*$/.test(part))
        throw new Error("not base64url");
    const text = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function decodePart(part, what) {
    let text;
    try {
        text = new TextDecoder("utf-8", { fatal: true }).decode(bytesOf(part));
    } catch {
        throw new Error(`Its ${what} is not base64url.`);
    }
    try {
        const value = JSON.parse(text);
        if (typeof value === "object" && value && !Array.isArray(value))
            return { text, value };
    } catch {
        // as for any other value
    }
    throw new Error(`Its ${what} is not a JSON object.`);
}

// { header, claims }, each with its text and value; throws an Error that says what is wrong.
export function decode(token) {
    const parts = token.split(".");
    if (parts.length !== 3)
        throw new Error(`A token has three parts with dots between them; this has ${parts.length}.`);
    return { header: decodePart(parts[0], "header"), claims: decodePart(parts[1], "claims") };
}

const good = (text) => ({ state: "good", text });
const bad = (text) => ({ state: "bad", text });
const plain = (text) => ({ state: "plain", text });

const UNITS = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];

function span(seconds) {
    const [size, unit] = UNITS.find(([unitSize]) => seconds >= unitSize) ?? UNITS.at(-1);
    const count = Math.floor(seconds / size);
    return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

const isAccess = ({ typ }) => typeof typ === "string" && /^(application\/)?at\+jwt$/i.test(typ);

function explainType(header, { compatibility }) {
    const typ = JSON.stringify(header.typ) ?? "missing";
    if (isAccess(header))
        return good("It is an access token (typ at+jwt).");
    return compatibility ? good(`It is a token of the 0.x protocol (typ ${typ}), which this hub accepts.`)
        : bad(`Its typ is ${typ}, not "at+jwt": only a hub that accepts the 0.x protocol takes it.`);
}

function explainHeader({ alg }) {
    return [
        typeof alg === "string" && alg !== "none" ? plain(`It is signed with ${alg}. Whether the signature is good, only `
            + "the hub can tell.") : bad("It is not signed."),
    ];
}

function explainTimes({ exp, nbf }, old, now) {
    const said = [];
    if (typeof exp !== "number")
        said.push(old ? plain("It never expires (no exp).") : bad("It has no exp: tokens must expire."));
    else if (exp <= now)
        said.push(bad(`It expired ${span(now - exp)} ago.`));
    else
        said.push(good(`It is good for another ${span(exp - now)}.`));
    if (typeof nbf === "number" && nbf > now)
        said.push(bad(`It is not good before ${span(nbf - now)} have passed (nbf).`));
    return said;
}

function explainParties({ iss, aud }, { hub, issuers }) {
    const audiences = [aud].flat().filter((each) => typeof each === "string");
    return [
        issuers.includes(iss) ? good(`The hub knows its issuer, ${iss}.`)
            : bad(`The hub does not know its issuer, ${JSON.stringify(iss) ?? "which is missing"}.`),
        audiences.includes(hub) ? good("It is for this hub (aud).")
            : bad(`It is for ${audiences.join(", ") || "nobody"}, not for ${hub} (aud).`),
    ];
}

const list = (topics) => topics.map(({ match, match_type: type }) =>
    match === "*" ? "every topic" : type === "urlpattern" ? `${match} (URL Pattern)` : match).join(", ");

const asTopic = (each) => typeof each === "string" ? { match: each } : each ?? {};

// The claim of 0.x: lists of texts, where a text may be a URI Template.
function explainOldGrants({ publish = [], subscribe = [], payload }) {
    const lists = [[publish, "publish on"], [subscribe, "receive private updates of"]];
    if (lists.some(([topics]) => topics !== null && !Array.isArray(topics)))
        return [bad("publish or subscribe of its claim mercure is not a list, which refuses the whole token.")];
    const said = lists.filter(([topics]) => topics?.length)
        .map(([topics, what]) => good(`It may ${what} ${list(topics.map(asTopic))}.`));
    return payload === undefined ? said : [...said, plain(`Its subscriptions show ${JSON.stringify(payload)}.`)];
}

function explainGrants({ authorization_details: details, mercure, ...others }, old) {
    const claim = others["https://mercure.rocks/"] ?? mercure;
    const said = [];
    const ours = Array.isArray(details) ? details.filter((detail) => detail?.type === DETAIL) : [];
    for (const { actions, topics, payload } of ours) {
        if (!Array.isArray(actions) || !Array.isArray(topics)
            || topics.some((topic) => typeof topic?.match !== "string")) {
            said.push(bad("One of its authorization_details is malformed, which refuses the whole token."));
            continue;
        }
        if (actions.includes("publish"))
            said.push(good(`It may publish on ${list(topics)}.`));
        if (actions.includes("subscribe"))
            said.push(good(`It may receive private updates of ${list(topics)}`
                + `${payload ? `, as ${JSON.stringify(payload)}` : ""}.`));
    }
    if (claim && typeof claim === "object")
        said.push(...old && !details ? explainOldGrants(claim)
            : [plain("It has the mercure claim of 0.x as well, which does not count here.")]);
    return said.length ? said : [plain("It grants nothing: its bearer receives public updates alone.")];
}

// What a hub with that configuration will think of it: a list of { state: "good", "bad" or "plain", text }.
export function explain({ header, claims }, config, now = Date.now() / 1000) {
    const old = config.compatibility > 0 && !isAccess(header.value);
    return [explainType(header.value, config), ...explainHeader(header.value),
        ...old ? [] : explainParties(claims.value, config), ...explainTimes(claims.value, old, now),
        ...explainGrants(claims.value, old)];
}

const encoder = new TextEncoder();
const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_")
    .replace(/=+$/, "");
const topicsOf = (matchers) => matchers.map(({ type, value }) =>
    type === "exact" ? { match: value } : { match: value, match_type: type });

function detailsOf({ publish, subscribe, payload }) {
    const details = [];
    if (subscribe.length)
        details.push({ type: DETAIL, actions: ["subscribe"], topics: topicsOf(subscribe), ...payload && { payload } });
    if (publish.length)
        details.push({ type: DETAIL, actions: ["publish"], topics: topicsOf(publish) });
    return details;
}

// Whether this page may sign: browsers allow it on https and on this machine alone.
export const canMint = Boolean(globalThis.crypto?.subtle);

// The claim of 0.x. A text in it may be a URI Template; what must not be one is written as an object.
function oldClaimOf({ publish, subscribe, payload }) {
    const entriesOf = (matchers) => matchers.map(({ type, value }) =>
        type === "topic" || (type === "exact" && !value.includes("{")) ? value : { match: value, match_type: type });
    return { publish: entriesOf(publish), subscribe: entriesOf(subscribe), ...payload && { payload } };
}

function accessClaimsOf(claims) {
    return {
        iss: claims.issuer, aud: claims.audience, sub: `urn:uuid:${crypto.randomUUID()}`, client_id: claims.issuer,
        jti: `urn:uuid:${crypto.randomUUID()}`, authorization_details: detailsOf(claims),
    };
}

// claims: old (of the 0.x protocol), issuer, audience, seconds, publish and subscribe (matchers), payload (an object,
// or null).
export async function mint(secret, claims, now = Math.floor(Date.now() / 1000)) {
    const payload = {
        ...claims.old ? { mercure: oldClaimOf(claims) } : accessClaimsOf(claims),
        iat: now, exp: now + claims.seconds,
    };
    const text = [{ alg: "HS256", typ: claims.old ? "JWT" : "at+jwt" }, payload]
        .map((part) => base64url(encoder.encode(JSON.stringify(part)))).join(".");
    const key = await crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false,
        ["sign"]);
    return `${text}.${base64url(new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text))))}`;
}
