"""What people are told: help, and what may be wrong with what they have set."""
import pytest

from harness.hub import run_command

KEY = "0123456789abcdef0123456789abcdef"
KEYS = {"MERCURE_PUBLISHER_JWT_KEY": KEY, "MERCURE_SUBSCRIBER_JWT_KEY": KEY}


def help_of(command, folder):
    result = run_command(command, "--help", folder=folder)
    assert result.returncode == 0
    return result.stdout.decode()


# ---- Help


@pytest.mark.parametrize("command", ["run", "dev", "validate", "health"])
def test_help_begins_with_what_a_command_does(tmp_path, command):
    head = help_of(command, tmp_path).split("Configuration:")[0]
    assert head.startswith(f"Usage: cinnabar {command} [flags]\n\n")
    assert "Exit status: 0 " in head
    assert f"cinnabar {command} " in head.split("Example:\n")[1]


def test_help_of_dev_shows_its_own_defaults(tmp_path):
    text = help_of("dev", tmp_path)
    assert "Default: :3000" in text and "Default: :80\n" not in text
    assert "bolt://mercure.db" not in text


# ---- Settings


def test_a_playground_that_is_on_by_a_variable_is_told_at_the_start(start_hub):
    hub = start_hub(env={"DEMO": "1"})
    assert hub.log.find("playground is on", level="warn", set_by="DEMO")


def test_without_a_playground_nothing_is_said_of_it(hub):
    assert not hub.log.find("playground")


def test_validate_warns_of_short_keys_and_says_how_long_they_must_be(tmp_path):
    result = run_command("validate", folder=tmp_path, env={**KEYS, "MERCURE_PUBLISHER_JWT_KEY": "short"})
    assert result.returncode == 0
    assert result.stderr.decode() == (
        "warning: the publisher key of issuer https://localhost has 5 bytes, and HS256 asks for at least 32: it can be "
        "guessed from its tokens\n")


def test_a_hub_says_how_long_a_short_key_must_be(start_hub):
    issuers = [{"issuer": "x", "publisher": {"jwt_key": "short", "jwt_algorithm": "HS512"}}]
    hub = start_hub(issuers=issuers)
    assert hub.log.find("shorter", issuer="x", role="publisher", bytes=5, minimum=64)


def test_a_wrong_transport_is_told_with_all_other_errors(tmp_path):
    result = run_command("validate", "--addr", "x", "--transport-url", "redis://x", folder=tmp_path, env=KEYS)
    assert result.returncode == 2
    lines = result.stderr.decode().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("--addr: error: ")
    assert lines[1].startswith("--transport-url: error: transport_url: there is no transport for this URL")
