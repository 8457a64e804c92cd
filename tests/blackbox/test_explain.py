"""`explain`: the playground tells a subscriber which of its grants covers which of its matchers."""
import json
from urllib.parse import urlencode

import pytest

from harness import tokens
from harness.hub import PATH

BOOK = "https://example.com/books/1"
BOOKS = "https://example.com/books/:id"
PAGES = "https://example.com/books/:id/pages/:page"


@pytest.fixture(scope="module")
def playground(start_module_hub):
    return start_module_hub(playground=True)


def pattern(text):
    return {"match": text, "match_type": "urlpattern"}


def exact(text):
    return {"match": text, "match_type": "exact"}


def explain(hub, *matchers, token=None, method="GET"):
    """What is said of each matcher: how much of its private updates comes, and by which grants."""
    pairs = [(f"match_{each['match_type']}", each["match"]) for each in matchers] + [("explain", "1")]
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if method == "QUERY":
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        response = hub.request("QUERY", PATH, headers, urlencode(pairs))
    else:
        response = hub.request("GET", f"{PATH}?{urlencode(pairs)}", headers)
    assert response.status == 200, response
    assert response.get("Content-Type") == "application/json"
    assert response.get("Cache-Control") == "no-store"
    return json.loads(response.text)


@pytest.mark.parametrize("matcher, grant, cover", [
    (exact(BOOK), exact(BOOK), "all"),
    (exact(BOOK), exact("*"), "all"),
    (exact(BOOK), pattern("*"), "all"),
    (exact(BOOK), pattern(BOOKS), "all"),
    (exact(BOOK), exact(BOOK + "0"), "none"),
    (exact(BOOK), pattern(PAGES), "none"),
    (exact(BOOKS), exact(BOOK), "none"),
    (exact("*"), exact("*"), "all"),
    (exact("*"), exact(BOOK), "some"),
    (exact("*"), pattern(BOOKS), "some"),
    (pattern(BOOKS), exact("*"), "all"),
    (pattern(BOOKS), pattern(BOOKS), "all"),
    (pattern(BOOKS), exact(BOOK), "some"),
    (pattern(BOOKS), exact(BOOK + "/pages"), "none"),
    (pattern(BOOKS), pattern(PAGES), "maybe"),
])
def test_a_grant_covers_a_matcher(playground, matcher, grant, cover):
    document = explain(playground, matcher, token=tokens.mint(subscribe=[grant]))
    said = document["matchers"][0]
    assert {key: said[key] for key in matcher} == matcher
    assert said["private"] == cover
    if cover == "none":
        assert said["grants"] == []
    else:
        granted = exact("*") if grant["match"] == "*" else grant
        assert said["grants"] == [granted | {"covers": cover}]


def test_each_matcher_is_told_the_best_of_its_grants_and_all_that_touch_it(playground):
    token = tokens.mint(subscribe=[exact(BOOK), pattern(PAGES), pattern(BOOKS)])
    document = explain(playground, exact("https://example.com/other"), pattern(BOOKS), token=token)
    other, books = document["matchers"]
    assert (other["private"], other["grants"]) == ("none", [])
    assert books["private"] == "all"
    assert sorted((grant["match"], grant["covers"]) for grant in books["grants"]) == [
        (BOOK, "some"), (BOOKS, "all"), (PAGES, "maybe")]


def test_a_token_is_named_by_its_issuer_and_its_end(playground):
    token = tokens.mint(subscribe=["*"], exp=4102444800)
    assert explain(playground, exact("x"), token=token)["token"] == {"issuer": tokens.ISSUER, "expires": 4102444800}


def test_without_a_token_there_is_nothing_private(playground):
    document = explain(playground, exact("x"))
    assert document["token"] is None
    assert document["matchers"] == [exact("x") | {"grants": [], "private": "none"}]


def test_the_right_to_publish_explains_nothing(playground):
    document = explain(playground, exact("x"), token=tokens.mint(publish=["*"]))
    assert document["matchers"][0]["private"] == "none"


def test_a_query_is_explained_as_well(playground):
    assert explain(playground, exact("x"), method="QUERY")["matchers"][0]["match"] == "x"


def test_an_explanation_is_no_subscription(playground):
    before = playground.metrics()["mercure_subscribers_total"]
    for _ in range(4):
        explain(playground, exact("x"), pattern(BOOKS), token=tokens.mint(subscribe=[pattern(BOOKS)]))
    assert playground.metrics()["mercure_subscribers_total"] == before


@pytest.mark.parametrize("query, token, status", [
    ("explain=1", None, 400), ("match=x&explain=1", "x" * 50, 401), ("match_nothing=x&explain=1", None, 400),
])
def test_what_is_refused_as_a_stream_is_refused_as_an_explanation(playground, query, token, status):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    assert playground.request("GET", f"{PATH}?{query}", headers).status == status


def test_a_template_of_0x_is_explained(start_hub):
    hub = start_hub(playground=True, env={"JWT_KEY": tokens.PUBLISHER_KEY})
    token = tokens.sign({"alg": "HS256", "typ": "JWT"},
                        {"mercure": {"subscribe": ["https://example.com/books/{id}"]}})
    response = hub.request("GET", f"{PATH}?{urlencode({'topic': BOOK, 'explain': 1})}",
                           {"Authorization": f"Bearer {token}"})
    assert json.loads(response.text)["matchers"] == [
        {"topic": BOOK, "grants": [{"topic": "https://example.com/books/{id}", "covers": "all"}], "private": "all"}]


def test_a_hub_in_earnest_explains_nothing(hub):
    connection, response = hub.open_stream("match=x&explain=1")
    with connection:
        assert response.get("Content-Type") == "text/event-stream"
