// The updates that arrived, newest first. Bounded in rows and in characters, and drawn in batches, so that
// the replay of a long history costs the page no more than its end.

import { byId, dayAndClock, fineClock, make } from "./dom.js";
import { shown } from "./json.js";
import { KINDS, matches } from "./matchers.js";

const MAX_ROWS = 500;
const MAX_CHARS = 8 << 20;
const MAX_SHOWN = 4000;
const DRAW_MS = 40;
const ANNOUNCE_MS = 4000;
const LATE_MS = 2000;
const MAX_TOPICS = 10;
const COMPACT = new Intl.NumberFormat(undefined, { notation: "compact" });

// The time in an id that the hub made (UUID of version 7), or null.
function timeOfId(id) {
    const hex = /^urn:uuid:([0-9a-f]{8})-([0-9a-f]{4})-7/i.exec(id);
    return hex ? new Date(parseInt(hex[1] + hex[2], 16)) : null;
}

function payload(data) {
    const pre = make("pre", {}, ...data.length <= MAX_SHOWN ? shown(data) : [data.slice(0, MAX_SHOWN)]);
    if (data.length <= MAX_SHOWN)
        return [pre];
    const more = make("button", { type: "button", class: "quiet", onclick: () => {
        pre.textContent = data;
        more.remove();
    } }, `Show all ${data.length.toLocaleString()} characters`);
    return [pre, more];
}

const described = ({ type, value }) => type === "exact" ? value : `${value} (${KINDS[type]})`;

// Fills in which topics an update has, and which of the stream's own matchers have met them.
function tellTopics(line, topics, matchers, base) {
    const hit = matchers.filter((matcher) => topics.some((topic) => matches(matcher, topic, base)));
    const shownTopics = topics.slice(0, MAX_TOPICS).flatMap((topic) => [make("code", {}, topic), " "]);
    line.append(topics.length > 1 ? "Topics " : "Topic ", ...shownTopics);
    if (topics.length > MAX_TOPICS)
        line.append(`and ${topics.length - MAX_TOPICS} more `);
    if (hit.length)
        line.append("matched by ",
            ...hit.flatMap((matcher, i) => [i ? ", " : "", make("code", {}, described(matcher))]));
}

export class List {
    #rows = [];
    #waiting = [];
    #chars = 0;
    #received = 0;
    #again = new Map();
    #filter = "";
    #emptyText = "";
    #timer = 0;
    #unsaid = 0;
    #sayTimer = 0;

    // onResume(id) is called when somebody wants to start after that update. `topics` tells those of updates,
    // `base` is the URL of the hub.
    constructor({ onResume, topics, base }) {
        this.onResume = onResume;
        this.topics = topics;
        this.base = base;
        this.body = byId("events");
        byId("filter").addEventListener("input", (event) => this.#refilter(event.target.value));
        byId("clear").addEventListener("click", () => this.#clear());
    }

    // matchers: those of the stream that it came on.
    update({ id, type, data, retry }, matchers) {
        this.#received++;
        this.#unsaid++;
        this.#wait({ id, type, data, retry, matchers, at: new Date() });
    }

    // What to say while there is nothing.
    setEmptyText(text) {
        this.#emptyText = text;
        this.#count();
    }

    note(text) {
        this.#wait({ note: text, at: new Date(), data: "" });
    }

    #wait(entry) {
        this.#waiting.push(entry);
        if (this.#waiting.length > 2 * MAX_ROWS)
            this.#waiting.splice(0, MAX_ROWS);
        this.#timer ||= setTimeout(() => this.#draw(), DRAW_MS);
        this.#sayTimer ||= setTimeout(() => this.#say(), ANNOUNCE_MS);
    }

    #draw() {
        this.#timer = 0;
        const fresh = this.#waiting.splice(0).slice(-MAX_ROWS);
        const fragment = document.createDocumentFragment();
        for (const entry of fresh) {
            const row = this.#row(entry);
            this.#rows.push(row);
            fragment.prepend(row.element);
        }
        this.body.prepend(fragment);
        while (this.#rows.length > MAX_ROWS || (this.#chars > MAX_CHARS && this.#rows.length > 1))
            this.#drop(this.#rows.shift());
        this.#count();
    }

    #row(entry) {
        const { id, type, data, note, at } = entry;
        const element = note ? make("li", { class: "note" }, make("time", {}, fineClock(at)), ` ${note}`)
            : make("li", { class: "update" }, this.#head(entry), ...payload(data), this.#topicsLine(entry));
        const text = note ? null : `${id}\n${type}\n${data}`.toLowerCase();
        const row = { element, id, text, chars: data.length };
        this.#chars += row.chars;
        if (!note)
            this.#again.set(id, (this.#again.get(id) ?? 0) + 1);
        this.#show(row);
        return row;
    }

    #topicsLine({ id, matchers }) {
        const line = make("p", { class: "topics" });
        this.topics.want(id, (topics) => tellTopics(line, topics, matchers, this.base));
        return line;
    }

    #head({ id, type, retry, at }) {
        const time = make("time", { datetime: at.toISOString() }, fineClock(at));
        const facts = make("div", { class: "facts" }, time);
        if (type !== "message")
            facts.append(make("span", { class: "tag" }, type));
        if (this.#again.has(id))
            facts.append(make("span", { class: "tag weak" }, "repeated"));
        if (retry !== null)
            facts.append(make("span", { class: "sent" }, `retry ${retry} ms`));
        facts.append(make("code", { class: "id" }, id));
        const sent = timeOfId(id);
        if (sent && at - sent > LATE_MS)
            facts.append(make("span", { class: "sent" }, `sent ${dayAndClock(sent, at)}`));
        return make("div", { class: "head" }, facts, make("button", { type: "button", class: "quiet",
            "aria-label": `Start after ${id}`, onclick: () => this.onResume(id) }, "Start after"));
    }

    #drop(row) {
        row.element.remove();
        this.#chars -= row.chars;
        const left = (this.#again.get(row.id) ?? 1) - 1;
        if (left)
            this.#again.set(row.id, left);
        else
            this.#again.delete(row.id);
    }

    #show(row) {
        row.element.hidden = this.#filter !== "" && !row.text?.includes(this.#filter);
    }

    #refilter(text) {
        this.#filter = text.trim().toLowerCase();
        this.#rows.forEach((row) => this.#show(row));
        this.#count();
    }

    #clear() {
        this.#rows.splice(0).forEach((row) => this.#drop(row));
        this.#received = 0;
        this.#count();
    }

    #count() {
        const kept = this.#rows.filter((row) => row.text !== null);
        const shown = kept.filter((row) => !row.element.hidden).length;
        const many = (n) => `${n.toLocaleString()} ${n === 1 ? "update" : "updates"}`;
        const all = many(this.#received);
        byId("jump").textContent = `${COMPACT.format(this.#received)} ↓`;
        byId("jump").setAttribute("aria-label", `${all}: go to the live stream`);
        byId("counts").textContent = this.#filter ? `${shown.toLocaleString()} of ${many(kept.length)} match`
            : kept.length < this.#received ? `${all}, the newest ${kept.length.toLocaleString()} shown` : all;
        byId("empty").hidden = shown > 0;
        byId("empty").textContent = kept.length ? "No update here contains that text." : this.#emptyText;
    }

    // For screen readers: how many came, now and then, instead of each one.
    #say() {
        this.#sayTimer = 0;
        if (this.#unsaid)
            byId("announce").textContent = `${this.#unsaid} new ${this.#unsaid === 1 ? "update" : "updates"}`;
        this.#unsaid = 0;
    }
}
