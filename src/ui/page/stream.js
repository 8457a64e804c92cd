// One live stream, kept going: it comes back after a lost connection and asks for what came after the last
// id, until the hub refuses it or somebody stops it.

import { openStream, setSession, Refusal } from "./hub.js";
import { Parser, readAll } from "./sse.js";
import { explainStream, isPassing } from "./words.js";

const RETRY_MS = 3000;
const RETRY_MAX_MS = 600000;

export class Stream {
    state = "idle";
    settings = null;
    lastId = "";
    since = null;
    #abort = null;
    #timer = 0;
    #retryMs = RETRY_MS;
    #cookieSet = false;
    #renewed = false;
    // Counts the starts and stops: an answer that comes after the next one is no longer of interest.
    #turn = 0;

    // onState(state, reason, refusal): "idle", "connecting", "live", "reconnecting" or "stopped", and why.
    // onUpdate({ id, type, data, retry }). onNote(text): something happened between two updates. onUnknown(): the
    // hub does not know the last id, so that updates may be missing.
    constructor({ onState, onUpdate, onNote, onUnknown = () => {} }) {
        this.onState = onState;
        this.onUpdate = onUpdate;
        this.onNote = onNote;
        this.onUnknown = onUnknown;
    }

    get active() {
        return ["connecting", "live", "reconnecting"].includes(this.state);
    }

    // settings: matchers (a list of { type, value }), from ("", "earliest" or an id), token ("" for none), grant
    // (without a token: whether the cookie carries one; null leaves the cookie as it is).
    start(settings) {
        this.#close();
        this.settings = settings;
        this.lastId = settings.from;
        this.#retryMs = RETRY_MS;
        this.#cookieSet = settings.grant === null || settings.token !== "";
        this.#renewed = false;
        this.#enter("connecting", "Waiting for the hub's answer.");
        this.#connect();
    }

    stop() {
        this.#close();
        this.#enter("stopped", "You stopped it.");
    }

    #close() {
        this.#turn++;
        clearTimeout(this.#timer);
        this.#abort?.abort();
    }

    #enter(state, reason, refusal) {
        this.state = state;
        this.onState(state, reason, refusal);
    }

    async #connect() {
        const turn = this.#turn;
        this.#abort = new AbortController();
        try {
            const response = await this.#ask(this.#abort.signal);
            if (turn !== this.#turn)
                return;
            this.#opened(response);
            const ended = await readAll(response.body, this.#parser());
            if (turn === this.#turn)
                this.#lost(ended);
        } catch (refusal) {
            if (!(refusal instanceof Refusal))
                throw refusal;
            if (turn === this.#turn)
                this.#refused(refusal);
        }
    }

    async #ask(signal) {
        if (!this.#cookieSet)
            await setSession(this.settings.grant, signal);
        this.#cookieSet = true;
        return openStream(this.settings, this.lastId, signal);
    }

    #parser() {
        return new Parser({
            onEvent: (update) => {
                this.lastId = update.id;
                this.onUpdate(update);
            },
            onRetry: (ms) => this.#retryMs = Math.min(ms, RETRY_MAX_MS),
        });
    }

    #opened(response) {
        if (this.state === "reconnecting")
            this.onNote(this.#hasId ? `Connected again, everything after ${this.lastId}` : "Connected again");
        if (this.#hasId && response.headers.get("Mercure-Last-Event-ID") === "earliest") {
            this.onNote(`The hub does not know ${this.lastId}: updates may be missing`);
            this.onUnknown();
        }
        this.#renewed = false;
        this.since = new Date();
        this.#enter("live", "");
    }

    get #hasId() {
        return this.lastId !== "" && this.lastId !== "earliest";
    }

    #lost(ended) {
        this.onNote("Connection lost");
        this.#retry(ended ? "The hub ended the stream, as it does now and then."
            : "The connection was lost.", this.#retryMs);
    }

    #refused(refusal) {
        if (refusal.status === 401 && this.settings.grant && !this.settings.token && !this.#renewed) {
            // The grant has run out: one new session, then the stream goes on.
            this.#cookieSet = false;
            this.#renewed = true;
            this.#enter("reconnecting", "The grant has run out. Getting a new one.");
            this.#connect();
        } else if (isPassing(refusal)) {
            this.#retry(explainStream(refusal), Math.max(this.#retryMs, refusal.retryAfter * 1000));
        } else {
            this.#enter("stopped", "", refusal);
        }
    }

    #retry(why, ms) {
        const goal = this.#hasId ? `for everything after ${this.lastId}`
            : this.lastId ? "for everything kept"
            : "for new updates only: none has come yet, so there is no id to go on from";
        this.#enter("reconnecting", `${why} This page tries again in ${ms / 1000} s and asks ${goal}.`);
        this.#timer = setTimeout(() => this.#connect(), ms);
    }
}
