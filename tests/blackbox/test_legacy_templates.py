"""URI Templates as selectors of the 0.x protocol, in subscriptions and in claims."""
import pytest

from harness import tokens
from harness.hub import PATH
from test_legacy import KEY, claim, old_token, publish, publisher, subscribe

BASE = "https://example.com"


@pytest.fixture(scope="module", params=["local", "bolt"])
def templates(request, start_module_hub, tmp_path_factory):
    url = "local://" if request.param == "local" else f"bolt://{tmp_path_factory.mktemp('store')}/hub.db"
    return start_module_hub(transport_url=url, env={"JWT_KEY": KEY})


def send(hub, topic, data, **fields):
    response = publish(hub, {"topic": topic, "data": data, **fields}, publisher("*"))
    assert response.status == 200, response


@pytest.mark.parametrize("selector, meant, not_meant", [
    (BASE + "/{N}/{id}", BASE + "/{N}/1", BASE + "/{N}/a/b"),
    (BASE + "/{N}/{+path}", BASE + "/{N}/a/b?c=d", BASE + "/{N}"),
    (BASE + "/{N}{/a,b}", BASE + "/{N}/x/y", BASE + "/{N}/x/y/z"),
    (BASE + "/{N}{?topic}", BASE + "/{N}?other=b", BASE + "/{N}?a=b&c=d"),
    ("{scheme}://{+host}/{N}/{id}.jsonld", "http://a/b/{N}/1.jsonld", "http://a/b/{N}/1.json"),
    (BASE + "/{N}/{id:3}", BASE + "/{N}/1234567", BASE + "/{N}/1/2"),
    # No templates, hence topics.
    (BASE + "/{N}/a{b", BASE + "/{N}/a{b", BASE + "/{N}/a"),
    (BASE + "/{N}/{x-y}", BASE + "/{N}/{x-y}", BASE + "/{N}/1")],
    ids=["simple", "reserved", "path", "query", "host", "prefix", "broken", "bad name"])
def test_a_subscription_by_a_template(templates, topic, selector, meant, not_meant):
    name = topic.rsplit("/", 1)[1]
    selector, meant, not_meant = (text.replace("{N}", name) for text in (selector, meant, not_meant))
    with subscribe(templates, [("topic", selector)]) as stream:
        send(templates, not_meant, "not meant")
        send(templates, meant, "meant")
        send(templates, selector, "itself")  # a topic equal to the template's text matches
        assert [stream.read_event().data for _ in range(2)] == ["meant", "itself"]


def test_alternate_topics_and_several_selectors_send_an_update_once(templates, topic):
    selectors = [("topic", topic + "/{a}"), ("topic", topic + "{/b}"), ("topic", topic + "/exact"), ("match", topic + "/exact")]
    with subscribe(templates, selectors) as stream:
        send(templates, [topic + "/x", topic + "/exact", "https://example.com/other"], "once")
        send(templates, topic + "/exact", "then")
        assert [stream.read_event().data for _ in range(2)] == ["once", "then"]


def test_a_template_finds_its_updates_in_the_history(templates, topic):
    for i in range(5):
        publish(templates, {"topic": f"{topic}/{i}", "data": i, "id": f"{topic}#{i}"}, publisher("*"))
        send(templates, f"{topic}/{i}/below", "not meant")
    with subscribe(templates, [("topic", topic + "/{i}"), ("lastEventID", f"{topic}#1")]) as stream:
        assert [stream.read_event().data for _ in range(3)] == ["2", "3", "4"]
        send(templates, topic + "/live", "live")
        assert stream.read_event().data == "live"


def test_a_claim_with_a_template_receives_what_is_private(templates, topic):
    token = old_token(claim(subscribe=[topic + "/{mine}"]))
    with subscribe(templates, [("topic", "*")], token) as granted, \
            subscribe(templates, [("topic", topic + "{+any}")], token) as by_template:
        send(templates, topic + "/a/b", "not granted", private="on")
        send(templates, topic + "/a", "granted", private="on")
        send(templates, topic + "/{mine}", "itself", private="on")  # braces are in no value: by_template has it not
        send(templates, topic + "/b", "end", private="on")
        assert [granted.read_event().data for _ in range(3)] == ["granted", "itself", "end"]
        assert [by_template.read_event().data for _ in range(2)] == ["granted", "end"]


def test_a_claim_with_a_template_covers_an_alternate_topic(templates, topic):
    token = old_token(claim(subscribe=[topic + "/user/{id}"]))
    with subscribe(templates, [("topic", topic)], token) as stream:
        send(templates, [topic, topic + "/user/7"], "mine", private="on")
        assert stream.read_event().data == "mine"


def test_a_claim_with_a_template_publishes(templates, topic):
    token = publisher(topic + "/{id}")
    assert publish(templates, {"topic": topic + "/1"}, token).status == 200
    assert publish(templates, {"topic": [topic + "/1", topic + "/{id}"]}, token).status == 200
    assert publish(templates, {"topic": topic + "/1/2"}, token).status == 401


def test_subscribers_of_both_protocols_meet_on_a_template(templates, topic):
    with subscribe(templates, [("topic", topic + "/{id}")], tokens.mint(subscribe=[topic + "/1"])) as by_template, \
            subscribe(templates, [("match", topic + "/1")], old_token(claim(subscribe=[topic + "/{id}"]))) as by_topic:
        assert templates.publish(topic + "/1", "new", private="on").status == 200
        send(templates, topic + "/1", "old", private="on")
        for stream in (by_template, by_topic):
            assert [stream.read_event().data for _ in range(2)] == ["new", "old"]


def test_a_modern_matcher_is_no_template(templates, topic):
    with subscribe(templates, [("match", topic + "/{id}")]) as stream:
        send(templates, topic + "/1", "not meant")
        send(templates, topic + "/{id}", "itself")
        assert stream.read_event().data == "itself"


def test_a_modern_grant_is_no_template(templates, topic):
    token = tokens.mint(publish=[topic + "/{id}"])
    assert publish(templates, {"topic": topic + "/1"}, token).status == 403
    assert publish(templates, {"topic": topic + "/{id}"}, token).status == 200


def test_a_template_over_the_bounds_is_refused(templates):
    response = templates.request("GET", PATH + "?topic=" + "%7Ba%7D" * 200)
    assert response.status == 400


def test_a_hostile_claim_does_not_hold_a_worker_up(templates):
    # It would take seconds: each topic nearly matches all templates but the last, which grants it.
    token = publisher(*["{a}" * 100 + str(i) for i in range(37)])
    topic = "a" * 1000 + "36"
    assert publish(templates, {"topic": [topic] * 8}, token).status == 200
    response = publish(templates, {"topic": [topic] * 1000}, token)
    assert (response.status, response.text) == (
        413, "the topics take too long to be checked against the grants of the token\n")
    many = [f"https://example.com/{i}/x" for i in range(100)]
    usual = publisher(*[f"https://example.com/{i}" + "/{id}" for i in range(250)], "https://example.com/{+any}")
    assert publish(templates, {"topic": many}, usual).status == 200
