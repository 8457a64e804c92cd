// Which grants cover which of the stream's matchers, as the playground tells.

import { byId, make } from "./dom.js";
import { loadExplanation } from "./hub.js";
import { KINDS } from "./matchers.js";

const COVERS = {
    all: "public updates and all private ones",
    some: "public updates and some private ones",
    maybe: "public updates and perhaps private ones (two patterns are only compared topic by topic)",
    none: "public updates alone",
};

function named({ match, match_type: type, topic }) {
    const kind = topic === undefined ? type : "topic";
    return [make("code", {}, match ?? topic), kind === "exact" ? "" : ` (${KINDS[kind]})`];
}

function line({ grants, private: cover, ...matcher }) {
    const by = grants.flatMap((grant, i) => [i ? ", " : ", by the grant of ", ...named(grant)]);
    return make("li", {}, ...named(matcher), `: ${COVERS[cover]}`, ...by);
}

export class Explanation {
    #asks;
    #turn = 0;

    constructor({ playground }) {
        this.#asks = playground;
    }

    hide() {
        this.#turn++;
        byId("why").hidden = true;
    }

    // Of a stream with these settings.
    async show(settings) {
        this.hide();
        if (!this.#asks)
            return;
        const turn = this.#turn;
        const { matchers } = await loadExplanation(settings).catch(() => ({ matchers: [] }));
        if (turn !== this.#turn || !matchers.length)
            return;
        byId("why-list").replaceChildren(...matchers.map(line));
        byId("why").hidden = false;
    }
}
