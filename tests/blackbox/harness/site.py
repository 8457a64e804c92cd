"""A site of another origin than the hub's, for clients that run in a browser."""
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MODULES = Path(__file__).parents[1] / "clients/node_modules"
PAGE = b"<!doctype html><title>A site</title>"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        """An empty page at /, and the files of the npm packages below /modules."""
        content, kind = PAGE, "text/html"
        if self.path.startswith("/modules/"):
            path = MODULES / self.path[len("/modules/"):]
            # Packages leave the suffix to their bundler.
            path = path if path.suffix == ".js" else path.with_name(path.name + ".js")
            if not path.is_file():
                self.send_error(404)
                return
            content, kind = path.read_bytes(), "text/javascript"
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Site:
    """Served at `origin`, until it is closed."""

    def __init__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.origin = f"http://localhost:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
