// Which topics an update has. A stream does not say: the page knows them of what it has published itself and of
// subscription events, and asks the hub for those of all others where that tells.

import { loadTopics } from "./hub.js";

const MAX_KNOWN = 5000;
const MAX_URL = 4000;
const WAIT_MS = 50;
// The hub's threads learn of an update at slightly different times.
const AGAIN_MS = 500;

export class Topics {
    #known = new Map();
    #wanted = new Map();
    #timer = 0;

    constructor({ playground }) {
        this.asks = playground;
    }

    learn(id, topics) {
        this.#known.set(id, topics);
        if (this.#known.size > MAX_KNOWN)
            this.#known.delete(this.#known.keys().next().value);
        this.#wanted.get(id)?.tell(topics);
        this.#wanted.delete(id);
    }

    // Calls tell(topics), now or later or never.
    want(id, tell) {
        if (this.#known.has(id))
            return tell(this.#known.get(id));
        this.#wanted.set(id, { tell, tries: this.asks ? 2 : 0 });
        this.#schedule(WAIT_MS);
        while (this.#wanted.size > MAX_KNOWN)
            this.#wanted.delete(this.#wanted.keys().next().value);
    }

    #schedule(ms) {
        if (this.asks)
            this.#timer ||= setTimeout(() => this.#ask(), ms);
    }

    async #ask() {
        const ids = [];
        let length = 0;
        for (const [id, wanted] of this.#wanted) {
            if (!wanted.tries || length > MAX_URL)
                continue;
            wanted.tries--;
            ids.push(id);
            length += id.length + 4;
        }
        const told = ids.length ? await loadTopics(ids).catch(() => ({})) : {};
        Object.entries(told).forEach(([id, topics]) => this.learn(id, topics));
        this.#timer = 0;
        const left = [...this.#wanted.values()].filter(({ tries }) => tries);
        if (left.length)
            this.#schedule(left.some(({ tries }) => tries > 1) ? 0 : AGAIN_MS);
    }
}
