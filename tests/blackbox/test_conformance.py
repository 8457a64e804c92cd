"""The ten cases of the protocol's conformance suite, in a browser, at a hub as its CI starts it: the page of the playground
at "/", anonymous subscribers, a token for everything with a fixed issuer and audience."""
import json
import uuid

import pytest

from harness import tokens
from harness.hub import PATH

pytestmark = pytest.mark.browser

KEY = "!ChangeThisMercureHubJWTSecretKey!"
IDENTIFIER = "https://localhost/.well-known/mercure"
TOKEN = tokens.mint(publish=["*"], subscribe=["*"], key=KEY, iss="https://localhost", aud=IDENTIFIER, exp=4102444800)

# What it opens, sends and waits for, told in one place: the page prints the response and each event.
SCRIPT = """(async (path, matchers, token, updates) => {
    const source = new EventSource(`${path}?${new URLSearchParams(matchers)}`);
    globalThis.received = [];
    source.onmessage = ({data, lastEventId}) => received.push([lastEventId, data]);
    await new Promise((resolve) => source.onopen = resolve);
    globalThis.answers = [];
    for (const update of updates) {
        const answer = await fetch(path, {method: "POST", headers: {Authorization: `Bearer ${token}`},
                                          body: new URLSearchParams(update)});
        answers.push([answer.status, answer.headers.get("Content-Type"), await answer.text()]);
    }
})"""


@pytest.fixture(scope="module")
def playground(start_module_hub):
    issuers = [{"issuer": "https://localhost", "publisher": {"jwt_key": KEY}, "subscriber": {"jwt_key": KEY}}]
    return start_module_hub(playground=True, issuers=issuers, resource_identifier=IDENTIFIER)


@pytest.fixture
def page(playground, browser):
    page = browser.open_page("http://{}:{}/".format(*playground.address))
    yield page
    page.close()


EXAMPLE = "https://example.net/foo/"


@pytest.mark.parametrize("published, matchers, private, comes", [
    ("{R}", [("match", "{R}")], False, True),
    ("{R}", [("match", "foo"), ("match", "{R}")], False, True),
    (EXAMPLE + "{R}", [("match", EXAMPLE + "{R}")], False, True),
    (EXAMPLE + "{R}", [("match_urlpattern", EXAMPLE + ":random")], False, True),
    ("will-not-match", [("match", "another-name")], False, False),
    (EXAMPLE + "will-not-match", [("match", EXAMPLE + "another-name")], False, False),
    (EXAMPLE + "will-not-match", [("match_urlpattern", "https://example.net/bar/:var")], False, False),
    ("{R}", [("match", "{R}")], True, False),
    (EXAMPLE + "{R}", [("match", EXAMPLE + "{R}")], True, False),
    (EXAMPLE + "{R}", [("match_urlpattern", EXAMPLE + ":random")], True, False),
], ids=["raw string", "multiple topic selectors", "URI", "URL pattern", "nonmatching raw string", "nonmatching URI",
        "nonmatching URL pattern", "private raw string", "private URI", "private URL pattern"])
def test_publish_update(page, published, matchers, private, comes):
    name, end = uuid.uuid4().hex, f"end-{uuid.uuid4()}"
    topic = published.replace("{R}", name)
    data = f"Connected to {name}\n\n    of several lines"
    update = {"topic": topic, "data": data, "id": f'id-["{topic}"]', **({"private": "on"} if private else {})}
    matchers = [(key, value.replace("{R}", name)) for key, value in matchers] + [("match", end)]
    arguments = ", ".join(json.dumps(each) for each in (
        PATH, matchers, TOKEN, [update, {"topic": end, "data": "end", "id": end}]))
    page.eval(f"{SCRIPT}({arguments})")
    page.wait(f"received.some(([id]) => id === {json.dumps(end)})")
    status, content_type, text = page.eval("answers[0]")
    assert (status, text) == (200, update["id"]) and content_type.startswith("text/plain")
    assert page.eval("received") == ([[update["id"], data]] if comes else []) + [[end, "end"]]
