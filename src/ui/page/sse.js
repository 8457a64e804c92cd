// Reads server-sent events from the body of a response, as the HTML standard says
// (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
//
// An EventSource would do the same, but hands over only events of the types that were named before.

export class Parser {
    #decoder = new TextDecoder();
    #rest = "";
    #afterReturn = false;
    #id = "";
    #type = "";
    #data = [];
    #retry = null;

    // onEvent({ id, type, data, retry }); retry is null where the event has none.
    // onRetry(ms): how long to wait before coming back.
    constructor({ onEvent, onRetry }) {
        this.onEvent = onEvent;
        this.onRetry = onRetry;
    }

    feed(bytes) {
        let text = this.#decoder.decode(bytes, { stream: true });
        if (text === "")
            return;
        if (this.#afterReturn && text.startsWith("\n"))
            text = text.slice(1); // the second half of a line's end
        this.#afterReturn = text.endsWith("\r");
        const lines = text.split(/\r\n|\r|\n/);
        lines[0] = this.#rest + lines[0];
        this.#rest = lines.pop();
        lines.forEach((line) => this.#take(line));
    }

    #take(line) {
        if (line === "")
            return this.#dispatch();
        const [, name, value] = /^([^:]*)(?:: ?([^]*))?$/.exec(line);
        if (name === "data")
            this.#data.push(value ?? "");
        else if (name === "event")
            this.#type = value ?? "";
        else if (name === "id" && !value?.includes("\0"))
            this.#id = value ?? "";
        else if (name === "retry" && /^[0-9]+$/.test(value))
            this.onRetry(this.#retry = Number(value));
    }

    #dispatch() {
        const data = this.#data.splice(0);
        const type = this.#type || "message";
        const retry = this.#retry;
        this.#type = "";
        this.#retry = null;
        if (data.length)
            this.onEvent({ id: this.#id, type, data: data.join("\n"), retry });
    }
}

// Gives what comes in the body to the parser. True when the body has ended in good order, false when the
// connection was lost.
export async function readAll(body, parser) {
    const reader = body.getReader();
    for (;;) {
        const { done, value } = await reader.read().catch(() => ({}));
        if (!value)
            return done === true;
        parser.feed(value);
    }
}
