"""The 0.x hub's configuration and protocol."""
import base64

from harness.hub import Hub, run_command
from harness.wire import Connection

ISSUE_FILE = """\
transport_url: bolt://updates.db
license: '...'
addr: :3001
jwt_key: '!ChangeMe!'
"""


def as_0x(folder, flags=(), env=None, **conf):
    """A hub without any key of the modern protocol; `env` has the names that 0.x had."""
    return Hub(folder, flags=flags, env=env, **{
        "issuers": None, "anonymous": None, "resource_identifier": None, "transport_url": None,
        "workers": 1, **conf})


def ask(address, target, headers=(), method="GET"):
    with Connection(address) as connection:
        return connection.request(method, target, headers)


# ---- Configuration


def test_the_file_of_the_0x_hub_works_unchanged(tmp_path):
    # Only the ports are of the test.
    (tmp_path / "mercure.yaml").write_text(ISSUE_FILE)
    hub = as_0x(tmp_path, flags=["--addr", "127.0.0.1:0"], addr=None)
    assert hub.request("GET", "/healthz").status == 200
    hub.stop()
    assert (tmp_path / "updates.db.lmdb").exists()
    assert [line for line in hub.log.others if "licen" in line] == [
        "mercure.yaml:2:10: warning: license: Accepted and ignored: no licence is needed."]


def test_the_file_of_the_0x_hub_is_valid_with_nothing_else(tmp_path):
    (tmp_path / "mercure.yaml").write_text(ISSUE_FILE)
    result = run_command("validate", folder=tmp_path)
    assert (result.returncode, result.stdout) == (0, b"The configuration is valid: mercure.yaml.\n")


def test_the_second_listener_has_metrics_and_healthz(tmp_path):
    hub = as_0x(tmp_path, env={"JWT_KEY": "k", "METRICS_ENABLED": "1", "METRICS_ADDR": "127.0.0.1:0"})
    address = Hub.parse_address(hub.log.wait("^Listening for metrics$")["addr"])
    metrics = ask(address, "/metrics")
    assert (metrics.status, metrics.get("Content-Type")) == (
        200, "text/plain; version=0.0.4; charset=utf-8")
    assert "\nmercure_subscribers_connected 0\n" in metrics.text
    assert ask(address, "/healthz").status == 200
    assert ask(address, "/healthz", method="HEAD").status == 200
    assert ask(address, "/.well-known/mercure?topic=x").status == 404
    assert hub.request("GET", "/metrics").status == 404
    hub.stop()


def basic(pair):
    return [("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())]


def test_metrics_on_the_main_listener_need_the_name_and_the_password(tmp_path):
    hub = as_0x(tmp_path, env={"JWT_KEY": "k", "METRICS": "1", "METRICS_PASSWORD": "~~~???>>>"})
    refused = hub.request("GET", "/metrics")
    assert (refused.status, refused.get("WWW-Authenticate"), refused.text) == (
        401, 'Basic realm="Mercure"', "")
    for wrong in ("mercure:", "mercure:~~~???>>", "Mercure:~~~???>>>", ""):
        assert hub.request("GET", "/metrics", basic(wrong)).status == 401
    answer = hub.request("GET", "/metrics", basic("mercure:~~~???>>>"))
    assert (answer.status, answer.get("Content-Type")) == (
        200, "text/plain; version=0.0.4; charset=utf-8")
    assert "\nmercure_updates_total 0\n" in answer.text
    assert hub.request("POST", "/metrics", basic("mercure:~~~???>>>")).status == 405
    hub.stop()


def test_metrics_on_the_main_listener_are_open_without_a_name(tmp_path):
    hub = as_0x(tmp_path, flags=["--metrics", "--metrics_login", ""], env={"JWT_KEY": "k"})
    assert hub.request("GET", "/metrics").status == 200
    hub.stop()
