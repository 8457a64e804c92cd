// Matchers: rows to edit them in, and what one of them matches.

import { make } from "./dom.js";

const MAX_PATTERNS = 200;
const patterns = new Map();

// The pattern, compiled by the browser against the hub's URL: null when it is none. undefined when the browser
// does not know URL Patterns.
function compile(value, base) {
    if (!("URLPattern" in window))
        return undefined;
    if (!patterns.has(value)) {
        if (patterns.size > MAX_PATTERNS)
            patterns.clear();
        try {
            patterns.set(value, new URLPattern(value, base));
        } catch {
            patterns.set(value, null);
        }
    }
    return patterns.get(value);
}

// Whether it matches the topic; undefined when this browser cannot tell.
export function matches({ type, value }, topic, base) {
    if (value === "*" || (type !== "urlpattern" && value === topic))
        return true;
    if (type === "topic" && value.includes("{"))
        return undefined;
    if (type !== "urlpattern")
        return false;
    const pattern = compile(value, base);
    return pattern === undefined ? undefined : Boolean(pattern?.test(topic, base));
}

// The kinds, as people call them: "topic" is what the 0.x protocol has, text or a URI Template.
export const KINDS = { exact: "Exact", urlpattern: "URL Pattern", topic: "0.x topic" };
const PARAMETERS = { exact: "match", urlpattern: "match_urlpattern", topic: "topic" };
const EXAMPLES = { exact: "https://example.com/books/1", urlpattern: "https://example.com/books/:id",
    topic: "https://example.com/books/{id}" };

export const nameOf = ({ type }) => PARAMETERS[type];
export const pairsOf = (matchers) => matchers.map((matcher) => [nameOf(matcher), matcher.value]);

// The rows in `box`; each change is an "input" event there.
export class Matchers {
    #box;
    #base;
    #kinds;
    #rows = make("div", { class: "matchers" });

    // base: the URL of the hub; old: whether the kind of the 0.x protocol is one; first: the matchers to begin with.
    constructor(box, { base, old = false, first = [] }) {
        this.#box = box;
        this.#base = base;
        this.#kinds = Object.entries(KINDS).filter(([type]) => old || type !== "topic");
        const add = make("button", { type: "button", class: "quiet", onclick: () => {
            this.#add().querySelector("input").focus();
            this.#changed();
        } }, "Add a matcher");
        box.append(this.#rows, make("div", {}, add));
        first.forEach((matcher) => this.#add(matcher));
        if (!first.length)
            this.#add();
        box.addEventListener("input", () => this.#check());
        this.#check();
    }

    // Those that say something.
    read() {
        return [...this.#rows.children].map((row) => ({
            type: row.querySelector("select").value,
            value: row.querySelector("input").value.trim(),
        })).filter(({ value }) => value);
    }

    #add({ type = "exact", value = "" } = {}) {
        const kind = make("select", { "aria-label": "Kind of matcher" },
            ...this.#kinds.map(([each, title]) => make("option", { value: each }, title)));
        const input = make("input", { class: "code", spellcheck: "false", "aria-label": "What it matches",
            onpaste: (event) => this.#paste(event, row) });
        const remove = make("button", { type: "button", class: "quiet", onclick: () => this.#remove(row) }, "Remove");
        const row = make("div", { class: "matcher" }, kind, input, remove, make("p", { class: "hint wrong" }));
        kind.value = type;
        input.value = value;
        this.#rows.append(row);
        return row;
    }

    #remove(row) {
        const next = row.nextElementSibling ?? row.previousElementSibling;
        row.remove();
        (next ?? this.#add()).querySelector("input").focus();
        this.#changed();
    }

    // Several lines become as many rows.
    #paste(event, row) {
        const lines = event.clipboardData.getData("text").split("\n").map((line) => line.trim()).filter(Boolean);
        if (lines.length < 2)
            return;
        event.preventDefault();
        const type = row.querySelector("select").value;
        row.querySelector("input").value = lines[0];
        lines.slice(1).forEach((value) => this.#add({ type, value }));
        this.#changed();
    }

    #changed() {
        this.#box.dispatchEvent(new Event("input", { bubbles: true }));
    }

    #check() {
        const rows = [...this.#rows.children];
        rows.forEach((row, i) => {
            const type = row.querySelector("select").value;
            const value = row.querySelector("input").value;
            const wrong = type === "urlpattern" && value && value !== "*" && compile(value, this.#base) === null;
            row.querySelector(".wrong").textContent = wrong ? "This is no URL Pattern." : "";
            row.querySelector("input").placeholder = EXAMPLES[type];
            row.querySelector("button").setAttribute("aria-label", `Remove matcher ${i + 1}`);
            row.querySelector("button").hidden = rows.length === 1;
        });
    }
}
