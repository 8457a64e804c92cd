// Who is subscribed to what: a snapshot, and then what changes, without a gap between the two.

import { byId, make, problem } from "./dom.js";
import { loadSubscriptions } from "./hub.js";
import { shown } from "./json.js";
import { KINDS } from "./matchers.js";
import { Stream } from "./stream.js";
import { explainPresence } from "./words.js";

const MAX_SHOWN = 500;
// Those of both protocols; one of 0.x has no type in its path.
const EVENTS = { type: "urlpattern", value: "/.well-known/mercure/subscriptions/*" };
const DRAW_MS = 100;

function row({ match, topic, match_type: type, subscriber, payload }) {
    const kind = KINDS[type] ?? KINDS.topic;
    const parts = [make("code", { class: "what" }, match ?? topic ?? ""), make("span", { class: "tag" }, kind),
        make("code", { class: "id" }, subscriber)];
    if (payload !== undefined)
        parts.push(make("pre", {}, ...shown(JSON.stringify(payload))));
    return make("li", {}, ...parts);
}

export class Presence {
    #token;
    #stream;
    #active = new Map();
    #timer = 0;
    #watching = false;

    constructor(config, tokenForm) {
        this.#token = tokenForm;
        this.#stream = new Stream({
            onState: (state, reason, refusal) => this.#enter(state, reason, refusal),
            onUpdate: (update) => this.#take(update),
            onNote: () => {},
            onUnknown: () => this.#watch(),
        });
        byId("presence-watch").disabled = !config.subscriptions;
        byId("presence-note").textContent = config.subscriptions
            ? "Who is listening now, and to what."
            : "This hub does not tell who listens: its setting subscriptions is off.";
        byId("presence-watch").addEventListener("click", () => this.#watching ? this.#stop() : this.#watch());
    }

    async #watch() {
        this.#setWatching(true);
        byId("presence-problem").replaceChildren();
        try {
            const { subscriptions, lastEventId, token } = await loadSubscriptions(this.#token.value);
            if (!this.#watching)
                return;
            this.#active = new Map(subscriptions.map((each) => [each.id, each]));
            this.#draw();
            this.#stream.start({ matchers: [EVENTS], from: lastEventId, grant: true, token });
        } catch (refusal) {
            this.#fail(refusal);
        }
    }

    #stop() {
        this.#stream.stop();
        this.#setWatching(false);
        byId("presence-note").textContent = "Stopped.";
    }

    #setWatching(watching) {
        this.#watching = watching;
        byId("presence-watch").textContent = watching ? "Stop" : "Watch";
    }

    #enter(state, reason, refusal) {
        byId("presence-note").textContent = state === "live" ? "They come and go as you watch." : reason;
        if (state === "stopped" && refusal)
            this.#fail(refusal);
    }

    #fail(refusal) {
        if (!("status" in refusal))
            throw refusal;
        this.#setWatching(false);
        this.#active.clear(); // nobody tells any more whether they are still there
        this.#draw();
        byId("presence-count").textContent = "";
        byId("presence-note").textContent = "";
        byId("presence-problem").replaceChildren(problem(refusal, explainPresence(refusal)));
    }

    // Nobody but the hub publishes below its own path.
    #take({ data }) {
        const subscription = JSON.parse(data);
        if (subscription.active)
            this.#active.set(subscription.id, subscription);
        else
            this.#active.delete(subscription.id);
        this.#timer ||= setTimeout(() => this.#draw(), DRAW_MS);
    }

    #draw() {
        clearTimeout(this.#timer);
        this.#timer = 0;
        const count = this.#active.size;
        const rows = [...this.#active.values()].slice(-MAX_SHOWN).reverse().map(row);
        byId("subscriptions").replaceChildren(...rows);
        byId("presence-scroll").hidden = !count;
        byId("presence-count").textContent = count.toLocaleString()
            + (count > MAX_SHOWN ? `, the latest ${MAX_SHOWN} shown` : "");
    }
}
