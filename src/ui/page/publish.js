// The form that publishes, and what becomes of each update.

import { publishCurl, publishJs } from "./code.js";
import { byId, clock, linesOf, make, problem } from "./dom.js";
import { playgroundToken, publish } from "./hub.js";
import { matches } from "./matchers.js";
import { snippet } from "./snippet.js";
import { explainPublish } from "./words.js";

const MAX_ARRIVALS = 200;

function read() {
    const fields = linesOf(byId("publish-topics").value).map((topic) => ["topic", topic]);
    if (byId("data").value)
        fields.push(["data", byId("data").value]);
    if (byId("private").checked)
        fields.push(["private", "on"]);
    for (const name of ["id", "type", "retry"]) {
        if (byId(name).value)
            fields.push([name, byId(name).value]);
    }
    return fields;
}

const topicsOf = (fields) => fields.filter(([name]) => name === "topic").map(([, topic]) => topic);

// Why the stream of this page will not show this update; empty when it will.
function whyUnseen(fields, stream, base) {
    if (!stream.active)
        return "The stream on this page is stopped, so it does not show it.";
    const heard = stream.settings.matchers;
    if (topicsOf(fields).every((topic) => heard.every((matcher) => matches(matcher, topic, base) === false)))
        return "The stream on this page listens to other topics, so it does not show it.";
    if (byId("private").checked && stream.settings.grant === false)
        return "It is private and the stream on this page has no grant, so it does not show it.";
    return "";
}

export class PublishForm {
    #config;
    #stream;
    #token;
    #topics;
    #writeCode;
    #arrivals = new Map();
    #latest = null;

    // Tells `topics` of the topics of what it publishes.
    constructor(config, stream, tokenForm, topics) {
        this.#config = config;
        this.#stream = stream;
        this.#token = tokenForm;
        this.#topics = topics;
        this.#writeCode = snippet(byId("publish-code"), {
            "curl": () => publishCurl(read(), tokenForm.value, config),
            "JavaScript": () => publishJs(read(), tokenForm.value, config),
        });
        const form = byId("publish");
        form.addEventListener("input", this.#writeCode);
        form.addEventListener("submit", (event) => {
            event.preventDefault();
            this.#publish();
        });
        byId("data").addEventListener("keydown", (event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey))
                form.requestSubmit();
        });
    }

    // To be called after each change of the token.
    refresh() {
        this.#writeCode();
    }

    // The stream has received an update with that id.
    arrived(id) {
        this.#arrivals.set(id, performance.now());
        if (this.#arrivals.size > MAX_ARRIVALS)
            this.#arrivals.delete(this.#arrivals.keys().next().value);
        if (this.#latest?.id === id)
            this.#tellArrival();
    }

    async #publish() {
        const fields = read();
        const named = Object.fromEntries(fields);
        if (named.id)
            this.#arrivals.delete(named.id);
        const latest = { sent: performance.now(), id: null, line: make("p") };
        this.#latest = latest;
        try {
            const id = await publish(fields, this.#token.value || await this.#playgroundToken());
            this.#topics.learn(id, topicsOf(fields));
            if (latest !== this.#latest)
                return;
            latest.id = id;
            latest.line.textContent = whyUnseen(fields, this.#stream, this.#config.hub);
            byId("result").replaceChildren(make("div", { class: "done" },
                make("p", {}, `Published at ${clock(new Date())} as `, make("code", {}, id)), latest.line));
            if (this.#arrivals.has(id))
                this.#tellArrival();
        } catch (refusal) {
            if (latest === this.#latest)
                byId("result").replaceChildren(problem(refusal, explainPublish(refusal)));
        }
    }

    // Where nobody gives one the request goes without, and the hub says what is missing.
    async #playgroundToken() {
        return this.#config.playground ? playgroundToken() : "";
    }

    #tellArrival() {
        const ms = Math.max(1, Math.round(this.#arrivals.get(this.#latest.id) - this.#latest.sent));
        this.#latest.line.textContent = `It arrived on the stream of this page after ${ms} ms.`;
        // A later replay brings it again.
        this.#latest = null;
    }
}
