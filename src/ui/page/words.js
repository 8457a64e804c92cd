// What a refusal means and what to do about it, in words. The first rule that fits is shown:
// [status, what the hub's text or challenge contains (null: anything), meaning].

const PUBLISH = [
    [400, /missing "topic"/i, "An update needs at least one topic. Write one in the first field."],
    [400, /namespace/, "Topics below /.well-known/mercure belong to the hub itself. Take another path."],
    [400, /"\*"/, "The asterisk only subscribes: it matches every topic, so it cannot be one."],
    [400, /"retry"/, "Retry is a time in milliseconds: digits only."],
    [400, /"id"/, "Take another id: no control characters, no # at its start, and not the word earliest. "
        + "Leave the field empty and the hub makes one."],
    [400, /"type"/, "Take another event type, without control characters. The type mercure is the hub's "
        + "own."],
    [401, null, "The hub does not accept the access token: it may be missing, expired, signed with another "
        + "key, or made for another hub."],
    [403, null, "The token is good, but it has no publish grant for one of these topics."],
    [413, null, "The update is larger than this hub accepts, or it has too many topics."],
    [503, null, "The hub cannot store updates now. Its log says why. The update may still appear, so look "
        + "before you publish it again."],
];

const STREAM = [
    [400, /topic matcher pattern/, "One of the URL Patterns is none. Check its braces, brackets and colons."],
    [400, /missing "match"/, "Name at least one matcher; * means every topic."],
    [400, /too many/, "One stream takes a limited number of matchers. Name fewer, or use *."],
    [401, /invalid_token/, "The hub does not accept the token, which may stand in the cookie: it may be expired, "
        + "signed with another key, or made for another hub."],
    [401, null, "This hub lets nobody listen without a token. A browser sends the token as a cookie, which "
        + "the site that people sign in to has to set."],
    [503, null, "The hub has no room or no history now. Its log says why."],
];

const BOTH = [
    [0, null, "The hub cannot be reached. Is it running?"],
    [400, null, "The hub did not understand the request."],
    [403, null, "The token does not grant this."],
    [404, null, "There is no hub at this address."],
    [421, null, "This hub does not answer for the host name in the address bar (see public_urls)."],
    [429, null, "Too many requests. Wait a little."],
    [431, null, "The request is longer than the hub accepts. Name fewer topics, or remove cookies."],
    [500, null, "Something broke inside the hub. Its log says what."],
    [502, null, "A proxy in front of the hub got no answer from it."],
    [504, null, "A proxy in front of the hub waited too long for it."],
];

function explain(rules, { status, text, challenge }) {
    // In 0.x it is 401, too, when a good token grants too little.
    const said = challenge.includes('error="insufficient_scope"') ? 403 : status;
    const fits = ([at, pattern]) => at === said && (!pattern || pattern.test(`${text}\n${challenge}`));
    return rules.find(fits)?.[2] ?? "The hub's log says more.";
}

const PRESENCE = [
    [401, /invalid_token/, "The hub does not accept the token: it may be expired, signed with another key, or made "
        + "for another hub."],
    [401, null, "The hub tells only those with a token who is subscribed."],
    [403, null, "The token is good, but it has no subscribe grant for the topics of subscriptions, those below "
        + "/.well-known/mercure/subscriptions."],
];

export const explainPublish = (refusal) => explain([...PUBLISH, ...BOTH], refusal);
export const explainPresence = (refusal) => explain([...PRESENCE, ...BOTH], refusal);
export const explainStream = (refusal) => explain([...STREAM, ...BOTH], refusal);

// Whether waiting may help.
export const isPassing = ({ status }) => [0, 429, 500, 502, 503, 504].includes(status);
