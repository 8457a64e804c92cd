// The page: one stream, the forms around it, and in words what happens.

import { prepareDiscovery } from "./discover.js";
import { byId, clock, problem } from "./dom.js";
import { Explanation } from "./explanation.js";
import { loadConfig } from "./hub.js";
import { List } from "./list.js";
import { Presence } from "./presence.js";
import { PublishForm } from "./publish.js";
import { Stream } from "./stream.js";
import { SubscribeForm } from "./subscribe.js";
import { TokenForm } from "./tokenform.js";
import { Topics } from "./topics.js";
import { explainStream } from "./words.js";

const STATES = {
    idle: ["Idle", "Nobody is listening here yet. Start the stream."],
    connecting: ["Connecting", "Connecting…"],
    live: ["Live", "Listening. Publish something and it appears here."],
    reconnecting: ["Reconnecting", "The stream will go on by itself."],
    stopped: ["Stopped", "The stream is stopped."],
};

function describe({ settings: { matchers, grant, token }, since }) {
    const what = matchers.some(({ value }) => value === "*") ? "every topic"
        : matchers.length === 1 ? matchers[0].value : `${matchers.length} matchers`;
    const which = { true: "public and private updates", false: "public updates", null: "updates" }[grant];
    const limit = grant && token ? ", as far as the token grants them" : "";
    return `Listening to ${what} since ${clock(since)}: ${which}${limit}.`;
}

function showState(stream, state, reason, refusal) {
    byId("state").textContent = STATES[state][0];
    byId("reason").dataset.state = state;
    byId("reason").textContent = state === "live" ? describe(stream) : reason;
    const final = state === "stopped" && refusal;
    byId("pill").dataset.state = final ? "failed" : state;
    byId("problem").replaceChildren(...final ? [problem(refusal, explainStream(refusal))] : []);
}

function run(config) {
    byId("version").textContent = config.version;
    byId("dev").hidden = !config.playground;

    const enter = (state, reason, refusal) => {
        showState(stream, state, reason, refusal);
        if (state === "live")
            explanation.show(stream.settings);
        else
            explanation.hide();
        list.setEmptyText(STATES[state][1]);
        subscribe.refresh();
    };
    const explanation = new Explanation(config);
    const topics = new Topics(config);
    const list = new List({ onResume: (id) => subscribe.startAfter(id), topics, base: config.hub });
    const stream = new Stream({
        onState: enter,
        onUpdate: (update) => {
            if (update.type === "mercure")
                topics.learn(update.id, [JSON.parse(update.data).id]);
            list.update(update, stream.settings.matchers);
            publish.arrived(update.id);
        },
        onNote: (text) => list.note(text),
    });
    const token = new TokenForm(config);
    const subscribe = new SubscribeForm(config, stream, token);
    const publish = new PublishForm(config, stream, token, topics);
    token.onChange(() => {
        subscribe.refresh();
        publish.refresh();
    });
    new Presence(config, token);
    prepareDiscovery(config);
    enter("idle", "");
    byId("main").inert = false;
    // A newcomer sees updates arrive without pressing anything.
    if (config.playground)
        subscribe.start();
}

loadConfig().then(run, () => {
    byId("broken").textContent = "The hub does not answer. When it runs, load this page again.";
    byId("broken").hidden = false;
});
