// The few helpers for elements. Text from outside only ever becomes text.

export const byId = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on"))
            element.addEventListener(name.slice(2), value);
        else
            element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
}

// The lines that say something, without white space around them.
export const linesOf = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

const TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const FINE_CLOCK = new Intl.DateTimeFormat(undefined, { ...TIME, fractionalSecondDigits: 3 });
const CLOCK = new Intl.DateTimeFormat(undefined, TIME);
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

export const fineClock = (date) => FINE_CLOCK.format(date);
export const clock = (date) => CLOCK.format(date);

// With the day when it is not the same as that of `now`.
export function dayAndClock(date, now) {
    return date.toDateString() === now.toDateString() ? clock(date) : `${DAY.format(date)}, ${clock(date)}`;
}

// A refusal of the hub: its status and own words, and what they mean.
export function problem(refusal, meaning) {
    const box = make("div", { class: "problem" });
    if (refusal.status)
        box.append(make("p", { class: "status" }, `The hub answered with status ${refusal.status}`));
    if (refusal.text)
        box.append(make("blockquote", {}, refusal.text));
    if (refusal.description)
        box.append(make("blockquote", {}, refusal.description));
    box.append(make("p", {}, meaning));
    if (refusal.challenge)
        box.append(make("p", { class: "detail" }, make("code", {}, `WWW-Authenticate: ${refusal.challenge}`)));
    if (refusal.requestId)
        box.append(make("p", { class: "detail" }, "The hub's log says more about the request ",
            make("code", {}, refusal.requestId), "."));
    return box;
}
