"""Real client libraries behind one face: each subscribes to a URL with a token, brings the token in the way that it
can, and comes back by itself, or in the way its documentation shows, when the hub ends the stream."""
import json
import queue
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path

from .wire import HANG_GUARD_S

SCRIPTS = Path(__file__).parents[1] / "clients"


class NodeListener:
    """The npm package `eventsource`, with a `fetch` that adds the header."""

    needs_browser = False

    def __init__(self, url, token, **_):
        self.process = subprocess.Popen(["node", SCRIPTS / "eventsource.mjs", url, token], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def read(self, count):
        """The next (id, data) pairs."""
        received = []
        while len(received) < count:
            line = json.loads(self.process.stdout.readline())
            if line["event"] == "message":
                received.append((line["lastEventId"], line["data"]))
        return received

    def close(self):
        self.process.stdin.close()
        self.process.wait(HANG_GUARD_S)
        self.process.stdout.close()


class PythonListener:
    """`sseclient-py` on the standard library's HTTP, in a thread that opens the stream again when it ends."""

    needs_browser = False

    def __init__(self, url, token, **_):
        self.url = url
        self.headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        self.received = queue.Queue()
        self.closed = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        import sseclient
        while not self.closed:
            try:
                with urllib.request.urlopen(urllib.request.Request(self.url, headers=self.headers)) as response:
                    for event in sseclient.SSEClient(response).events():
                        if event.id:
                            self.headers["Last-Event-ID"] = event.id
                        self.received.put((event.id, event.data))
            except (OSError, urllib.error.URLError):
                pass

    def read(self, count):
        return [self.received.get(timeout=HANG_GUARD_S) for _ in range(count)]

    def close(self):
        """The thread ends with its stream, which the hub's stop ends at the latest."""
        self.closed = True


class BrowserListener:
    """A script in a page of Chromium."""

    needs_browser = True
    script = ""

    def __init__(self, url, token, page, cookie_name):
        self.page = page
        self.taken = 0
        page.eval("window.received = []; window.note = (id, data) => { received.push([id, data]); }; 0")
        arguments = ", ".join(json.dumps(text) for text in (url, token, cookie_name))
        page.eval(f"(async (url, token, cookieName) => {{ {self.script} }})({arguments})")

    def read(self, count):
        self.page.wait(f"received.length >= {self.taken + count}")
        received = self.page.eval(f"received.slice({self.taken}, {self.taken + count})")
        self.taken += count
        return [tuple(pair) for pair in received]

    def close(self):
        self.page.close()


class NativeListener(BrowserListener):
    """The browser's own EventSource, which can only bring a cookie."""

    script = """
        document.cookie = `${cookieName}=${token}; path=/.well-known/mercure; secure; samesite=strict`;
        window.source = new EventSource(url, {withCredentials: true});
        source.onmessage = (event) => note(event.lastEventId, event.data);"""


class PolyfillListener(BrowserListener):
    """`event-source-polyfill`: a header; the last id goes into the query."""

    script = """
        await new Promise((resolve) => {
            const script = document.createElement("script");
            script.src = "/modules/event-source-polyfill/src/eventsource.js";
            script.onload = resolve;
            document.head.append(script);
        });
        window.source = new EventSourcePolyfill(url, {headers: {Authorization: `Bearer ${token}`}});
        source.onmessage = (event) => note(event.lastEventId, event.data);"""


class FetchListener(BrowserListener):
    """`@microsoft/fetch-event-source`: a header; it comes back when its onclose throws, as its manual says."""

    script = """
        const {fetchEventSource} = await import("/modules/@microsoft/fetch-event-source/lib/esm/index.js");
        fetchEventSource(url, {
            headers: {Authorization: `Bearer ${token}`},
            openWhenHidden: true,
            onmessage: (event) => { if (event.id) note(event.id, event.data); },
            onclose: () => { throw new Error("the stream has ended"); },
        });"""


LISTENERS = {
    "eventsource": NodeListener,
    "sseclient-py": PythonListener,
    "Chromium's EventSource": NativeListener,
    "event-source-polyfill": PolyfillListener,
    "@microsoft/fetch-event-source": FetchListener,
}
