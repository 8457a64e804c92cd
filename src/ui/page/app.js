// The page: one stream, the forms around it, and in words what happens.

import { byId, clock, problem } from "./dom.js";
import { loadConfig } from "./hub.js";
import { List } from "./list.js";
import { PublishForm } from "./publish.js";
import { Stream } from "./stream.js";
import { SubscribeForm } from "./subscribe.js";
import { explainStream } from "./words.js";

const STATES = {
    idle: ["Idle", "Nobody is listening here yet. Start the stream."],
    connecting: ["Connecting", "Connecting…"],
    live: ["Live", "Listening. Publish something and it appears here."],
    reconnecting: ["Reconnecting", "The stream will go on by itself."],
    stopped: ["Stopped", "The stream is stopped."],
};

function describe({ topics, grant }) {
    const what = topics.includes("*") ? "every topic"
        : topics.length === 1 ? topics[0] : `${topics.length} topics`;
    const which = grant === null ? "" : grant ? ", private updates too" : ", public updates only";
    return `Listening to ${what} since ${clock(new Date())}${which}.`;
}

function showState(stream, state, reason, refusal) {
    const [name, empty] = STATES[state];
    byId("pill").dataset.state = state === "stopped" && refusal ? "failed" : state;
    byId("state").textContent = name;
    byId("reason").dataset.state = state;
    byId("reason").textContent = state === "live" ? describe(stream.settings) : reason;
    byId("empty").textContent = empty;
    byId("problem").replaceChildren(...state === "stopped" && refusal ? [problem(refusal, explainStream(refusal))] : []);
}

function run(config) {
    byId("version").textContent = config.version;
    byId("dev").hidden = !config.playground;

    const list = new List({ onResume: (id) => subscribe.startAfter(id) });
    const stream = new Stream({
        onState: (state, reason, refusal) => {
            showState(stream, state, reason, refusal);
            subscribe.refresh();
        },
        onUpdate: (update) => {
            list.update(update);
            publish.arrived(update.id);
        },
        onNote: (text) => list.note(text),
    });
    const subscribe = new SubscribeForm(config, stream);
    const publish = new PublishForm(config, stream, (type) => subscribe.addType(type));
    showState(stream, "idle", "");
    // A newcomer sees updates arrive without pressing anything.
    if (config.playground)
        subscribe.start();
}

loadConfig().then(run, () => {
    byId("broken").textContent = "The hub did not tell its settings. Is it running? Then load this page again.";
    byId("broken").hidden = false;
});
