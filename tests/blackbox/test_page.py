"""The page for people in a real browser, against a real hub."""
import json
import os
import signal
import subprocess
from urllib.parse import quote

import pytest

from harness import tokens
from harness.browser import CTRL, SHIFT
from harness.hub import PATH

pytestmark = pytest.mark.browser

# Text that a shell, a form, JSON and HTML would each like to read in their own way.
HOSTILE = "it's \"$HOME\" `id` $(id) \\ !x\n  a & b = c % d + é 😀 ;'';<img src=x onerror=alert(1)>"

# The lowest contrast between a piece of text and what lies behind it, with that text.
LOWEST_CONTRAST = """(() => {
    const parse = (color) => color.match(/[\\d.]+/g).map(Number);
    const light = (color) => parse(color).slice(0, 3).map((c) => c / 255)
        .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (element) => {
        const color = getComputedStyle(element).backgroundColor;
        return parse(color)[3] === 0 && element.parentElement ? behind(element.parentElement) : color;
    };
    let lowest = [21, ""];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node; node = walker.nextNode();) {
        const element = node.parentElement;
        if (!node.textContent.trim() || !element.checkVisibility())
            continue;
        const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < lowest[0])
            lowest = [contrast, node.textContent];
    }
    return lowest;
})()"""


@pytest.fixture
def dev_hub(start_with):
    """A hub as `cinnabar dev` starts it, with a history that outlives it, always at the same port."""
    hub = start_with("bolt", {"command": "dev"})
    hub.conf["addr"] = "{}:{}".format(*hub.address)
    return hub


def url_of(hub, path="/"):
    return "http://{}:{}{}".format(*hub.address, path)


@pytest.fixture
def open_page(browser):
    """Opens the page of a hub, and expects at the end that nothing complained."""
    pages = []

    def open_one(hub, **looks):
        pages.append(Visit(browser.open_page(url_of(hub), **looks)))
        pages[-1].wait("!document.querySelector('main').inert")
        return pages[-1]

    yield open_one
    for page in pages:
        page.close()
        assert page.errors == []


class Visit:
    """What a person does on the page."""

    def __init__(self, page):
        self.page = page
        self.errors = page.errors
        self.wait, self.eval, self.press, self.close = page.wait, page.eval, page.press, page.close

    def text(self, selector):
        return self.eval(f"document.querySelector({json.dumps(selector)}).textContent.trim()")

    def wait_text(self, selector, part):
        self.wait(f"document.querySelector({json.dumps(selector)})?.textContent.includes({json.dumps(part)})")

    def wait_live(self):
        self.wait_text("#state", "Live")

    def fill(self, selector, text):
        self.eval(f"(e => {{ e.value = {json.dumps(text)};"
                  "e.dispatchEvent(new Event('input', {bubbles: true})); })"
                  f"(document.querySelector({json.dumps(selector)}))")

    def match(self, *values, box="#matchers", kind="exact"):
        """Replaces the matchers of a form, as somebody who pastes a list."""
        self.eval(f"""(box => {{
            while (box.querySelectorAll(".matcher").length > 1)
                box.querySelector(".matcher button").click();
            box.querySelector("select").value = {json.dumps(kind)};
            const text = new DataTransfer();
            text.setData("text", {json.dumps(chr(10).join(values))});
            const input = box.querySelector("input");
            if (input.dispatchEvent(new ClipboardEvent("paste", {{ clipboardData: text, cancelable: true }})))
                input.value = text.getData("text");
            input.dispatchEvent(new Event("input", {{ bubbles: true }}));
        }})(document.querySelector({json.dumps(box)}))""")

    def add_matcher(self, value, kind, box="#matchers"):
        self.eval(f"document.querySelector('{box} > div:last-child button').click()")
        self.eval(f"""(row => {{
            row.querySelector("select").value = {json.dumps(kind)};
            row.querySelector("input").value = {json.dumps(value)};
            row.dispatchEvent(new Event("input", {{ bubbles: true }}));
        }})(document.querySelector("{box} .matcher:last-child"))""")

    def click(self, selector):
        self.eval(f"document.querySelector({json.dumps(selector)}).click()")

    def publish(self, **fields):
        for name, text in fields.items():
            self.fill(f"#{name}", text)
        self.eval("document.querySelector('#result').replaceChildren()")
        self.click("#publish .primary")

    # What was published; that this page itself came and went reaches it too, with a grant for every topic.
    UPDATES = """[...document.querySelectorAll('.update pre')].map((pre) => pre.textContent)
        .filter((data) => !data.includes('"type": "subscription"'))"""

    def updates(self):
        """The data of the updates in the list, newest first."""
        return self.eval(self.UPDATES)

    def wait_updates(self, *data):
        wanted = json.dumps(json.dumps(data, ensure_ascii=False, separators=(",", ":")))
        self.wait(f"JSON.stringify({self.UPDATES}) === {wanted}")

    def notes(self):
        return self.eval("[...document.querySelectorAll('.note')].map((note) => note.textContent)")

    def focused(self):
        return self.eval("document.activeElement.id || document.activeElement.textContent.trim()")

    def tab_to(self, name, modifiers=0):
        for _ in range(60):
            if self.focused() == name:
                return
            self.press("Tab", modifiers)
        raise AssertionError(f"the keyboard does not reach {name}")


def test_page_loads_whole_from_the_hub_alone(dev_hub, open_page):
    page = open_page(dev_hub)
    page.wait_live()
    assert page.eval("location.pathname") == f"{PATH}/debug/"
    assert page.text("h1") == "Cinnabar"
    assert page.text("#version")
    loaded = page.eval("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert all(name.startswith(url_of(dev_hub)) for name in loaded)
    assert {name.rsplit("/", 1)[1] for name in loaded} >= {"app.js", "app.css", "icon.svg", "config.json"}


def test_what_is_published_on_the_page_arrives_on_it(dev_hub, open_page):
    page = open_page(dev_hub)
    page.wait_live()
    page.publish(data='{"stock": 3, "large": 12345678901234567890}')
    page.wait_text("#result", "It arrived on the stream of this page after")
    page.wait_updates('{"stock": 3, "large": 12345678901234567890}')
    assert page.text(".update .id") in page.text("#result")
    assert page.text("#counts") == "1 update"


def test_an_update_of_any_type_arrives_and_shows_it(dev_hub, open_page, topic):
    page = open_page(dev_hub)
    page.wait_live()
    dev_hub.publish_ok(topic, "first")
    dev_hub.publish_ok(topic, "second", type="a type that nobody has named")
    page.wait_updates("second", "first")
    assert page.text(".update .tag") == "a type that nobody has named"
    page.publish(data="typed", type="own type")
    page.wait_text("#result", "It arrived")
    page.wait_updates("typed", "second", "first")
    assert page.text(".update .tag") == "own type"


# Each line's end, each field with and without its space, what is no event, and what ends within a character.
EVENTS = ("\ufeff:\n\nid: 1\ndata: a\n\nid:2\r\nevent: t\r\ndata:b\r\ndata:  c\r\n\r\ndata\r\r: no\rdata: é😀\r\r\n"
          "event: lost\nid: 3\n\nretry: 70\nretry: x\nunknown: x\nid: a\0b\ndata: d:e\n\nid\ndata: f\n\ndata: unfinished\n")


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_the_page_reads_a_stream_however_it_is_cut(dev_hub, open_page, size):
    page = open_page(dev_hub)
    said = page.eval(f"""(async () => {{
        const {{ Parser }} = await import("./sse.js");
        const said = [];
        const parser = new Parser({{ onEvent: ({{ id, type, data }}) => said.push([id, type, data]),
                                     onRetry: (ms) => said.push(ms) }});
        const bytes = new TextEncoder().encode({json.dumps(EVENTS)});
        for (let at = 0; at < bytes.length; at += {size})
            parser.feed(bytes.subarray(at, at + {size}));
        return said;
    }})()""")
    assert said == [["1", "message", "a"], ["2", "t", "b\n c"], ["2", "message", ""], ["2", "message", "é😀"], 70,
                    ["3", "message", "d:e"], ["", "message", "f"]]


def test_a_stream_that_the_hub_cannot_go_on_with_says_so(dev_hub, open_page, topic):
    page = open_page(dev_hub)
    page.wait_live()
    page.fill("#history", "after")
    page.fill("#after", "urn:unknown")
    page.click("#start")
    page.wait_text(".note", "does not know urn:unknown")
    dev_hub.publish_ok(topic, "new")
    page.wait_updates("new")


def test_only_the_topics_asked_for_arrive(dev_hub, open_page, topic):
    page = open_page(dev_hub)
    page.match(f"{topic}/a", "", f" {topic}/b ")
    page.click("#start")
    page.wait_text("#reason", "2 matchers")
    for name in "cab":
        dev_hub.publish_ok(f"{topic}/{name}", name)
    page.wait_updates("b", "a")
    page.publish(**{"publish-topics": f"{topic}/c"})
    page.wait_text("#result", "listens to other topics")


def test_private_updates_need_the_grant(dev_hub, open_page, topic):
    page = open_page(dev_hub)
    page.wait_live()
    page.click("#private")
    page.publish(data="secret")
    page.wait_text("#result", "no grant")
    dev_hub.publish_ok(topic, "public")
    page.wait_updates("public")

    page.click("#grant")
    assert page.text("#start") == "Apply changes"
    page.click("#start")
    page.wait_text("#reason", "public and private updates")
    page.wait_updates("public", "secret", "public")
    page.publish(data="another")
    page.wait_text("#result", "It arrived")
    assert not page.eval("document.cookie"), "a script must not see the token"

    page.click("#grant")
    page.click("#start")
    page.wait_text("#reason", ": public updates")
    page.wait_updates("public", "another", "public", "secret", "public")


def test_stream_goes_on_without_gap_or_repeat_after_a_restart(dev_hub, open_page, topic):
    page = open_page(dev_hub)
    page.wait_live()
    last = dev_hub.publish_ok(topic, "before")
    page.wait_updates("before")
    dev_hub.stop()
    page.wait_text("#state", "Reconnecting")
    page.wait_text("#reason", "The hub cannot be reached")
    assert last in page.text("#reason")
    dev_hub.start()
    for number in range(5):
        dev_hub.publish_ok(topic, f"away {number}")
    page.wait_live()
    dev_hub.publish_ok(topic, "after")
    page.wait_updates("after", *(f"away {number}" for number in range(4, -1, -1)), "before")
    again, lost = page.notes()
    assert "Connected again" in again and last in again
    assert "Connection lost" in lost


def test_new_page_shows_the_history_after_a_restart(dev_hub, open_page, topic):
    dev_hub.publish_ok(topic, "one")
    middle = dev_hub.publish_ok(topic, "two")
    dev_hub.publish_ok(topic, "three")
    dev_hub.restart()
    page = open_page(dev_hub)
    page.wait_updates("three", "two", "one")

    page.click("#clear")
    page.click("#stop")
    assert page.text("#state") == "Stopped"
    page.fill("#history", "after")
    page.fill("#after", middle)
    page.click("#start")
    page.wait_updates("three")


def test_an_update_in_the_list_is_a_place_to_start_from(dev_hub, open_page, topic):
    dev_hub.publish_ok(topic, "one")
    dev_hub.publish_ok(topic, "two")
    page = open_page(dev_hub)
    page.wait_updates("two", "one")
    page.click(".update:last-child .head button")
    assert page.focused() == "start"
    page.click("#start")
    page.wait_updates("two", "two", "one")
    assert page.text(".update .tag") == "repeated"


def test_copied_curl_lines_do_what_the_forms_say(dev_hub, open_page):
    page = open_page(dev_hub)
    page.wait_live()
    page.click("#grant")
    page.click("#start")
    page.wait_text("#reason", "public and private updates")
    page.fill("#publish-topics", "https://example.com/a'b?x=1&y=é\nan alternate")
    page.fill("#data", HOSTILE)
    page.fill("#id", "an id's text & more")
    page.fill("#type", "it's a type")
    page.fill("#retry", "2500")
    page.click("#private")
    line = page.text("#publish-code-text")
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "an id's text & more"
    page.wait_updates(HOSTILE)
    assert page.text(".update .tag") == "it's a type"
    assert page.text(".update .id") == "an id's text & more"
    assert page.eval("document.querySelectorAll('#events img').length") == 0

    line = page.text("#subscribe-code-text")
    with subprocess.Popen(["sh", "-c", line], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          start_new_session=True) as curl:
        event = []
        while "event: it's a type" not in event:
            event = list(iter(lambda: curl.stdout.readline().decode().rstrip("\n"), ""))
        os.killpg(curl.pid, signal.SIGTERM)
    assert event[-5:] == ["event: it's a type", "retry: 2500", "id: an id's text & more",
                          *(f"data: {part}" for part in HOSTILE.split("\n"))]


def test_copied_javascript_does_what_the_forms_say(dev_hub, open_page):
    page = open_page(dev_hub)
    page.wait_live()
    page.fill("#data", HOSTILE)
    page.click("#publish-code input:nth-of-type(2)")
    page.click("#subscribe-code input:nth-of-type(2)")
    said = "globalThis.said = []; const console = { log: (...what) => said.push(what) };"
    page.eval(f"(async () => {{ {said} {page.text('#subscribe-code-text')} }})()")
    page.eval(f"(async () => {{ {said} {page.text('#publish-code-text')} }})()")
    page.wait_updates(HOSTILE)
    page.wait(f"said.some(([, data]) => data === {json.dumps(HOSTILE)})")


def test_refused_publish_is_explained(dev_hub, open_page):
    page = open_page(dev_hub)
    page.publish(**{"publish-topics": "*"})
    page.wait_text("#result", "status 400")
    assert 'topic value "*" is reserved' in page.text("#result")
    assert "it matches every topic" in page.text("#result")
    page.publish(**{"publish-topics": "fine", "retry": "soon"})
    page.wait_text("#result", 'Invalid "retry" parameter')
    assert "digits only" in page.text("#result")


def test_refused_stream_is_explained(dev_hub, open_page):
    page = open_page(dev_hub)
    page.match(*(f"topic {number}" for number in range(101)))
    page.click("#start")
    page.wait_text("#problem", "status 400")
    assert "too many matchers" in page.text("#problem")
    assert "Name fewer" in page.text("#problem")
    assert page.text("#state") == "Stopped"
    page.match("*")
    page.click("#start")
    page.wait_live()
    assert page.text("#problem") == ""


def test_unreachable_hub_is_explained_and_waited_for(dev_hub, open_page):
    page = open_page(dev_hub)
    page.wait_live()
    dev_hub.stop()
    page.publish()
    page.wait_text("#result", "Is it running?")
    page.click("#start")
    page.wait_text("#reason", "This page tries again in 3 s")
    dev_hub.start()
    page.wait_live()


def test_debugger_without_playground_takes_a_token(start_hub, open_page):
    hub = start_hub(debugger=True, playground=False, anonymous=False)
    page = open_page(hub)
    page.wait_text("#state", "Idle")
    page.click("#start")
    page.wait_text("#problem", "status 401")
    assert "without a token" in page.text("#problem")
    page.publish(data="with token", token=hub.publisher_token())
    page.wait_text("#result", "Published at")
    page.publish(token="x" * 50)
    page.wait_text("#result", "does not accept the access token")


# ---- matchers and topics


def test_an_update_shows_its_topics_and_which_matchers_have_met_them(dev_hub, open_page, topic):
    page = open_page(dev_hub)
    page.match(f"{topic}/a", f"{topic}/b")
    page.click("#start")
    page.wait_text("#reason", "2 matchers")
    dev_hub.publish_ok([f"{topic}/x", f"{topic}/b"], "from elsewhere", retry="2500")
    page.wait_text(".update .topics", "matched by")
    assert page.text(".update .topics") == f"Topics {topic}/x {topic}/b matched by {topic}/b"
    assert "retry 2500 ms" in page.text(".update .head")


def test_a_replay_shows_the_topics_of_every_update(dev_hub, open_page, topic):
    for number in range(300):
        dev_hub.publish_ok(f"{topic}/{number}", str(number))
    page = open_page(dev_hub)
    page.wait("document.querySelectorAll('.update .topics code').length === 600")
    assert page.text(".update:last-child .topics") == f"Topic {topic}/0 matched by *"


def test_rows_of_matchers_are_added_removed_and_pasted(dev_hub, open_page):
    page = open_page(dev_hub)
    page.match("a", "b", "c")
    page.add_matcher("/books/:id", "urlpattern")
    rows = "[...document.querySelectorAll('#matchers .matcher input')].map((input) => input.value).join()"
    assert page.eval(rows) == "a,b,c,/books/:id"
    page.click("#matchers .matcher:nth-child(2) button")
    assert page.eval(rows) == "a,c,/books/:id"
    line = page.text("#subscribe-code-text")
    assert "match=a&match=c&match_urlpattern=%2Fbooks%2F%3Aid" in line
    page.click("#subscribe-code input:nth-of-type(2)")
    assert 'append("match_urlpattern", "/books/:id")' in page.text("#subscribe-code-text")


def test_a_url_pattern_subscribes(dev_hub, open_page, topic):
    page = open_page(dev_hub)
    page.match(f"{topic}/:name", kind="urlpattern")
    page.add_matcher(f"{topic}/b", "exact")
    page.click("#start")
    page.wait_text("#reason", "2 matchers")
    for name in ("a", "a/b", "b"):
        dev_hub.publish_ok(f"{topic}/{name}", name)
    page.wait_updates("b", "a")
    page.wait_text(".update .topics", "matched by")
    assert page.text(".update .topics") == f"Topic {topic}/b matched by {topic}/:name (URL Pattern), {topic}/b"
    page.match("/(unclosed", kind="urlpattern")
    page.click("#start")
    page.wait_text("#problem", "One of the URL Patterns is none")


def test_what_reaches_the_stream_is_explained(dev_hub, open_page, topic):
    page = open_page(dev_hub)
    page.match(f"{topic}/a", f"{topic}/b")
    page.fill("#token", tokens.mint(subscribe=[f"{topic}/a"]))
    page.click("#grant")
    page.click("#start")
    page.wait_text("#why-list", f"{topic}/a: public updates and all private ones, by the grant of {topic}/a")
    assert page.text("#why-list li:last-child") == f"{topic}/b: public updates alone"
    page.click("#stop")
    page.wait("document.querySelector('#why').hidden")


def test_what_is_no_url_pattern_is_told_before_the_hub_is_asked(dev_hub, open_page):
    page = open_page(dev_hub)
    page.match("https://example.com/(unclosed", kind="urlpattern")
    assert page.text("#matchers .wrong") == "This is no URL Pattern."
    page.match("https://example.com/:id", kind="urlpattern")
    assert page.text("#matchers .wrong") == ""


MATCHES = [
    ("exact", "https://example.com/a", "https://example.com/a", True),
    ("exact", "https://example.com/a", "https://example.com/A", False),
    ("exact", "*", "anything", True),
    ("urlpattern", "*", "anything", True),
    ("urlpattern", "https://example.com/books/:id", "https://example.com/books/1?x#y", True),
    ("urlpattern", "https://example.com/books/:id", "https://example.com/books/", False),
    ("urlpattern", "/books/:id", "https://hub.example/books/123", True),
    ("urlpattern", "https://hub.example/books/:id", "/books/123", True),
    ("urlpattern", "/(unclosed", "/", False),
]


def test_the_page_matches_as_the_hub_does(dev_hub, open_page):
    page = open_page(dev_hub)
    for kind, value, topic, wanted in MATCHES:
        given = json.dumps({"type": kind, "value": value})
        assert page.eval(f"import('./matchers.js').then(({{ matches }}) => matches({given}, {json.dumps(topic)},"
                         " 'https://hub.example/.well-known/mercure'))") is wanted, (kind, value, topic)


# ---- tokens


def checks(page):
    return page.eval("[...document.querySelectorAll('#token-said .checks li')]"
                     ".map((li) => [li.className, li.lastChild.textContent])")


def test_a_token_of_the_playground_is_explained(dev_hub, open_page):
    page = open_page(dev_hub)
    page.click("#token-get")
    page.wait_text("#token-said", "every topic")
    assert {state for state, _ in checks(page)} == {"good", "plain"}
    said = " ".join(text for _, text in checks(page))
    assert "It may publish on every topic." in said and "for this hub" in said
    assert '"mercure.rocks/authorization-detail"' in page.text("#token-said").replace("https://", "")
    page.click("#token-clear")
    assert page.text("#token-said") == ""
    assert page.focused() == "token"


def test_what_is_wrong_with_a_token_is_told(dev_hub, open_page):
    page = open_page(dev_hub)
    for token, wrong in [
        ("abc", "three parts"), ("a.b.c!", "header is not"), ("e30.W10.x", "claims is not a JSON object"),
        (tokens.mint(typ="JWT"), 'not "at+jwt"'), (tokens.mint(exp=1), "It expired"),
        (tokens.mint(exp=None), "no exp"), (tokens.mint(iss="https://other"), "does not know its issuer"),
        (tokens.mint(aud="https://other"), "not for https://hub.example"),
        (tokens.mint(nbf=9999999999), "not good before"),
        (tokens.mint(details=[{"type": tokens.DETAIL_TYPE, "actions": ["publish"]}]), "malformed"),
        (tokens.mint(typ="JWT", mercure={"publish": ["*"]}), 'not "at+jwt"'),
        (tokens.sign({"alg": "none", "typ": "at+jwt"}, tokens.claims()), "not signed"),
    ]:
        page.fill("#token", token)
        bad = [text for state, text in checks(page) if state == "bad"]
        assert any(wrong in text for text in bad), (wrong, checks(page))
    page.fill("#token", tokens.mint(mercure={"publish": ["*"]}))
    assert "does not count here" in page.text("#token-said")
    page.fill("#token", tokens.mint())
    assert [state for state, _ in checks(page) if state == "bad"] == []
    assert "It grants nothing" in page.text("#token-said")


def test_a_token_made_on_the_page_does_what_it_says(dev_hub, open_page, topic):
    page = open_page(dev_hub)
    page.wait_live()
    page.fill("#mint-secret", tokens.PUBLISHER_KEY)
    page.match(f"{topic}/a", f"{topic}/b", box="#mint-publish")
    page.match(f"{topic}/a", box="#mint-subscribe")
    page.fill("#mint-payload", '{"user": "é"}')
    page.click("#mint .primary")
    page.wait_text("#token-said", f"It may publish on {topic}/a, {topic}/b.")
    assert '{"user":"é"}' in page.text("#token-said")
    assert [state for state, _ in checks(page) if state == "bad"] == []

    page.click("#grant")
    assert page.text("#grant-label") == "Send the access token"
    page.click("#start")
    page.wait_text("#reason", "public and private updates")
    page.click("#private")
    page.publish(**{"publish-topics": f"{topic}/b", "data": "granted to publish alone"})
    page.wait_text("#result", "Published at")
    page.publish(**{"publish-topics": f"{topic}/a", "data": "granted"})
    page.wait_text("#result", "It arrived")
    page.wait_updates("granted")
    page.publish(**{"publish-topics": f"{topic}/c"})
    page.wait_text("#result", "status 403")
    line = page.text("#publish-code-text").replace(f"{topic}/c", f"{topic}/a")
    subprocess.run(["sh", "-c", line], capture_output=True, timeout=60, check=True)
    page.wait("document.querySelectorAll('.update').length === 2")


def test_the_page_speaks_0x_with_a_hub_that_does(start_hub, open_page, topic):
    hub = start_hub(playground=True, issuers=None, env={"JWT_KEY": tokens.PUBLISHER_KEY})
    page = open_page(hub)
    page.match(topic, kind="topic")
    page.click("#grant")
    page.click("#start")
    page.wait_text("#reason", "public and private updates")
    assert f"?topic={quote(topic, safe='')}" in page.text("#subscribe-code-text")
    page.click("#private")
    page.publish(**{"publish-topics": topic, "data": "old"})
    page.wait_text("#result", "It arrived")
    page.click("#token-get")
    page.wait_text("#token-said", "It may publish on every topic.")
    assert "a token of the 0.x protocol" in page.text("#token-said")
    assert [state for state, _ in checks(page) if state == "bad"] == []


def test_a_token_of_0x_made_on_the_page_does_what_it_says(start_hub, open_page, topic):
    hub = start_hub(debugger=True, anonymous=True, issuers=None, env={"JWT_KEY": tokens.PUBLISHER_KEY})
    page = open_page(hub)
    page.fill("#mint-secret", tokens.PUBLISHER_KEY)
    page.match(f"{topic}/{{id}}", box="#mint-publish", kind="topic")
    page.add_matcher(f"{topic}/:a/:b", "urlpattern", box="#mint-publish")
    page.fill("#mint-payload", '{"user": 7}')
    page.click("#mint .primary")
    page.wait_text("#token-said", f"It may publish on {topic}/{{id}}, {topic}/:a/:b (URL Pattern).")
    assert [state for state, _ in checks(page) if state == "bad"] == []
    for name, said in (("1", "Published"), ("1/2", "Published"), ("1/2/3", "no publish grant")):
        page.publish(**{"publish-topics": f"{topic}/{name}"})
        page.wait_text("#result", said)


def test_a_hub_of_both_protocols_lets_the_page_make_either_token(start_hub, open_page):
    hub = start_hub(debugger=True, env={"JWT_KEY": tokens.PUBLISHER_KEY})
    page = open_page(hub)
    page.fill("#mint-secret", tokens.PUBLISHER_KEY)
    page.match("{a}", box="#mint-publish", kind="topic")
    page.click("#mint .primary")
    page.wait_text("#mint-problem", "0.x topics are for tokens of 0.x")
    page.match("*", box="#mint-publish")
    page.click("#mint .primary")
    page.wait_text("#token-said", "It is an access token (typ at+jwt).")
    page.fill("#mint-protocol", "old")
    assert page.eval("document.querySelector('#mint-issuer').offsetParent === null")
    page.click("#mint .primary")
    page.wait_text("#token-said", "It is a token of the 0.x protocol")
    page.publish()
    page.wait_text("#result", "Published")


def test_refusals_of_0x_tell_a_bad_token_from_one_that_grants_too_little(start_hub, open_page):
    hub = start_hub(debugger=True, subscriptions=True, issuers=None, env={"JWT_KEY": tokens.PUBLISHER_KEY})
    page = open_page(hub)
    page.fill("#token", tokens.mint_legacy({"publish": "*"}))
    page.wait_text("#token-said", "is not a list, which refuses the whole token")
    page.publish()
    page.wait_text("#result", "does not accept the access token")
    page.click("#presence-watch")
    page.wait_text("#presence-problem", "does not accept the token")
    page.fill("#token", tokens.mint_legacy({"publish": ["https://example.com/x"], "subscribe": ["*"]}))
    page.publish()
    page.wait_text("#result", "it has no publish grant for one of these topics")
    page.click("#presence-watch")
    page.wait_text("#presence-note", "come and go")
    page.click("#presence-watch")
    page.fill("#token", tokens.mint_legacy({"subscribe": ["x"]}))
    page.click("#presence-watch")
    page.wait_text("#presence-problem", "no subscribe grant for the topics of subscriptions")
    assert page.text("#subscriptions") == page.text("#presence-count") == ""


@pytest.mark.parametrize("field, value, said", [
    ("#mint-secret", "", "Enter the secret"), ("#mint-minutes", "soon", "how many minutes"),
    ("#mint-payload", "{", "not JSON"), ("#mint-payload", "[1]", "must be a JSON object"),
])
def test_a_token_that_cannot_be_made_is_told_why(dev_hub, open_page, field, value, said):
    page = open_page(dev_hub)
    page.fill("#mint-secret", "secret")
    page.fill(field, value)
    page.click("#mint .primary")
    page.wait_text("#mint-problem", said)
    assert not page.eval("document.querySelector('#token').value")


def test_a_refusal_names_the_request_and_the_challenge(dev_hub, open_page):
    page = open_page(dev_hub)
    page.fill("#token", tokens.mint(publish=["*"], key="x" * 32))
    page.publish()
    page.wait_text("#result", "status 401")
    assert 'WWW-Authenticate: Bearer error="invalid_token"' in page.text("#result")
    request_id = page.text("#result .detail:last-child code")
    assert dev_hub.log.wait("^Request refused$", request_id=request_id)


def test_the_debugger_sends_a_pasted_token_with_the_stream(start_hub, open_page, topic):
    hub = start_hub(debugger=True, anonymous=False)
    page = open_page(hub)
    page.fill("#token", tokens.mint(subscribe=[topic]))
    page.match(topic)
    page.click("#start")
    page.wait_live()
    hub.publish_ok(topic, "secret", private="on")
    page.wait_updates("secret")
    assert page.text(".update .topics") == "", "only the playground tells topics"


# ---- what else there is


def test_the_hub_is_discovered_from_a_resource(dev_hub, open_page):
    page = open_page(dev_hub)
    page.fill("#discover-body", '{"title": "é & <b>"}')
    page.click("#discover button")
    page.wait_text("#discovered", "names its hub: /.well-known/mercure")
    assert '{"title": "é & <b>"}' in page.text("#discovered")


LINKS = [
    ('</hub>; rel="mercure"', "/hub"), ('</hub>; rel="mercure"; cookie-name="a", </x>; rel="self"', "/hub"),
    ('</x>; rel="self", <https://h.example/a,b>; rel=mercure', "https://h.example/a,b"),
    ('</x>; title="a, <b>; rel=\\"mercure\\""', ""), ("", ""),
]


def test_links_are_read_as_they_are_written(dev_hub, open_page):
    page = open_page(dev_hub)
    for link, hub in LINKS:
        said = page.eval(f"import('./discover.js').then(({{ linkTo }}) => linkTo({json.dumps(link)}, 'mercure'))")
        assert said == hub, link


def test_active_subscriptions_come_and_go_while_somebody_watches(dev_hub, open_page, topic):
    page = open_page(dev_hub)
    page.wait_live()
    page.click("#presence-watch")
    page.wait_text("#subscriptions", "*")
    page.wait_text("#presence-note", "come and go")
    with dev_hub.subscribe(topic):
        page.wait_text("#subscriptions", topic)
        assert page.text("#presence-watch") == "Stop"
    page.wait(f"!document.querySelector('#subscriptions').textContent.includes({json.dumps(topic)})")
    page.click("#presence-watch")
    assert page.text("#presence-watch") == "Watch"


@pytest.mark.parametrize("conf", [{}, {"issuers": None}], ids=["a modern token", "a token of 0.x"])
def test_active_subscriptions_of_both_protocols_come_and_go(start_hub, open_page, topic, conf):
    hub = start_hub(playground=True, subscriptions=True, env={"JWT_KEY": tokens.PUBLISHER_KEY}, **conf)
    page = open_page(hub)
    page.click("#presence-watch")
    page.wait_text("#presence-note", "come and go")
    for query in (f"topic={topic}/%7Bid%7D", f"match={topic}"):
        connection, response = hub.open_stream(query)
        assert response.status == 200
        page.wait_text("#subscriptions", topic)
        connection.close()
        page.wait(f"!document.querySelector('#subscriptions').textContent.includes({json.dumps(topic)})")


def test_active_subscriptions_need_a_grant(start_hub, open_page):
    hub = start_hub(debugger=True, subscriptions=True)
    page = open_page(hub)
    page.click("#presence-watch")
    page.wait_text("#presence-problem", "only those with a token")
    page.fill("#token", tokens.mint(subscribe=["x"]))
    page.click("#presence-watch")
    page.wait_text("#presence-problem", "no subscribe grant for the topics of subscriptions")
    page.fill("#token", tokens.mint(subscribe=["*"]))
    page.click("#presence-watch")
    page.wait_text("#presence-note", "come and go")
    assert page.text("#presence-problem") == ""


def test_active_subscriptions_are_explained_where_the_hub_does_not_tell_them(start_hub, open_page):
    page = open_page(start_hub(debugger=True))
    assert page.eval("document.querySelector('#presence-watch').disabled")
    assert "its setting subscriptions is off" in page.text("#presence-note")


def test_list_is_bounded_counted_and_filtered(dev_hub, open_page, topic):
    for number in range(510):
        dev_hub.publish_ok(topic, f"number {number}")
    page = open_page(dev_hub)
    page.wait_text("#counts", "510 updates, the newest 500 shown")
    assert page.eval("document.querySelectorAll('#events li').length") == 500
    assert page.updates()[0] == "number 509"
    page.fill("#filter", "NUMBER 50")
    assert page.text("#counts") == "11 of 500 updates match"
    page.fill("#filter", "nothing like it")
    assert page.text("#empty") == "No update here contains that text."
    page.fill("#filter", "")
    page.click("#clear")
    assert page.text("#counts") == "0 updates"


def test_long_data_is_cut_until_asked_for(dev_hub, open_page, topic):
    page = open_page(dev_hub)
    page.wait_live()
    dev_hub.publish_ok(topic, "x" * 100_000)
    page.wait_updates("x" * 4000)
    page.click(".update > button")
    page.wait_updates("x" * 100_000)


def test_everything_works_with_the_keyboard_alone(dev_hub, open_page):
    page = open_page(dev_hub)
    page.wait_live()
    page.press("Tab")
    assert page.text(":focus") == "Skip to the live stream"
    page.press("Enter")
    assert page.focused() == "stream"
    page.tab_to("data", SHIFT)
    page.page.type("typed ")
    page.press("Enter", CTRL)
    page.wait_text("#result", "It arrived")
    page.tab_to("private")
    page.press(" ")
    page.tab_to("Publish")
    page.press("Enter")
    page.wait_text("#result", "no grant")
    page.tab_to("grant")
    page.press(" ")
    page.tab_to("start")
    page.press("Enter")
    page.wait_text("#reason", "public and private updates")
    page.tab_to("stop")
    page.press(" ")
    page.wait_text("#state", "Stopped")
    assert page.focused() == "start"
    page.tab_to("subscribe-code-language-curl")
    page.press("ArrowRight")
    page.wait_text("#subscribe-code-text", "new EventSource")


def test_each_control_has_a_name_and_shows_its_focus(dev_hub, open_page):
    page = open_page(dev_hub)
    page.wait_live()
    page.publish()
    page.wait_text("#result", "It arrived")
    nodes = page.page.call("Accessibility.getFullAXTree")["nodes"]
    roles = {}
    for node in nodes:
        role = node.get("role", {}).get("value")
        if not node.get("ignored"):
            roles.setdefault(role, []).append(node.get("name", {}).get("value", ""))
    for role in ("textbox", "searchbox", "combobox", "checkbox", "radio", "button", "link", "region"):
        assert roles[role] and all(roles[role]), f"{role}: {roles[role]}"
    assert roles["banner"] and roles["main"] and roles["heading"][0] == "Cinnabar"

    seen = 0
    page.press("Tab")
    while page.eval("document.activeElement !== document.body"):
        seen += 1
        # The radio buttons themselves are invisible: their labels show the focus.
        assert page.eval("[document.activeElement, document.activeElement.nextElementSibling].some((element) =>"
                         " element && getComputedStyle(element).outlineStyle === 'solid')"), page.focused()
        page.press("Tab")
    assert seen == page.eval("[...document.querySelectorAll('a, button:enabled, input, select, textarea, summary, .scroll')]"
                             ".filter((element) => element.checkVisibility()).length"
                             " - document.querySelectorAll('[type=radio]:not(:checked)').length")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1280])
def test_page_fits_and_is_readable(dev_hub, open_page, topic, width, dark):
    page = open_page(dev_hub, width=width, height=780, dark=dark)
    page.wait_live()
    dev_hub.publish_ok(topic, "x" * 3000, id="i" * 300, type="t" * 200)
    page.publish(**{"publish-topics": "/.well-known/mercure/" + "n" * 300, "data": '{"a": [1, true, "text"]}'})
    page.wait_text("#result", "status 400")
    page.wait_updates("x" * 3000)

    def check():
        assert page.eval("document.documentElement.scrollWidth") <= width
        contrast, text = page.eval(LOWEST_CONTRAST)
        assert contrast >= 4.5, text

    check()
    page.publish(**{"publish-topics": "fine"})
    page.wait_text("#result", "It arrived")
    check()
    dev_hub.stop()
    page.wait_text("#reason", "cannot be reached")
    check()
    page.click("#stop")
    check()
