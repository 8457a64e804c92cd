import sys
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness.browser import Browser  # noqa: E402
from harness.hub import Hub  # noqa: E402


def stop_all(hubs):
    """Ends every hub, also after one of them has not ended in good order."""
    try:
        for hub in hubs:
            if hub.is_running():
                hub.stop()
            else:
                hub.check_log()
    finally:
        for hub in hubs:
            if hub.is_running():
                hub.process.kill()
                hub.process.wait()


@pytest.fixture
def start_hub(tmp_path):
    """Starts hubs with a configuration of the test's own; `folder` names where one runs."""
    hubs = []

    def start(folder="hub", flags=(), **conf):
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        hub = Hub(path, flags, **conf)
        hubs.append(hub)
        return hub

    yield start
    stop_all(hubs)


@pytest.fixture(scope="module")
def start_module_hub(tmp_path_factory):
    """The same for hubs that all tests of a file share."""
    hubs = []

    def start(**conf):
        hubs.append(Hub(tmp_path_factory.mktemp("hub"), **conf))
        return hubs[-1]

    yield start
    stop_all(hubs)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def shared_hubs():
    hubs = {}
    yield hubs
    stop_all(list(hubs.values()))


def shared_hub(shared_hubs, folders, transport):
    """One hub for all tests that need nothing special; a new one after a test that broke it."""
    hub = shared_hubs.get(transport)
    if not hub or not hub.is_running():
        folder = folders.mktemp(transport)
        hub = shared_hubs[transport] = Hub(folder, transport_url=transport_url(transport, folder))
    return hub


def transport_url(transport, folder, **options):
    query = "&".join(f"{key}={value}" for key, value in options.items())
    url = "local://" if transport == "local" else f"bolt://{folder}/hub.db"
    return url + (f"?{query}" if query else "")


@pytest.fixture
def hub(shared_hubs, tmp_path_factory):
    """A running hub: anonymous subscribers, local://. Shared, so use topics of your own."""
    hub = shared_hub(shared_hubs, tmp_path_factory, "local")
    yield hub
    assert hub.is_running(), f"the hub ended in this test:\n{hub.log.text()}"


@pytest.fixture(params=["local", "bolt"])
def any_hub(request, shared_hubs, tmp_path_factory):
    """The same with each transport in turn."""
    hub = shared_hub(shared_hubs, tmp_path_factory, request.param)
    yield hub
    assert hub.is_running(), f"the hub ended in this test:\n{hub.log.text()}"


@pytest.fixture(params=["local", "bolt"])
def transport(request):
    return request.param


@pytest.fixture
def start_with(start_hub, tmp_path):
    """Starts a hub on a transport: start_with("bolt", size=10, conf={...})."""

    def start(transport, conf=None, folder="hub", **options):
        return start_hub(folder, transport_url=transport_url(transport, tmp_path / folder, **options),
                         **(conf or {}))

    return start


@pytest.fixture
def topic():
    """A topic that no other test uses."""
    return f"https://example.com/{uuid.uuid4()}"
