// One live stream over a native EventSource, kept going.
//
// The browser reconnects by itself after a lost connection and asks for what came after the last id. It gives
// up for good when the answer is anything but a stream. Then we find out why, and either go on with a new
// EventSource from the same id or stop with the reason.

import { isReachable, probeStream, setSession, streamUrl } from "./hub.js";
import { explainStream, isPassing } from "./words.js";

const RETRY_S = 3;

export class Stream {
    state = "idle";
    settings = null;
    lastId = "";
    since = null;
    #source = null;
    #timer = 0;
    #cookieSet = false;
    #renewed = false;
    // Counts the starts and stops: an answer that comes after the next one is no longer of interest.
    #turn = 0;

    // onState(state, reason, refusal): "idle", "connecting", "live", "reconnecting" or "stopped", and why.
    // onUpdate({ id, type, data }). onNote(text): something happened between two updates.
    constructor({ onState, onUpdate, onNote }) {
        this.onState = onState;
        this.onUpdate = onUpdate;
        this.onNote = onNote;
    }

    get active() {
        return ["connecting", "live", "reconnecting"].includes(this.state);
    }

    // settings: topics and types (lists of text), from ("", "earliest" or an id), grant (whether the cookie
    // carries one; null leaves the cookie as it is).
    start(settings) {
        this.#close();
        this.settings = settings;
        this.lastId = settings.from;
        this.#cookieSet = settings.grant === null;
        this.#renewed = false;
        this.#enter("connecting", "Waiting for the hub's answer.");
        this.#connect();
    }

    stop() {
        this.#close();
        this.#enter("stopped", "You stopped it.");
    }

    // Also hands over updates of this type. Known types are passed over.
    listen(type) {
        if (!this.settings || this.settings.types.includes(type))
            return;
        this.settings.types.push(type);
        this.#source?.addEventListener(type, this.#receive);
        if (this.state === "live")
            this.#enter("live", "");
    }

    #close() {
        this.#turn++;
        clearTimeout(this.#timer);
        this.#source?.close();
        this.#source = null;
    }

    #enter(state, reason, refusal) {
        this.state = state;
        this.onState(state, reason, refusal);
    }

    async #connect() {
        const turn = this.#turn;
        try {
            if (!this.#cookieSet)
                await setSession(this.settings.grant);
            if (turn !== this.#turn)
                return;
            this.#cookieSet = true;
            this.#open();
        } catch (refusal) {
            if (turn === this.#turn)
                this.#refused(refusal);
        }
    }

    #open() {
        const url = streamUrl(this.settings.topics, this.lastId);
        const source = new EventSource(url);
        this.#source = source;
        source.onopen = () => this.#opened();
        source.onerror = () => this.#failed(source, url);
        source.onmessage = this.#receive;
        for (const type of this.settings.types)
            source.addEventListener(type, this.#receive);
    }

    #opened() {
        if (this.state === "reconnecting")
            this.onNote(this.#hasId ? `Connected again, everything after ${this.lastId}` : "Connected again");
        this.#renewed = false;
        this.since = new Date();
        this.#enter("live", "");
    }

    #receive = (event) => {
        this.lastId = event.lastEventId;
        this.onUpdate({ id: event.lastEventId, type: event.type, data: event.data });
    };

    get #hasId() {
        return this.lastId !== "" && this.lastId !== "earliest";
    }

    async #failed(source, url) {
        const turn = this.#turn;
        if (this.state === "live")
            this.onNote("Connection lost");
        if (source.readyState === EventSource.CONNECTING) {
            this.#enter("reconnecting", `The connection was lost. ${this.#resumption()}`);
            const reachable = await isReachable();
            if (turn !== this.#turn || this.state !== "reconnecting")
                return;
            const why = reachable ? "The hub ended the stream, as it does now and then."
                : "The hub cannot be reached.";
            this.#enter("reconnecting", `${why} ${this.#resumption()}`);
            return;
        }
        this.#source = null;
        const refusal = await probeStream(url).catch((reason) => reason);
        if (turn !== this.#turn)
            return;
        if (refusal)
            this.#refused(refusal);
        else
            this.#retry("The hub would answer now.", RETRY_S);
    }

    #resumption() {
        return this.#hasId ? `The browser tries again and asks for everything after ${this.lastId}.`
            : this.lastId ? "The browser tries again and asks for everything kept."
            : "The browser tries again. No update has come yet, so it has no id to go on from.";
    }

    #refused(refusal) {
        if (refusal.status === 401 && this.settings.grant && !this.#renewed) {
            // The grant has run out: one new session, then the stream goes on.
            this.#cookieSet = false;
            this.#renewed = true;
            this.#enter("reconnecting", "The grant has run out. Getting a new one.");
            this.#connect();
        } else if (isPassing(refusal)) {
            this.#retry(explainStream(refusal), Math.max(RETRY_S, refusal.retryAfter));
        } else {
            this.#enter("stopped", "", refusal);
        }
    }

    #retry(why, seconds) {
        this.#enter("reconnecting", `${why} This page tries again in ${seconds} s.`);
        this.#timer = setTimeout(() => this.#connect(), seconds * 1000);
    }
}
