// Lays out JSON text for reading without changing a character of its values: numbers keep all their digits,
// members their order, and repeated names stay.

import { make } from "./dom.js";

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const INDENT = "  ";
const SHORT = 60;

function isJson(text) {
    try {
        JSON.parse(text);
        return true;
    } catch {
        return false;
    }
}

function kindOf(token, next) {
    if (token[0] === '"')
        return next === ":" ? "name" : "text";
    if (/^[\d-]/.test(token))
        return "number";
    return /^\w/.test(token) ? "word" : "";
}

// Where a short object or array that holds no other ends, so that it stays on one line; -1 for any other
// token.
function endOfShort(tokens, from) {
    if (tokens[from] !== "{" && tokens[from] !== "[")
        return -1;
    let length = 0;
    for (let i = from + 1; length <= SHORT; i++) {
        if (tokens[i] === "}" || tokens[i] === "]")
            return i;
        if (tokens[i] === "{" || tokens[i] === "[")
            return -1;
        length += tokens[i].length + 1;
    }
    return -1;
}

// Pieces { text, kind } that make up the laid-out text; null when the text is not an object or array of JSON.
export function layOut(text) {
    if (!/^\s*[{[]/.test(text) || !isJson(text))
        return null;
    const tokens = text.match(TOKEN);
    const pieces = [];
    let depth = 0;
    let shortUntil = -1;
    const add = (piece, kind = "") => pieces.push({ text: piece, kind });
    const breakLine = () => add("\n" + INDENT.repeat(depth));
    tokens.forEach((token, i) => {
        const opens = token === "{" || token === "[";
        const closes = token === "}" || token === "]";
        shortUntil = Math.max(shortUntil, endOfShort(tokens, i));
        const inline = i <= shortUntil;
        if (closes && !inline) {
            depth--;
            breakLine();
        }
        add(token === ":" || (token === "," && inline) ? `${token} ` : token, kindOf(token, tokens[i + 1]));
        if (opens && !inline)
            depth++;
        if (!inline && (opens || token === ","))
            breakLine();
    });
    return pieces;
}

// The same as what an element can hold; the text itself when it is not JSON of that kind.
export function shown(text) {
    return layOut(text)?.map((piece) => piece.kind ? make("span", { class: piece.kind }, piece.text) : piece.text)
        ?? [text];
}
