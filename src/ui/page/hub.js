// The requests that this page makes. All go to the hub that served it.

import { pairsOf } from "./matchers.js";

export const hubUrl = new URL("..", document.baseURI).href.replace(/\/$/, "");
export const tokenUrl = new URL("playground-token", document.baseURI).href;

// What went wrong with a request, as the hub told it: status 0 means that there was no answer at all.
export class Refusal extends Error {
    constructor(status, text, response) {
        super(text || `status ${status}`);
        this.status = status;
        this.text = text;
        this.challenge = response?.headers.get("WWW-Authenticate") ?? "";
        this.requestId = response?.headers.get("X-Request-Id") ?? "";
        this.retryAfter = Number(response?.headers.get("Retry-After")) || 0;
    }

    // The detail that a Bearer challenge carries (RFC 6750).
    get description() {
        const quoted = /error_description="((?:[^"\\]|\\.)*)"/.exec(this.challenge)?.[1] ?? "";
        return quoted.replace(/\\(.)/g, "$1");
    }
}

async function request(url, options) {
    let response;
    try {
        response = await fetch(url, { cache: "no-store", ...options });
    } catch {
        throw new Refusal(0, "");
    }
    if (response.ok)
        return response;
    const text = await response.text().catch(() => "");
    throw new Refusal(response.status, text.trim(), response);
}

export async function loadConfig() {
    return (await request("config.json")).json();
}

// A token that may do everything; hubs in production have none to give.
export async function playgroundToken() {
    return (await request(tokenUrl)).text();
}

// The cookie that lets the stream receive private updates. A script cannot read or set it.
export async function setSession(granted, signal) {
    await request("session", { method: granted ? "POST" : "DELETE", signal });
}

export function streamUrl(matchers, lastEventId) {
    const query = new URLSearchParams(pairsOf(matchers));
    if (lastEventId)
        query.append("last_event_id", lastEventId);
    return `${hubUrl}?${query}`;
}

// The response whose body is the stream. Without a token the browser's cookie counts.
export async function openStream({ matchers, token }, lastEventId, signal) {
    const headers = { Accept: "text/event-stream", ...token && { Authorization: `Bearer ${token}` } };
    return request(streamUrl(matchers, lastEventId), { headers, signal });
}

// What the hub says of a stream with these settings, instead of the stream.
export async function loadExplanation({ matchers, token }) {
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    return (await request(`${streamUrl(matchers, "")}&explain=1`, { headers })).json();
}

// The topics of those of the updates that the hub has in memory, by their ids.
export async function loadTopics(ids) {
    return (await request(`topics?${new URLSearchParams(ids.map((id) => ["id", id]))}`)).json();
}

// Who is subscribed, the id of the event to go on from, and the token that this took. Without a token the page
// asks for one where the hub gives any.
export async function loadSubscriptions(given) {
    const token = given || await playgroundToken().catch(() => "");
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const response = await request(`${hubUrl}/subscriptions`, { headers });
    const quoted = /;\s*last-event-id="((?:[^"\\]|\\.)*)"/.exec(response.headers.get("Link"))?.[1] ?? "";
    // A token of 0.x is answered in the form of 0.x.
    const { subscriptions, lastEventID: old } = await response.json();
    return { subscriptions, lastEventId: old ?? quoted.replace(/\\(.)/g, "$1"), token };
}

// What a resource says, and its Links.
export async function loadResource(url) {
    const response = await request(url);
    return { link: response.headers.get("Link"), text: await response.text() };
}

// Gives the id of the update.
export async function publish(fields, token) {
    const response = await request(hubUrl, {
        method: "POST",
        headers: token ? { Authorization: `Bearer ${token}` } : {},
        body: new URLSearchParams(fields),
    });
    return response.text();
}
