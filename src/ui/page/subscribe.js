// The form that starts and stops the stream.

import { subscribeCurl, subscribeJs } from "./code.js";
import { byId, linesOf } from "./dom.js";
import { snippet } from "./snippet.js";

export class SubscribeForm {
    #config;
    #stream;
    #writeCode;

    constructor(config, stream) {
        this.#config = config;
        this.#stream = stream;
        byId("grant-field").hidden = !config.playground;
        byId("cookie-note").hidden = config.playground;
        byId("cookie-note").textContent =
            `Private updates come when this site has set the cookie ${config.cookieName}.`;
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
        return {
            topics: linesOf(byId("topics").value),
            from: history === "new" ? "" : history === "earliest" ? history : byId("after").value.trim(),
            grant: this.#config.playground ? byId("grant").checked : null,
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

    // To be called after each change of the form or of the stream's state.
    refresh() {
        const { active, settings } = this.#stream;
        const changed = active && JSON.stringify(settings) !== JSON.stringify(this.read());
        byId("after-field").hidden = byId("history").value !== "after";
        byId("grant-hint").textContent = byId("grant").checked
            ? "With a grant for every topic, in a cookie that the hub has set."
            : "Without a grant: only public updates come.";
        byId("start").textContent = changed ? "Apply changes" : active ? "Restart" : "Start";
        byId("start").classList.toggle("primary", changed || !active);
        byId("stop").hidden = !active;
        this.#writeCode();
    }
}
