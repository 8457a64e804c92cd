// The requests that this page makes. All go to the hub that served it.

export const hubUrl = new URL("..", document.baseURI).href.replace(/\/$/, "");
export const tokenUrl = new URL("playground-token", document.baseURI).href;

// What went wrong with a request, as the hub told it: status 0 means that there was no answer at all.
export class Refusal extends Error {
    constructor(status, text, response) {
        super(text || `status ${status}`);
        this.status = status;
        this.text = text;
        this.challenge = response?.headers.get("WWW-Authenticate") ?? "";
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
async function playgroundToken() {
    return (await request(tokenUrl)).text();
}

// The cookie that lets the stream receive private updates. A script cannot read or set it.
export async function setSession(granted, signal) {
    await request("session", { method: granted ? "POST" : "DELETE", signal });
}

export function streamUrl(topics, lastEventId) {
    const query = new URLSearchParams(topics.map((topic) => ["match", topic]));
    if (lastEventId)
        query.append("last_event_id", lastEventId);
    return `${hubUrl}?${query}`;
}

// The response whose body is the stream.
export async function openStream(topics, lastEventId, signal) {
    return request(streamUrl(topics, lastEventId), { headers: { Accept: "text/event-stream" }, signal });
}

// Gives the id of the update.
export async function publish(fields, token) {
    const response = await request(hubUrl, {
        method: "POST",
        headers: { Authorization: `Bearer ${token || await playgroundToken()}` },
        body: new URLSearchParams(fields),
    });
    return response.text();
}
