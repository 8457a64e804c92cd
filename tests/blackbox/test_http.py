"""HTTP/1.1 as the hub speaks it: what it accepts, what it refuses, and when it closes the connection."""
import time

import pytest

from harness import tokens
from harness.hub import PATH
from harness.sse import Stream
from harness.wire import Connection

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


def exchange(hub, data, method="GET"):
    """Sends these bytes and reads one response; whether the hub closed the connection afterwards."""
    with hub.connect() as connection:
        connection.send(data)
        response = connection.read_response(method)
        return response, response.get("Connection") == "close" and connection.is_closed()


def assert_refused(hub, data, *statuses):
    """One of these statuses, and a closed connection: nothing that follows may be read as a request."""
    with hub.connect() as connection:
        connection.send(data)
        response = connection.read_response()
        assert response.status in statuses, response
        assert response.get("Connection") == "close"
        assert connection.is_closed()


def publish_head(extra="", version="1.1"):
    return (f"POST {PATH} HTTP/{version}\r\nHost: h\r\nAuthorization: Bearer {tokens.mint(publish=['*'])}\r\n"
            f"{FORM}{extra}\r\n").encode()


# ---- connections


def test_a_connection_serves_one_request_after_the_other(hub):
    with hub.connect() as connection:
        for _ in range(5):
            connection.send(HEALTH)
            response = connection.read_response()
            assert response.status == 200
            assert response.get("Connection") != "close"


def test_requests_may_be_pipelined(hub, topic):
    posts = b"".join(
        publish_head(f"Content-Length: {len(body)}\r\n") + body
        for body in (f"topic={topic}&id=urn:p:{i:02}".encode() for i in range(20))
    )
    with hub.connect() as connection:
        connection.send(posts + HEALTH)
        assert [connection.read_response().text for _ in range(20)] == [f"urn:p:{i:02}" for i in range(20)]
        assert connection.read_response().status == 200


def test_more_pipelined_requests_than_are_read_ahead_are_all_answered(start_hub):
    hub = start_hub(max_pipelined=2)
    with hub.connect() as connection:
        connection.send(HEALTH * 500)
        assert all(connection.read_response().status == 200 for _ in range(500))


def test_pipelined_requests_in_odd_pieces_are_answered_in_order(hub):
    data = (b"GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n" + HEALTH) * 10
    with hub.connect() as connection:
        for i in range(0, len(data), 7):
            connection.send(data[i:i + 7])
        assert [connection.read_response().status for _ in range(20)] == [404, 200] * 10


def test_connection_close_is_honoured(hub):
    response, closed = exchange(hub, b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert response.status == 200 and closed


def test_nothing_is_read_behind_connection_close(hub):
    with hub.connect() as connection:
        connection.send(b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + HEALTH)
        assert connection.read_response().status == 200
        assert connection.is_closed()


@pytest.mark.parametrize("value", ["Close", "foo, close", "close, keep-alive"])
def test_connection_options_are_a_list_without_case(hub, value):
    response, closed = exchange(hub, f"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: {value}\r\n\r\n")
    assert response.status == 200 and closed


def test_http_1_0_closes_by_default(hub):
    with hub.connect() as connection:
        connection.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert connection.read_response().status == 200
        assert connection.is_closed()


def test_http_1_0_streams_without_chunks(hub, topic):
    with hub.connect() as connection:
        connection.send(f"GET {PATH}?match={topic} HTTP/1.0\r\nHost: hub.example\r\n\r\n")
        response = connection.read_head()
        assert response.status == 200 and response.get("Transfer-Encoding") is None
        stream = Stream(connection, response)
        assert stream.read_exactly(2) == b":\n"
        hub.publish_ok(topic, "old")
        assert stream.read_event().data == "old"


def test_one_byte_at_a_time_is_a_request(hub, topic):
    body = f"topic={topic}&id=urn:slow".encode()
    with hub.connect() as connection:
        connection.send_slowly(publish_head(f"Content-Length: {len(body)}\r\n") + body)
        assert connection.read_response().text == "urn:slow"


def test_chunks_come_one_byte_at_a_time(hub, topic):
    body = f"topic={topic}&id=urn:slow"
    chunks = "".join(f"1\r\n{char}\r\n" for char in body) + "0\r\n\r\n"
    with hub.connect() as connection:
        connection.send_slowly(publish_head("Transfer-Encoding: chunked\r\n") + chunks.encode())
        assert connection.read_response().text == "urn:slow"


def test_empty_lines_before_a_request_are_skipped(hub):
    response, _ = exchange(hub, b"\r\n\r\n" + HEALTH)
    assert response.status == 200


def test_a_client_that_closes_its_half_gets_its_answer(hub, topic):
    body = f"topic={topic}&id=urn:half"
    with hub.connect() as connection:
        connection.send(publish_head(f"Content-Length: {len(body)}\r\n") + body.encode())
        connection.finish_sending()
        assert connection.read_response().text == "urn:half"
        assert connection.is_closed()


def test_pipelined_requests_before_a_half_close_are_all_answered(hub):
    with hub.connect() as connection:
        connection.send(HEALTH * 10)
        connection.finish_sending()
        assert all(connection.read_response().status == 200 for _ in range(10))
        assert connection.is_closed()


def test_a_subscriber_that_closes_its_half_keeps_its_stream(hub, topic):
    connection, response = hub.open_stream(f"match={topic}")
    with Stream(connection, response) as stream:
        stream.read_comment()
        connection.finish_sending()
        stream.read_comment()  # the hub asks whether anybody is still there
        hub.publish_ok(topic, "still here")
        assert stream.read_event().data == "still here"


def test_a_subscriber_that_has_gone_is_noticed_without_an_update(start_hub, topic):
    hub = start_hub(log_level="debug")
    stream = hub.subscribe(topic)
    assert hub.metrics()["mercure_subscribers_connected"] == 1
    stream.close()
    hub.wait_metric("mercure_subscribers_connected", 0)


@pytest.mark.parametrize("length", [0, 3, 40, -10, -6])
def test_half_a_request_before_the_end_is_no_request(hub, length):
    with hub.connect() as connection:
        connection.send((publish_head("Content-Length: 10\r\n") + b"topic=abcd")[:length])
        connection.finish_sending()
        rest = connection.read_all()
        assert rest == b"" or rest.startswith(b"HTTP/1.1 400 ")


def test_resets_in_every_state_do_no_harm(hub, topic):
    whole = publish_head("Content-Length: 10\r\n") + b"topic=abcd"
    for cut in (0, 3, 40, len(whole) - 5, len(whole)):
        connection = hub.connect()
        connection.send(whole[:cut])
        connection.reset()
    hub.subscribe(topic).connection.reset()
    assert hub.request("GET", "/healthz").status == 200


def test_an_upgrade_is_not_taken(hub):
    response, _ = exchange(hub, b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                                b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
    assert response.status == 200


# ---- request lines


@pytest.mark.parametrize("path", ["/nowhere", "/index.html", "/demo", "/playground/x", f"{PATH}/", f"{PATH}foo", "/.well-known/%6Dercure", f"{PATH}%2f"])
def test_a_path_that_is_not_there_is_404(hub, path):
    response = hub.request("GET", path)
    assert response.status == 404
    assert response.body == b"404 page not found\n"
    assert response.get("Content-Type") == "text/plain; charset=utf-8"
    assert response.get("X-Content-Type-Options") == "nosniff"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_a_method_that_the_path_does_not_have_is_405_with_allow(hub, method):
    response = hub.request(method)
    assert response.status == 405
    assert {"GET", "HEAD", "POST", "QUERY"} <= set(response.get("Allow").replace(" ", "").split(","))


def test_a_method_that_is_not_there_and_a_path_near_the_hub_are_in_the_log(hub):
    response = hub.request("DELETE")
    line = hub.log.wait("^Request refused$", request_id=response.get("X-Request-Id"))
    assert (line["status"], line["path"]) == (405, PATH) and "method" in line["reason"]
    response = hub.request("GET", f"{PATH}/")
    line = hub.log.wait("^Request refused$", request_id=response.get("X-Request-Id"))
    assert (line["status"], line["path"]) == (404, f"{PATH}/")


def test_the_path_of_a_scanner_is_in_the_log_for_those_who_want_to_see_it(start_hub):
    hub = start_hub(log_level="debug")
    response = hub.request("GET", "/wp-login.php")
    assert hub.log.wait("^Request refused$", request_id=response.get("X-Request-Id"))["level"] == "debug"


def test_the_root_welcomes_and_names_the_hub(hub):
    response = hub.request("GET", "/")
    assert response.status == 200
    assert response.get("Content-Type") == "text/html; charset=utf-8"
    assert response.get("Link") == f'<{PATH}>; rel="mercure"'
    assert 'name="robots" content="noindex"' in response.text and PATH in response.text


def test_robots_are_sent_away(hub):
    response = hub.request("GET", "/robots.txt")
    assert (response.status, response.text) == (200, "User-agent: *\nDisallow: /\n")
    assert response.get("Content-Type") == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", ["/", "/robots.txt", "/healthz"])
def test_what_can_be_read_has_head_and_options_and_nothing_else(hub, path):
    get, head = hub.request("GET", path), hub.request("HEAD", path)
    assert head.status == 200 and head.body == b""
    assert head.get("Content-Length") == get.get("Content-Length")
    options, post = hub.request("OPTIONS", path), hub.request("POST", path, body="x")
    assert (options.status, post.status) == (204, 405)
    assert options.get("Allow") == post.get("Allow") == "GET, HEAD, OPTIONS"
    assert options.get("Accept-Query") is None


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/", 200), ("GET", PATH, 400), ("POST", PATH, 401), ("OPTIONS", PATH, 204), ("DELETE", PATH, 405),
    ("GET", "/nowhere", 404), ("GET", "/robots.txt", 200), ("GET", "/healthz", 200), ("QUERY", PATH, 415),
])
def test_each_answer_has_the_security_headers(hub, method, path, status):
    response = hub.request(method, path)
    assert response.status == status
    assert response.get("X-Frame-Options") == "DENY"
    assert response.get("X-Content-Type-Options") == "nosniff"
    assert response.get("X-Xss-Protection") == "1; mode=block"
    assert response.get("Content-Security-Policy") == "default-src 'self'"
    assert response.get("Strict-Transport-Security") is None
    assert response.get("X-Request-Id")


def test_options_tells_what_the_body_of_a_query_may_be(hub):
    assert hub.request("OPTIONS").get("Accept-Query") == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("listed, host, status", [
    ("http://hub.example", "hub.example", 200), ("http://hub.example", "HUB.example", 200),
    ("http://hub.example", "hub.example:80", 200), ("http://hub.example:80", "hub.example", 200),
    ("http://hub.example:80/path", "hub.example:80", 200), ("http://hub.example/", "hub.example", 200),
    ("http://hub.example:8080", "hub.example:8080", 200), ("http://[::1]:80", "[::1]", 200),
    ("http://hub.example", "hub.example:8080", 421), ("http://hub.example:8080", "hub.example", 421),
    ("https://hub.example", "hub.example", 421), ("http://hub.example", "hub.example:443", 421),
    ("http://hub.example", "other.example", 421), ("http://hub.example", "hub.example.evil.example", 421),
    ("http://hub.example", "sub.hub.example", 421),
])
def test_only_requests_for_public_urls_are_answered(start_hub, listed, host, status):
    hub = start_hub(public_urls=listed)
    response = hub.request("GET", "/healthz", host=host)
    assert response.status == status
    if status == 421:
        assert response.text == "Misdirected Request\n"
        assert response.get("Content-Type") == "text/plain; charset=utf-8"
        assert response.get("X-Content-Type-Options") == "nosniff"
        assert response.get("X-Frame-Options") is None
        line = hub.log.wait("^Request refused$", request_id=response.get("X-Request-Id"))
        assert line["authority"] == host


def test_healthz_may_only_be_read(hub):
    response = hub.request("POST", "/healthz", body="x")
    assert response.status == 405
    assert "GET" in response.get("Allow")


@pytest.mark.parametrize("target", [PATH, "/healthz"])
def test_options_tells_the_methods(hub, target):
    response = hub.request("OPTIONS", target)
    assert response.status in (200, 204)
    assert "GET" in response.get("Allow")
    assert not response.body


def test_options_of_the_whole_server(hub):
    response, _ = exchange(hub, b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")
    assert response.status in (200, 204)


@pytest.mark.parametrize("method", ["BREW", "PROPFIND", "get", "GETT", "M-SEARCH", "X" * 30])
def test_an_unknown_method_is_405_or_501(hub, method):
    response = hub.request(method, "/healthz")
    assert response.status in (405, 501)


@pytest.mark.parametrize("line", [
    "CONNECT hub.example:80 HTTP/1.1",
    "GET hub.example:80 HTTP/1.1",
    "GET * HTTP/1.1",
    "GET healthz HTTP/1.1",
])
def test_targets_in_the_wrong_form_are_refused(hub, line):
    assert_refused(hub, f"{line}\r\nHost: h\r\n\r\n", 400, 405, 501)


def test_the_absolute_form_is_understood(hub):
    response, _ = exchange(hub, b"GET http://hub.example/healthz HTTP/1.1\r\nHost: hub.example\r\n\r\n")
    assert response.status == 200


def test_the_absolute_form_carries_a_query(hub, topic):
    with hub.connect() as connection:
        connection.send(f"GET http://hub.example{PATH}?match={topic} HTTP/1.1\r\nHost: hub.example\r\n\r\n")
        assert connection.read_head().status == 200


@pytest.mark.parametrize("line", [
    "GET  /healthz HTTP/1.1", "GET /healthz  HTTP/1.1", " GET /healthz HTTP/1.1", "GET\t/healthz\tHTTP/1.1",
    "GET /healthz HTTP/1.1 ", "GET /health\x00z HTTP/1.1", "GET /health\x01z HTTP/1.1", "GET /health z HTTP/1.1",
    "GET /healthz http/1.1", "GET /healthz HTTP/1", "GET /healthz HTTP/11", "GET /healthz HTTP/1.1.1",
    "GET /healthz FTP/1.1", "GE\x00T /healthz HTTP/1.1", "GE(T /healthz HTTP/1.1", "/healthz HTTP/1.1", "GET",
])
def test_malformed_request_lines_are_refused(hub, line):
    assert_refused(hub, f"{line}\r\nHost: h\r\n\r\n", 400, 405, 501, 505)


@pytest.mark.parametrize("version", ["1.2", "2.0", "0.9", "3.0", "9.9"])
def test_other_versions_are_505(hub, version):
    assert_refused(hub, f"GET /healthz HTTP/{version}\r\nHost: h\r\n\r\n", 505)


def test_the_http_2_preface_is_refused(hub):
    assert_refused(hub, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 505)


def test_head_has_the_head_of_get_and_no_body(hub):
    get = hub.request("GET", "/healthz")
    with hub.connect() as connection:
        head = connection.request("HEAD", "/healthz")
        assert (head.status, head.get("Content-Length")) == (get.status, get.get("Content-Length"))
        connection.send(HEALTH)
        assert connection.read_response().status == 200


def test_head_of_a_stream_has_its_headers_and_makes_no_subscription(start_hub, topic):
    hub = start_hub()
    with hub.subscribe(topic) as stream, hub.connect() as connection:
        before = hub.metrics()["mercure_subscribers_total"]
        head = connection.request("HEAD", f"{PATH}?match={topic}")
        assert head.status == 200
        ours, streams = (dict(r.headers) for r in (head, stream.response))
        for name in ("Content-Type", "Cache-Control", "Expires", "Pragma", "X-Accel-Buffering"):
            assert ours[name] == streams[name]
        if head.get("Connection") == "close":
            assert connection.is_closed()
        else:  # nothing is left behind the head
            assert connection.request("GET", "/healthz").status == 200
        assert hub.metrics()["mercure_subscribers_total"] == before


def test_head_of_a_bad_subscription_has_its_status(hub):
    assert hub.request("HEAD").status == 400


# ---- header fields


@pytest.mark.parametrize("head", [
    "Host: a\r\nHost: a", "Host: a\r\nhost: b", "Host: a b", "Host: a/b", "Host: a@b", "Host: a#b",
    "Host: h\r\nX:\r\n folded", "Host: h\r\nX: a\r\n\tfolded", "Host: h\r\n folded", " Host: h",
    "Host : h", "Host: h\r\nX : a", "Host: h\r\nX\t: a", "Host: h\r\n: a", "Host: h\r\nX", "Host: h\r\nX Y: a",
    "Host: h\r\nX: a\x00b", "Host: h\r\nX\x00: a", "Host: h\r\nX: a\x01", "Host: h\r\nX: a\x7f", "Host: h\r\nX\xe9: a",
    "Host: h\r\nX: a\rb", "Host: h\r\nX: a\r\r",
])
def test_malformed_header_fields_are_refused(hub, head):
    assert_refused(hub, f"GET /healthz HTTP/1.1\r\n{head}\r\n\r\n", 400)


def test_http_1_1_requires_a_host(hub):
    assert_refused(hub, b"GET /healthz HTTP/1.1\r\n\r\n", 400)


@pytest.mark.parametrize("data", [
    b"GET /healthz HTTP/1.1\nHost: h\n\n",
    b"GET /healthz HTTP/1.1\r\nHost: h\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: h\r\n\n",
    b"GET /healthz HTTP/1.1\r\nX: a\nHost: h\r\n\r\n",
    b"GET /healthz HTTP/1.1\nHost: h\r\n\r\n",
])
def test_bare_line_feeds_are_refused(hub, data):
    assert_refused(hub, data, 400)


def test_bytes_beyond_ascii_are_data_in_values(hub):
    response, _ = exchange(hub, b"GET /healthz HTTP/1.1\r\nHost: h\r\nX: caf\xe9 \xc3\xa9\r\n\r\n")
    assert response.status == 200


def test_white_space_around_values_does_not_count(hub, topic):
    body = f"topic={topic}&id=urn:space"
    with hub.connect() as connection:
        connection.send(f"POST {PATH} HTTP/1.1\r\nHost:h\r\nContent-Length:  {len(body)}  \r\n"
                        f"Authorization:\t Bearer {tokens.mint(publish=['*'])} \r\n"
                        f"content-type:application/x-www-form-urlencoded\r\n\r\n{body}")
        assert connection.read_response().text == "urn:space"


def padded(length):
    start = b"GET /healthz HTTP/1.1\r\nHost: h\r\nX: "
    return start + b"a" * (length - len(start) - 4) + b"\r\n\r\n"


def test_the_head_may_be_as_large_as_configured_and_no_larger(start_hub):
    hub = start_hub(max_header_size="2KiB")
    assert exchange(hub, padded(2048))[0].status == 200
    assert_refused(hub, padded(2049), 431)


def test_the_default_head_takes_a_hundred_channels_of_cookies(hub):
    assert exchange(hub, padded(16 * 1024))[0].status == 200
    assert exchange(hub, padded(32 * 1024))[0].status == 200
    assert_refused(hub, padded(32 * 1024 + 1), 431)


def test_a_head_that_never_ends_is_refused_early(start_hub):
    hub = start_hub(max_header_size="2KiB")
    assert_refused(hub, b"GET /healthz HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 4096, 431)
    assert_refused(hub, b"GET /" + b"a" * 4096, 431, 414)


def test_the_number_of_header_fields_is_bounded(hub):
    fields = "".join(f"X-{i}: a\r\n" for i in range(127))
    assert exchange(hub, f"GET /healthz HTTP/1.1\r\nHost: h\r\n{fields}\r\n")[0].status == 200
    assert_refused(hub, f"GET /healthz HTTP/1.1\r\nHost: h\r\n{fields}X: a\r\n\r\n", 431)


# ---- bodies


@pytest.mark.parametrize("fields", [
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "Content-Length: 5\r\nContent-Length: 6\r\n",
    "Content-Length: 5\r\nContent-Length: 5\r\n",
    "Content-Length: 5, 5\r\n",
    "Content-Length: +5\r\n",
    "Content-Length: -5\r\n",
    "Content-Length: 0x5\r\n",
    "Content-Length: 5 5\r\n",
    "Content-Length: \r\n",
    "Content-Length: 5.0\r\n",
    "Content-Length: 18446744073709551621\r\n",
    "Transfer-Encoding: chunked, chunked\r\n",
    "Transfer-Encoding: xchunked\r\n",
    "Transfer-Encoding: identity\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: \x0bchunked\r\n",
    "Transfer-Encoding:\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
])
def test_bodies_that_two_parsers_could_read_in_two_ways_are_refused(hub, fields):
    body = b"0\r\n\r\n" + HEALTH
    assert_refused(hub, publish_head(fields) + body, 400, 413, 501)


def test_chunks_in_http_1_0_are_refused(hub):
    assert_refused(hub, publish_head("Transfer-Encoding: chunked\r\n", "1.0") + b"0\r\n\r\n", 400, 501)


def test_a_body_in_chunks_is_one_body(hub, topic):
    body = f"topic={topic}&id=urn:chunks&data=" + "x" * 1000
    chunks = "".join(f"{len(body[i:i + 100]):X};name=value\r\n{body[i:i + 100]}\r\n" for i in range(0, len(body), 100))
    with hub.connect() as connection:
        connection.send(publish_head("Transfer-Encoding: Chunked\r\n")
                        + f"{chunks}000\r\nTrailer: dropped\r\n\r\n".encode() + HEALTH)
        assert connection.read_response().text == "urn:chunks"
        assert connection.read_response().status == 200


@pytest.mark.parametrize("chunks", [
    "g\r\n", "-1\r\nx\r\n", "0x5\r\ntopic\r\n", "5 \r\ntopic\r\n", " 5\r\ntopic\r\n", "\r\n", ";a\r\n",
    "ffffffffffffffffff\r\nx", "5\r\ntopicX\r\n", "5\r\ntopic\n", "5\ntopic\r\n", "5\r\ntopi\r\n0\r\n\r\n",
    "1\r\nt\r\n0\nX: a\r\n\r\n",
    "5;a\x00b\r\ntopic\r\n0\r\n\r\n", "5;a\rb\r\ntopic\r\n0\r\n\r\n",
])
def test_malformed_chunks_are_refused(hub, chunks):
    assert_refused(hub, publish_head("Transfer-Encoding: chunked\r\n") + chunks.encode() + b"\r\n\r\n", 400)


@pytest.mark.parametrize("rest", ["1;" + "a" * 70000, "0\r\n" + "X: a\r\n" * 20000])
def test_extensions_and_trailers_are_bounded(hub, rest):
    with hub.connect() as connection:
        try:
            connection.send(publish_head("Transfer-Encoding: chunked\r\n") + rest.encode() + b"\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # the hub has already closed
        assert b" 200 " not in connection.read_all()[:20]
    assert hub.request("GET", "/healthz").status == 200


def test_a_body_may_be_as_large_as_configured_and_no_larger(start_hub, topic):
    hub = start_hub(max_request_body_size="4KiB")
    start = f"topic={topic}&data="
    assert hub.post(start + "x" * (4096 - len(start))).status == 200
    assert_refused(hub, publish_head("Content-Length: 4097\r\n"), 413)
    body = start + "x" * (4097 - len(start))
    chunks = f"{len(body):x}\r\n{body}\r\n0\r\n\r\n".encode()
    assert_refused(hub, publish_head("Transfer-Encoding: chunked\r\n") + chunks, 413)
    fitting = f"{len(body) - 1:x}\r\n{body[:-1]}\r\n0\r\n\r\n".encode()
    assert exchange(hub, publish_head("Transfer-Encoding: chunked\r\n") + fitting)[0].status == 200


def test_413_says_so_as_text(start_hub):
    hub = start_hub(max_request_body_size=10)
    response = hub.post("topic=" + "x" * 100)
    assert (response.status, response.body) == (413, b"Request Entity Too Large\n")


def test_without_a_limit_bodies_are_as_large_as_they_like(start_hub, topic):
    hub = start_hub(max_request_body_size=0)
    with hub.subscribe(topic) as stream:
        hub.publish_ok(topic, "x" * (3 << 20))
        assert len(stream.read_event().data) == 3 << 20


def test_the_default_limit_is_one_mebibyte(hub, topic):
    start = f"topic={topic}&data="
    assert hub.post(start + "x" * ((1 << 20) - len(start))).status == 200
    assert hub.post(start + "x" * ((1 << 20) - len(start) + 1)).status == 413


def test_a_body_that_nobody_reads_is_never_taken_for_a_request(hub):
    with hub.connect() as connection:
        connection.send(f"GET /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: {len(HEALTH)}\r\n\r\n".encode()
                        + HEALTH + b"GET /elsewhere HTTP/1.1\r\nHost: h\r\n\r\n")
        assert connection.read_response().status == 404
        rest = connection.receive() and connection.received
        assert not rest or connection.read_response().status == 404


def test_a_body_behind_a_refused_token_is_never_taken_for_a_request(hub):
    with hub.connect() as connection:
        connection.send(f"POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(HEALTH)}\r\n\r\n".encode() + HEALTH)
        assert connection.read_response().status == 401
        assert connection.is_quiet(0.2) or connection.ended


# ---- Expect


def test_100_continue_comes_when_the_body_is_wanted(hub, topic):
    body = f"topic={topic}&id=urn:expected"
    with hub.connect() as connection:
        connection.send(publish_head(f"Expect: 100-continue\r\nContent-Length: {len(body)}\r\n"))
        interim = connection.read_head()
        assert (interim.status, interim.headers) == (100, [])
        connection.send(body)
        assert connection.read_response().text == "urn:expected"


def test_100_continue_is_written_without_case_and_works_with_chunks(hub, topic):
    body = f"topic={topic}&id=urn:expected"
    with hub.connect() as connection:
        connection.send(publish_head("Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n"))
        assert connection.read_head().status == 100
        connection.send(f"{len(body):x}\r\n{body}\r\n0\r\n\r\n")
        assert connection.read_response().text == "urn:expected"


def test_a_refused_token_needs_no_body(hub):
    response, closed = exchange(hub, f"POST {PATH} HTTP/1.1\r\nHost: h\r\n{FORM}Expect: 100-continue\r\n"
                                     "Content-Length: 1000\r\n\r\n")
    assert response.status == 401 and closed


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(start_hub):
    hub = start_hub(max_request_body_size=100)
    assert_refused(hub, publish_head("Expect: 100-continue\r\nContent-Length: 101\r\n"), 413)


@pytest.mark.parametrize("value", ["200-ok", "100-continue, other", "x"])
def test_other_expectations_are_417(hub, value):
    assert_refused(hub, publish_head(f"Expect: {value}\r\nContent-Length: 10\r\n"), 417)


def test_http_1_0_gets_no_100_continue(hub, topic):
    body = f"topic={topic}&id=urn:old"
    with hub.connect() as connection:
        connection.send(publish_head(f"Expect: 100-continue\r\nContent-Length: {len(body)}\r\n", "1.0"))
        connection.send(body)
        assert connection.read_response().text == "urn:old"


# ---- time


def test_a_head_that_does_not_end_is_408(start_hub):
    hub = start_hub(read_header_timeout="300ms")
    assert_refused(hub, b"GET /healthz HTTP/1.1\r\nHost:", 408)


def test_a_head_that_dribbles_is_408_all_the_same(start_hub):
    hub = start_hub(read_header_timeout="300ms")
    with hub.connect() as connection:
        connection.send(b"GET /healthz HTTP/1.1\r\nHost: h\r\nX: ")
        started = time.monotonic()
        while connection.is_quiet(0.05):
            connection.send(b"a")
            assert time.monotonic() - started < 20
        assert connection.read_response().status == 408


def test_a_body_that_does_not_end_is_408(start_hub):
    hub = start_hub(read_timeout="400ms")
    assert_refused(hub, publish_head("Content-Length: 100\r\n") + b"topic=", 408)


def test_a_body_in_chunks_that_does_not_end_is_408(start_hub):
    hub = start_hub(read_timeout="400ms")
    assert_refused(hub, publish_head("Transfer-Encoding: chunked\r\n") + b"5\r\ntop", 408)


def test_a_connection_that_says_nothing_is_closed(start_hub):
    hub = start_hub(read_header_timeout="200ms")
    with hub.connect() as connection:
        rest = connection.read_all()
        assert rest == b"" or rest.startswith(b"HTTP/1.1 408 ")


def test_an_idle_connection_is_closed(start_hub):
    hub = start_hub(read_timeout="300ms")
    with hub.connect() as connection:
        connection.send(HEALTH)
        assert connection.read_response().status == 200
        assert connection.is_closed()


def test_a_stream_is_no_slow_request(start_hub, topic):
    hub = start_hub(read_timeout="200ms", read_header_timeout="200ms", heartbeat="300ms")
    with hub.subscribe(topic) as stream:
        for _ in range(4):
            stream.read_comment()


# ---- sockets


def test_the_hub_listens_on_a_unix_socket(start_hub, tmp_path, topic):
    hub = start_hub(addr=f"unix:{tmp_path}/hub.sock")
    with hub.subscribe(topic) as stream:
        hub.publish_ok(topic, "local")
        assert stream.read_event().data == "local"
    hub.stop()
    assert not (tmp_path / "hub.sock").exists()


def test_the_hub_listens_on_several_addresses(start_hub, tmp_path):
    hub = start_hub(addr=f"127.0.0.1:0,unix:{tmp_path}/hub.sock")
    hub.log.wait("^Listening$", count=2)
    addresses = {event["addr"] for event in hub.log.find("^Listening$")}
    assert len(addresses) == 2
    for address in addresses:
        with Connection(hub.parse_address(address)) as connection:
            assert connection.request("GET", "/healthz").status == 200


def test_over_the_limit_of_connections_a_stream_is_closed_without_a_status(start_hub, topic):
    hub = start_hub(max_connections=16)
    held = [hub.connect() for _ in range(16)]
    for connection in held:
        connection.send(HEALTH)
        assert connection.read_response().status == 200
    with hub.connect() as connection:
        connection.send(f"GET {PATH}?match={topic} HTTP/1.1\r\nHost: h\r\n\r\n")
        assert connection.read_all() == b""
    hub.publish_ok(topic, "publishers have a share of their own")
    for connection in held:
        connection.close()
    hub.wait_metric("mercure_http_connections_closed_total", lambda count: count >= 18)
    hub.subscribe(topic).close()


def test_every_answer_names_its_request(hub):
    first, second = hub.request("GET", "/healthz"), hub.request("GET", "/nowhere")
    assert first.get("X-Request-Id") and second.get("X-Request-Id")
    assert first.get("X-Request-Id") != second.get("X-Request-Id")
