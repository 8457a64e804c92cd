"""docs/migrating.md: each configuration in it is one that this version takes, and each key is known."""
import re
import shlex

import pytest

from harness import tokens
from harness.hub import PATH, ROOT, Hub, run_command
from harness.sse import Stream
from test_import import bbolt  # noqa: F401  a fixture

PAGE = (ROOT / "docs/migrating.md").read_text()
BLOCKS = re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", PAGE)
YAML = [text for language, text in BLOCKS if language == "yaml"]
CONSOLE = [text for language, text in BLOCKS if language == "console"]
SHELL = [text for language, text in BLOCKS if language == "sh"]


def commands(text):
    """The commands of a session with what each is said to print."""
    parts = re.split(r"(?m)^\$ ", text)[1:]
    return [part.split("\n", 1) for part in parts]


@pytest.mark.parametrize("text", YAML)
def test_each_file_of_the_page_is_valid(tmp_path, text):
    (tmp_path / "mercure.yaml").write_text(text)
    result = run_command("validate", folder=tmp_path)
    assert result.returncode == 0, result.stderr


def test_the_variables_of_the_page_are_valid(tmp_path):
    env = dict(word.split("=", 1) for word in shlex.split(SHELL[0], comments=True))
    result = run_command("validate", folder=tmp_path, env=env)
    assert (result.returncode, result.stderr) == (0, b"")


@pytest.mark.parametrize("text", CONSOLE)
def test_each_command_of_the_page_says_what_is_written_there(tmp_path, text):
    if "mercure.yaml" in text:
        (tmp_path / "mercure.yaml").write_text(YAML[0])
    for command, printed in commands(text):
        words = shlex.split(command)
        env = dict(word.split("=", 1) for word in words[:words.index("cinnabar")])
        result = run_command(*words[words.index("cinnabar") + 1:], folder=tmp_path, env=env)
        assert (result.stderr + result.stdout).decode() == printed


def test_each_key_of_the_first_table_is_known(tmp_path):
    reference = run_command("config-reference", folder=tmp_path).stdout.decode()
    table = re.search(r"(?s)\| key \| here \|\n\| --- \| --- \|\n(.*?)\n\n", PAGE).group(1)
    keys = [key for row in table.splitlines() for key in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert len(keys) > 30
    for key in keys:
        assert f"`{key}`" in reference, key


def test_every_key_of_0x_is_in_the_first_table(tmp_path):
    # legacy.md §1.2
    keys = """debug transport_url jwt_key jwt_algorithm publisher_jwt_key publisher_jwt_algorithm subscriber_jwt_key
        subscriber_jwt_algorithm allow_anonymous cors_allowed_origins publish_allowed_origins addr acme_hosts
        acme_cert_dir acme_http01_addr cert_file key_file heartbeat_interval read_timeout read_header_timeout
        write_timeout dispatch_timeout compress use_forwarded_headers demo subscriptions metrics_enabled metrics_addr
        tcsz log_format metrics metrics_login metrics_password license""".split()
    first = PAGE.split("## From the Caddy build")[0]
    assert [key for key in keys if f"`{key}`" not in first] == []


def test_the_directives_of_the_caddy_build_are_refused_with_where_they_belong(tmp_path):
    result = run_command("validate", folder=tmp_path, env={
        "MERCURE_EXTRA_DIRECTIVES": "anonymous\nsubscriptions", "JWT_KEY": "k"})
    assert result.returncode == 2
    assert result.stderr == (b"MERCURE_EXTRA_DIRECTIVES: error: extra_directives is not a key: each directive of the "
                             b"Caddy build is a key of its own here\n")


def test_who_takes_over_demo_is_told_what_it_gives_away(tmp_path):
    result = run_command("validate", folder=tmp_path, env={"JWT_KEY": "k" * 32, "DEMO": "1"})
    assert (result.returncode, result.stderr) == (
        0, b"DEMO: warning: playground: everybody who reaches this hub gets a token that may publish and read "
           b"everything\n")


def test_the_standalone_server_is_taken_over_with_its_history(tmp_path, bbolt):  # noqa: F811
    # What the page says to do; only the ports are of the test.
    history = tmp_path / "updates.db"
    bbolt("many", history, 100, 4096)
    before = history.read_bytes()
    (tmp_path / "mercure.yaml").write_text(YAML[0])
    hub = Hub(tmp_path, flags=["--addr", "127.0.0.1:0"], addr=None, issuers=None, anonymous=None,
              resource_identifier=None, transport_url=None)
    token = tokens.sign({"alg": "HS256", "typ": "JWT"}, {"mercure": {"publish": ["*"], "subscribe": ["*"]}}, "!ChangeMe!")
    authorization = ("Authorization", f"Bearer {token}")
    connection, response = hub.open_stream("topic=https://example.com/a&lastEventID=urn:update:97", [authorization])
    with Stream(connection, response) as stream:
        stream.read_comment()
        assert response.get("Last-Event-ID") == "urn:update:97"
        assert [stream.read_event().id for _ in range(2)] == ["urn:update:98", "urn:update:99"]
        response = hub.request("POST", PATH, [authorization, ("Content-Type", "application/x-www-form-urlencoded")],
                               "topic=https://example.com/a&private=on&id=new")
        assert (response.status, response.text) == (200, "new")
        assert stream.read_event().id == "new"
    hub.stop()
    assert history.read_bytes() == before


def test_the_command_of_the_readme_serves_both_protocols(tmp_path):
    command = re.search(r"(?m)^(JWT_KEY=.*) build/release/cinnabar --addr :3001$", (ROOT / "README.md").read_text())
    env = dict(word.split("=", 1) for word in shlex.split(command.group(1)))
    hub = Hub(tmp_path, issuers=None, anonymous=None, resource_identifier=None, env=env)
    for query in ("topic=x", "match=x"):
        connection, response = hub.open_stream(query)
        connection.close()
        assert response.status == 200
    hub.stop()
