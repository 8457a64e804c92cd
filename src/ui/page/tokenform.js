// The access token of the page: pasted, asked for, or made here; and what it says.

import { byId, make, problem } from "./dom.js";
import { playgroundToken } from "./hub.js";
import { shown } from "./json.js";
import { Matchers } from "./matchers.js";
import { canMint, decode, explain, mint } from "./token.js";
import { explainStream } from "./words.js";

const HINTS = {
    true: "Empty: the page asks the hub for a token that may do everything, where it needs one.",
    false: "A JWT with the grants that you need. It stays on this page.",
};

function tokenParts({ header, claims }) {
    return make("details", {}, make("summary", {}, "Header and claims"),
        ...[header, claims].map(({ text }) => make("pre", { class: "sunken" }, ...shown(text))));
}

function verdict(checks) {
    return make("ul", { class: "checks" }, ...checks.map(({ state, text }) => make("li", { class: state },
        make("span", { class: "hidden" }, { good: "Good: ", bad: "Bad: ", plain: "" }[state]), text)));
}

export class TokenForm {
    #config;
    #tell = () => {};
    #publish;
    #subscribe;

    constructor(config) {
        this.#config = config;
        byId("token-hint").textContent = HINTS[config.playground];
        byId("token-get").hidden = !config.playground;
        byId("token").addEventListener("input", () => this.#changed());
        byId("token-get").addEventListener("click", () => this.#get());
        byId("token-clear").addEventListener("click", () => {
            this.#set("");
            byId("token").focus();
        });
        this.#prepareMint();
        this.#changed();
    }

    // tell() is called now and when the token is another.
    onChange(tell) {
        this.#tell = tell;
        tell();
    }

    get value() {
        return byId("token").value.trim();
    }

    #set(token) {
        byId("token").value = token;
        this.#changed();
    }

    #changed() {
        byId("token-clear").hidden = !this.value;
        byId("token-said").replaceChildren(...this.value ? this.#said() : []);
        this.#tell();
    }

    #said() {
        try {
            const decoded = decode(this.value);
            return [verdict(explain(decoded, this.#config)), tokenParts(decoded)];
        } catch ({ message }) {
            return [verdict([{ state: "bad", text: message }])];
        }
    }

    async #get() {
        try {
            this.#set(await playgroundToken());
        } catch (refusal) {
            byId("token-said").replaceChildren(problem(refusal, refusal.status === 404
                ? "The hub has no secret to sign with: its keys are public ones." : explainStream(refusal)));
        }
    }

    #prepareMint() {
        const { hub, issuers, compatibility } = this.#config;
        const old = compatibility > 0;
        byId("mint-protocol-field").hidden = !old;
        byId("mint-protocol").value = old && !issuers.length ? "old" : "modern";
        byId("mint-protocol").addEventListener("input", () => this.#showProtocol());
        this.#showProtocol();
        byId("mint-issuer").value = issuers[0] ?? "";
        byId("mint-audience").value = hub;
        const everything = { base: hub, old, first: [{ type: "exact", value: "*" }] };
        this.#publish = new Matchers(byId("mint-publish"), everything);
        this.#subscribe = new Matchers(byId("mint-subscribe"), everything);
        byId("mint").addEventListener("submit", (event) => {
            event.preventDefault();
            this.#mint();
        });
    }

    // A token of 0.x is for whoever has the key.
    #showProtocol() {
        for (const field of ["mint-issuer-field", "mint-audience-field"])
            byId(field).hidden = this.#mintsOld;
    }

    get #mintsOld() {
        return byId("mint-protocol").value === "old";
    }

    async #mint() {
        const box = byId("mint-problem");
        try {
            const claims = this.#readClaims();
            this.#set(await mint(byId("mint-secret").value, claims));
            box.replaceChildren();
            byId("token").focus();
        } catch ({ message }) {
            box.replaceChildren(problem({}, message));
        }
    }

    #readClaims() {
        const minutes = Number(byId("mint-minutes").value);
        const payload = byId("mint-payload").value.trim();
        if (!canMint)
            throw new Error("Browsers sign on https and on localhost alone. Use: cinnabar token");
        if (!byId("mint-secret").value)
            throw new Error("Enter the secret with which the issuer signs.");
        const publish = this.#publish.read();
        const subscribe = this.#subscribe.read();
        if (!this.#mintsOld && [...publish, ...subscribe].some(({ type }) => type === "topic"))
            throw new Error("0.x topics are for tokens of 0.x. Take an exact topic or a URL Pattern.");
        if (!(minutes > 0))
            throw new Error("Enter for how many minutes the token shall be good.");
        return {
            old: this.#mintsOld, issuer: byId("mint-issuer").value.trim(), audience: byId("mint-audience").value.trim(),
            seconds: Math.ceil(minutes * 60), publish, subscribe,
            payload: payload ? this.#readPayload(payload) : null,
        };
    }

    #readPayload(text) {
        let value;
        try {
            value = JSON.parse(text);
        } catch {
            throw new Error("The payload is not JSON.");
        }
        if (typeof value !== "object" || !value || Array.isArray(value))
            throw new Error("The payload must be a JSON object.");
        return value;
    }
}
