"""Chromium, driven through its DevTools protocol over a pair of pipes: no driver, no port, no package."""
import base64
import itertools
import json
import os
import queue
import signal
import subprocess
import threading
import time

from .wire import HANG_GUARD_S

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
]
# Key: its code, and the text that it types.
KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), " ": (32, " "), "ArrowDown": (40, ""), "ArrowRight": (39, "")}
SHIFT, CTRL = 8, 2


class Browser:
    """One browser process, with a profile folder of its own."""

    def __init__(self, profile):
        self.ids = itertools.count(1)
        self.answers = {}
        self.pages = {}
        browser_reads, self.out = os.pipe()
        self.input, browser_writes = os.pipe()

        def place_pipes():
            # The browser reads from descriptor 3 and writes to 4; copies make room for both.
            reader, writer = os.dup(browser_reads), os.dup(browser_writes)
            os.dup2(reader, 3)
            os.dup2(writer, 4)

        # As root, Chromium's own sandbox does not start; the page is ours.
        self.process = subprocess.Popen(
            ["chromium", *FLAGS, f"--user-data-dir={profile}", "about:blank"], preexec_fn=place_pipes,
            close_fds=False, start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(browser_reads)
        os.close(browser_writes)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        pending = b""
        while chunk := os.read(self.input, 1 << 16):
            *messages, pending = (pending + chunk).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    self.answers[message["id"]].put(message)
                elif page := self.pages.get(message.get("sessionId")):
                    page.take_event(message["method"], message["params"])

    def call(self, method, session=None, **params):
        number = next(self.ids)
        answer = self.answers[number] = queue.Queue()
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        result = answer.get(timeout=HANG_GUARD_S)
        del self.answers[number]
        assert "error" not in result, f"{method}: {result}"
        return result["result"]

    def open_page(self, url, width=1280, height=900, dark=False):
        """A new page with cookies of its own."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self.pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log"):
            page.call(f"{domain}.enable")
        page.show(width, height, dark)
        page.call("Page.navigate", url=url)
        page.wait("document.readyState === 'complete' && location.href !== 'about:blank'")
        return page

    def close(self):
        try:
            self.call("Browser.close")
            self.process.wait(HANG_GUARD_S)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            os.close(self.out)


class Page:
    """One tab. `errors` has what scripts threw and what the console and the security policy complained of."""

    def __init__(self, browser, session):
        self.browser = browser
        self.session = session
        self.errors = []

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def take_event(self, method, params):
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled":
            self.errors.append(" ".join(str(arg.get("value")) for arg in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["source"] != "network":
            # The browser notes each failed request as a network error, also those that a test wants.
            self.errors.append(params["entry"]["text"])

    def show(self, width, height, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def eval(self, expression):
        """The value of a JavaScript expression; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True,
                           userGesture=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"].get("exception", {}).get("description"))
        return answer["result"].get("value")

    def wait(self, expression):
        """Waits until the expression is true."""
        deadline = time.monotonic() + HANG_GUARD_S
        while not self.eval(expression):
            assert time.monotonic() < deadline, \
                f"{expression}\n{self.errors}\n{self.eval('document.body.innerText')[:4000]}"
            time.sleep(0.02)

    def press(self, key, modifiers=0):
        code, text = KEYS[key]
        common = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        typed = {"text": text} if text and not modifiers else {}
        self.call("Input.dispatchKeyEvent", type="keyDown" if typed else "rawKeyDown", **common, **typed)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text):
        """Types into what has the focus."""
        self.call("Input.insertText", text=text)

    def screenshot(self, path):
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def close(self):
        self.call("Page.close")
