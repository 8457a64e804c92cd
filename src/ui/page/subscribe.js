// The form that starts and stops the stream.

import { subscribeCurl, subscribeJs } from "./code.js";
import { byId } from "./dom.js";
import { Matchers } from "./matchers.js";
import { snippet } from "./snippet.js";

export class SubscribeForm {
    #config;
    #stream;
    #token;
    #matchers;
    #writeCode;

    constructor(config, stream, tokenForm) {
        this.#config = config;
        this.#stream = stream;
        this.#token = tokenForm;
        this.#matchers = new Matchers(byId("matchers"),
            { base: config.hub, old: config.compatibility > 0, first: [{ type: "exact", value: "*" }] });
        byId("grant").checked = !config.playground;
        byId("cookie-note").textContent =
            `Private updates come when this site has set the cookie ${config.cookieName}, or with an access token.`;
        byId("history").value = config.playground ? "earliest" : "new";
        this.#writeCode = snippet(byId("subscribe-code"), {
            "curl": () => subscribeCurl(this.read(), config),
            "JavaScript": () => subscribeJs(this.read(), config),
        });
        byId("subscribe").addEventListener("input", () => this.refresh());
        byId("subscribe").addEventListener("submit", (event) => {
            event.preventDefault();
            this.start();
        });
        byId("stop").addEventListener("click", () => {
            stream.stop();
            byId("start").focus();
        });
        this.refresh();
    }

    read() {
        const history = byId("history").value;
        const granted = byId("grant").checked;
        return {
            matchers: this.#matchers.read(),
            from: history === "new" ? "" : history === "earliest" ? history : byId("after").value.trim(),
            grant: this.#config.playground || this.#token.value ? granted : null,
            token: granted ? this.#token.value : "",
        };
    }

    start() {
        this.#stream.start(this.read());
    }

    // Fills in the id to start after.
    startAfter(id) {
        byId("history").value = "after";
        byId("after").value = id;
        this.refresh();
        byId("start").focus();
    }

    // To be called after each change of the form, of the token or of the stream's state.
    refresh() {
        const { active, settings } = this.#stream;
        const changed = active && JSON.stringify(settings) !== JSON.stringify(this.read());
        byId("after-field").hidden = byId("history").value !== "after";
        this.#showGrant();
        byId("start").textContent = changed ? "Apply changes" : active ? "Restart" : "Start";
        byId("start").classList.toggle("primary", changed || !active);
        byId("stop").hidden = !active;
        this.#writeCode();
    }

    #showGrant() {
        const token = this.#token.value;
        const granted = this.#config.playground || token;
        byId("grant-field").hidden = !granted;
        byId("cookie-note").hidden = Boolean(granted);
        byId("grant-label").textContent = token ? "Send the access token" : "Private updates";
        byId("grant-hint").textContent = !byId("grant").checked ? "Without a grant: only public updates come."
            : token ? "With the grants of the token below, in the Authorization header."
            : "With a grant for every topic, in a cookie that the hub has set.";
    }
}
