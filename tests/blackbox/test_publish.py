"""Publishing: what is accepted, what is refused with which words, and in which order that is checked."""
import re
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest

from harness import tokens
from harness.hub import PATH
from harness.wire import request_bytes

CHARACTERS = 'contains a forbidden control character or invalid UTF-8'
RESERVED = 'topic value resolves into the reserved "/.well-known/mercure" namespace'
ID_RULE = f'"id" field {CHARACTERS}, starts with "#", or is the reserved value "earliest"'


def refuse(hub, body, status, text, **kwargs):
    response = hub.post(body, **kwargs)
    assert (response.status, response.text) == (status, text + "\n")
    assert response.get("Content-Type") == "text/plain; charset=utf-8"
    assert response.get("WWW-Authenticate") is None


# ---- accepted


def test_the_answer_is_the_id(any_hub, topic):
    response = any_hub.publish(topic, "x", id="urn:mine")
    assert (response.status, response.body) == (200, b"urn:mine")
    assert response.get("Content-Type") == "text/plain; charset=utf-8"
    assert response.get("X-Content-Type-Options") == "nosniff"


def test_a_generated_id_is_a_uuid_of_version_7(any_hub, topic):
    before = int(time.time() * 1000)
    ids = [any_hub.publish_ok(topic, "x") for _ in range(3)]
    after = int(time.time() * 1000)
    for id_ in ids:
        match = re.fullmatch(r"urn:uuid:([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", id_)
        assert match
        assert before <= int(match.group(1) + match.group(2), 16) <= after
    assert len(set(ids)) == 3


def test_an_empty_id_is_generated(hub, topic):
    assert hub.publish_ok(topic, "x", id="").startswith("urn:uuid:")


@pytest.mark.parametrize("id_", ['id-["https://example.com/x"]', "a b", "\u00e9\u20ac", "x" * 1024, "%00", "Earliest", "a#"])
def test_ids_may_be_any_text(any_hub, topic, id_):
    with any_hub.subscribe(topic) as stream:
        assert any_hub.publish_ok(topic, "x", id=id_) == id_
        assert stream.read_event().id == id_


def test_the_same_id_may_be_used_again(any_hub, topic):
    with any_hub.subscribe(topic) as stream:
        for i in range(3):
            any_hub.publish_ok(topic, str(i), id="urn:same")
        assert [(event.id, event.data) for event in stream.read_events(3)] == [("urn:same", str(i)) for i in range(3)]


def test_only_the_first_value_of_each_field_counts_but_every_topic(hub, topic):
    fields = [("topic", topic + "/2"), ("data", "second"), ("id", "urn:second"), ("type", "b"), ("retry", "2")]
    with hub.subscribe(topic + "/2") as stream:
        id_ = hub.publish_ok(topic, "first", id="urn:first", type="a", retry="1", fields=fields)
        event = stream.read_event()
        assert id_ == "urn:first"
        assert (event.id, event.data, event.type, event.retry) == ("urn:first", "first", "a", "1")


def test_field_names_have_a_case_and_unknown_ones_are_ignored(hub, topic):
    with hub.subscribe(topic) as stream:
        hub.publish_ok(topic, "x", fields=[("Topic", "*"), ("Data", "y"), ("ID", "#"), ("Type", "mercure"),
                                           ("Retry", "x"), ("Private", ""), ("other", "\x00")])
        event = stream.read_event()
        assert (event.data, event.type, event.retry) == ("x", "", None)


@pytest.mark.parametrize("value", ["", "on", "off", "0", "false"])
def test_private_is_private_whatever_its_value(hub, topic, value):
    with hub.subscribe(topic) as anonymous, hub.subscribe(topic, token=tokens.mint(subscribe=[topic])) as granted:
        hub.publish_ok(topic, "secret", private=value)
        hub.publish_ok(topic, "public")
        assert granted.read_event().data == "secret"
        assert anonymous.read_event().data == "public"


@pytest.mark.parametrize("body, data", [
    ("data=a;b", "a;b"), ("data=100%", "100%"), ("data=%zz%41", "%zzA"), ("data=a+b%2B", "a b+"), ("data=a=b==", "a=b=="),
    ("data=%e2%82%AC", "\u20ac"), ("data", ""), ("data=", ""), ("&&data=x&&", "x"), ("d%61ta=x", "x"), ("data=%4", "%4"),
    ("data=\u20ac", "\u20ac"), ("data=%0D%0Ax", "\nx"),
])
def test_forms_are_read_as_browsers_write_them(hub, topic, body, data):
    with hub.subscribe(topic) as stream:
        response = hub.post(f"topic={topic}&{body}".encode())
        assert response.status == 200
        assert stream.read_event().data == data


@pytest.mark.parametrize("content_type", [
    "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8",
    "Application/X-WWW-Form-Urlencoded", "application/x-www-form-urlencoded;charset=UTF-8",
])
def test_the_content_type_of_a_form(hub, topic, content_type):
    assert hub.post(f"topic={topic}", headers={"Content-Type": content_type}).status == 200


def test_a_thousand_topics_are_the_most(hub, topic):
    topics = [f"{topic}/{i}" for i in range(1000)]
    with hub.subscribe(topics[999]) as stream:
        hub.publish_ok(topics, "x")
        assert stream.read_event().data == "x"
    response = hub.publish(topics + [topic], "x")
    assert response.status == 413
    assert response.text.startswith("too many topics in update")


def test_every_bound_of_the_fields_is_configured(start_hub, topic):
    hub = start_hub(max_topics=2, max_topic_length=64, max_id_length=45)
    assert hub.publish(["a", "b"], "x").status == 200
    assert hub.publish(["a", "b", "c"], "x").status == 413
    assert hub.publish("t" * 64, "x").status == 200
    response = hub.publish("t" * 65, "x")
    assert (response.status, response.text) == (413, "topic too long (max 64 bytes)\n")
    assert hub.publish("a", "x", id="i" * 45).status == 200
    assert hub.publish("a", "x", id="i" * 46).status == 400


def test_an_id_has_at_most_1024_bytes(hub, topic):
    assert hub.publish(topic, "x", id="\u00e9" * 512).status == 200
    response = hub.publish(topic, "x", id="\u00e9" * 512 + "x")
    assert response.status == 400
    assert "max 1024 bytes" in response.text


@pytest.mark.parametrize("retry", ["0", "1", "00012", "18446744073709551615", ""])
def test_retry_is_a_number(hub, topic, retry):
    assert hub.publish(topic, "x", retry=retry).status == 200


# ---- refused


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", "application/json",
                                          "application/x-www-form-urlencodedX", ""])
def test_other_content_types_are_no_forms(hub, topic, content_type):
    refuse(hub, f"topic={topic}", 400, 'Missing "topic" parameter', headers={"Content-Type": content_type})


def test_a_missing_content_type_is_no_form(hub, topic):
    response = hub.request("POST", PATH, {"Authorization": f"Bearer {hub.publisher_token()}"}, f"topic={topic}")
    assert (response.status, response.text) == (400, 'Missing "topic" parameter\n')


@pytest.mark.parametrize("content_type", ["text/plain; boundary=", "application/x-www-form-urlencoded; charset"])
def test_a_malformed_content_type_is_a_bad_request(hub, topic, content_type):
    refuse(hub, f"topic={topic}", 400, "Bad Request", headers={"Content-Type": content_type})


@pytest.mark.parametrize("body", ["", "data=x", "Topic=x", "topics=x"])
def test_a_topic_is_needed(hub, body):
    refuse(hub, body, 400, 'Missing "topic" parameter')


def test_the_query_of_the_url_is_no_field(hub, topic):
    response = hub.request("POST", f"{PATH}?topic={topic}", {
        "Authorization": f"Bearer {hub.publisher_token()}", "Content-Type": "application/x-www-form-urlencoded"}, "data=x")
    assert (response.status, response.text) == (400, 'Missing "topic" parameter\n')


@pytest.mark.parametrize("retry", ["x", "-1", "+1", " 1", "1 ", "1.5", "0x1", "18446744073709551616", "1e3", "\u0661"])
def test_retry_must_be_a_number(hub, topic, retry):
    refuse(hub, urlencode({"topic": topic, "retry": retry}), 400, 'Invalid "retry" parameter')


@pytest.mark.parametrize("encoded, quoted", [
    ("a%01b", r'"a\x01b"'), ("%7F", r'"\x7f"'), ("%ff", r'"\xff"'), ('%22%01', r'"\"\x01"'),
])
def test_a_topic_with_a_bad_character_is_named(hub, encoded, quoted):
    refuse(hub, f"topic={encoded}", 400, f"{quoted}: topic {CHARACTERS}")


def test_a_long_topic_with_bad_characters_is_named_by_its_start_and_the_sentence_is_whole(hub):
    refuse(hub, "topic=" + "%01" * 4090, 400, '"' + r"\x01" * 256 + f'": topic {CHARACTERS}')


@pytest.mark.parametrize("encoded", ["%00", "%C2%80", "%E2%80%8B", "%EF%BB%BF", "%F3%A0%80%81", "%C0%80", "%ED%A0%80",
                                     "%F4%90%80%80", "%C3", "a%0Ab", "%C2%AD"])
@pytest.mark.parametrize("field", ["topic", "id", "type"])
def test_texts_have_no_control_characters_and_are_utf_8(hub, topic, field, encoded):
    body = f"topic={encoded}" if field == "topic" else f"topic={topic}&{field}={encoded}"
    response = hub.post(body)
    assert response.status == 400
    assert CHARACTERS in response.text


def test_an_odd_but_allowed_character_is_fine(hub):
    assert hub.publish("https://example.com/\ufffd\U0001f600", "x").status == 200


@pytest.mark.parametrize("id_", ["#", "#x", "earliest"])
def test_reserved_ids(hub, topic, id_):
    refuse(hub, urlencode({"topic": topic, "id": id_}), 400, ID_RULE)


def test_the_reserved_type(hub, topic):
    refuse(hub, urlencode({"topic": topic, "type": "mercure"}), 400, '"type" field uses the reserved value "mercure"')
    assert hub.publish(topic, "x", type="Mercure").status == 200


@pytest.mark.parametrize("encoded", ["%ff", "%C0%80", "a%ED%BF%BF"])
def test_data_must_be_utf_8(hub, topic, encoded):
    refuse(hub, f"topic={topic}&data={encoded}", 400, '"data" field is not valid UTF-8')


def test_the_wildcard_is_no_topic(hub, topic):
    text = '"*": topic value "*" is reserved for the wildcard matcher and cannot be published'
    refuse(hub, "topic=*", 400, text)
    refuse(hub, f"topic={topic}&topic=*", 400, text)


@pytest.mark.parametrize("reserved", [
    "", "#f", "?x", "mercure", "./mercure", "mercure/", "../.well-known/mercure", "/%2e/.well-known/mercure/x",
    "/.well-known/me%72cure/x", "//host/.well-known/mercure/x", "https:mercure", "data:/.well-known/mercure/x",
    "foo://h/.well-known/mercure/s", "\\.well-known\\mercure\\x", "  mercure/subscriptions/x",
    "https://e.com/a/../.well-known/mercure", "https://user:p@e.com/.well-known/mercure",
    "/.well-known/mercure/subscriptions/exact/x/y",
])
def test_topics_in_the_reserved_namespace(hub, topic, reserved):
    refuse(hub, urlencode([("topic", topic), ("topic", reserved)]), 400,
           '"' + reserved.replace("\\", "\\\\") + f'": {RESERVED}')


@pytest.mark.parametrize("allowed", [
    "mercure-x", "Mercure", "subscriptions/foo", "..", "../mercure/x", "/.well-known%2Fmercure",
    "/.well-known/%256Dercure", "//.well-known/mercure", "http:mercure", "urn:example:mercure",
    "mailto:.well-known/mercure", "https://e.com/foo/.well-known/mercure/bar", "/.well-known/mercure;x",
    "/.WELL-KNOWN/mercure", "https://e.com:99999/.well-known/mercure",
])
def test_topics_near_the_reserved_namespace(hub, allowed):
    assert hub.publish(allowed, "x").status == 200


# ---- the order of checks


def test_the_token_comes_before_the_body(hub):
    assert hub.post("", token="").status == 401
    assert hub.post("topic=*", token=tokens.mint(publish=["*"], key="another key of the right length")).status == 401


def test_malformed_input_comes_before_the_grant(hub, topic):
    token = tokens.mint(publish=[topic])
    refuse(hub, "topic=mercure", 400, f'"mercure": {RESERVED}', token=token)
    refuse(hub, "topic=urn:other&id=%23", 400, ID_RULE, token=token)
    refuse(hub, "topic=urn:other&retry=x", 400, 'Invalid "retry" parameter', token=token)
    assert hub.post("topic=urn:other", token=token).status == 403


@pytest.mark.parametrize("private", [[], [("private", "")]])
def test_every_topic_must_be_granted(hub, topic, private):
    token = tokens.mint(publish=[topic, topic + "/2"])
    assert hub.publish(topic, "x", token=token, fields=private).status == 200
    assert hub.publish([topic, topic + "/2"], "x", token=token, fields=private).status == 200
    response = hub.publish([topic, topic + "/3"], "x", token=token, fields=private)
    assert (response.status, response.text) == (403, "Forbidden\n")
    assert response.get("WWW-Authenticate").startswith('Bearer error="insufficient_scope", error_description="')


def test_a_grant_to_subscribe_is_none_to_publish(hub, topic):
    assert hub.publish(topic, "x", token=tokens.mint(subscribe=["*"])).status == 403
    assert hub.publish(topic, "x", token=tokens.mint(details=[])).status == 403


def test_a_token_that_grants_nothing_is_refused_before_the_body_is_read(hub):
    with hub.connect() as connection:
        connection.send(f"POST {PATH} HTTP/1.1\r\nHost: hub.example\r\nContent-Length: 100000\r\n"
                        "Content-Type: application/x-www-form-urlencoded\r\n"
                        f"Authorization: Bearer {tokens.mint(subscribe=['*'])}\r\n\r\n")
        assert connection.read_response().status == 403


def test_a_refused_update_is_delivered_to_nobody(hub, topic):
    with hub.subscribe(topic) as stream:
        assert hub.publish(topic, "no", token=tokens.mint(publish=["urn:other"])).status == 403
        assert hub.publish(topic, "no", id="#").status == 400
        hub.publish_ok(topic, "yes")
        assert stream.read_event().data == "yes"


def test_a_client_that_leaves_after_its_request_has_published(any_hub, topic):
    body = urlencode({"topic": topic, "data": "left"})
    with any_hub.subscribe(topic) as stream:
        connection = any_hub.connect()
        connection.send(request_bytes("POST", PATH, {
            "Authorization": f"Bearer {any_hub.publisher_token()}",
            "Content-Type": "application/x-www-form-urlencoded"}, body))
        connection.finish_sending()
        connection.close()
        assert stream.read_event().data == "left"


@pytest.mark.threads
@pytest.mark.parametrize("bound, size", [({"max_pending_publishes": 1}, 10), ({"max_pending_bytes": "64KiB"}, 40_000)])
def test_publishes_that_may_not_wait_are_refused_at_once(start_with, topic, bound, size):
    hub = start_with("bolt", bound)

    def publish(number):
        return hub.publish(topic, f"{number}:" + "x" * size, id=f"urn:{number}")

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(publish, range(400)))
    stored = {answer.text for answer in answers if answer.status == 200}
    refused = [answer for answer in answers if answer.status != 200]
    assert refused and stored
    for answer in refused:
        assert (answer.status, answer.text) == (503, "Service Unavailable: too many updates wait to be stored\n")
        assert int(answer.get("Retry-After")) >= 1
    with hub.subscribe(topic, last_event_id="earliest") as stream:
        assert {event.id for event in stream.read_events(len(stored))} == stored
    assert publish("afterwards").status == 200


def test_a_single_update_may_be_larger_than_what_may_wait(start_with, transport, topic):
    hub = start_with(transport, {"max_pending_bytes": "64KiB", "tail_max_bytes": "64KiB"})
    with hub.subscribe(topic) as stream:
        hub.publish_ok(topic, "x" * 500_000)
        hub.publish_ok(topic, "small")
        assert [len(event.data) for event in stream.read_events(2)] == [500_000, 5]


def test_updates_are_counted(start_hub, topic):
    hub = start_hub()
    for _ in range(3):
        hub.publish_ok(topic, "x")
    hub.publish(topic, "x", id="#")
    assert hub.metrics()["mercure_updates_total"] == 3
