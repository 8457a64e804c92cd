// How a client finds the hub: by the Link of a resource.

import { byId, make, problem } from "./dom.js";
import { loadResource } from "./hub.js";
import { explainStream } from "./words.js";

// The target of the first Link with that relation; "" when there is none.
export function linkTo(header, relation) {
    for (const [, target, rest] of (header ?? "").matchAll(/<([^>]*)>((?:;\s*[\w-]+="(?:[^"\\]|\\.)*"|[^,<])*)/g)) {
        if (new RegExp(`;\\s*rel="?${relation}"?`).test(rest))
            return target;
    }
    return "";
}

async function discover() {
    const url = new URL(byId("discover-path").value, location.origin);
    url.searchParams.set("body", byId("discover-body").value);
    try {
        const { link, text } = await loadResource(url);
        const hub = linkTo(link, "mercure");
        byId("discovered").replaceChildren(make("div", { class: "done" },
            make("p", {}, "It says:"), make("pre", {}, text),
            make("p", {}, hub ? "and names its hub: " : "and names no hub.", make("code", {}, hub)),
            make("p", {}, "by its header ", make("code", {}, `Link: ${link}`))));
    } catch (refusal) {
        byId("discovered").replaceChildren(problem(refusal, explainStream(refusal)));
    }
}

export function prepareDiscovery({ playground }) {
    byId("discover-card").hidden = !playground;
    byId("discover").addEventListener("submit", (event) => {
        event.preventDefault();
        discover();
    });
}
