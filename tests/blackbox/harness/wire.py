"""HTTP/1.1 on a bare socket: sends exactly the bytes it is given and reads responses byte by byte."""
import re
import socket
import struct
import time

# How long a read may take before the test is broken; nothing is measured with it.
HANG_GUARD_S = 60


class Closed(Exception):
    """The peer closed the connection where bytes were due."""


class Response:
    """The head of a response, and its body once it has been read."""

    def __init__(self, head):
        self.raw_head = head
        lines = head.decode("latin-1").split("\r\n")
        match = re.fullmatch(r"HTTP/(1\.[01]) ([0-9]{3}) ([^\r\n]*)", lines[0])
        assert match, f"no status line: {lines[0]!r}"
        self.version, self.status, self.reason = match.group(1), int(match.group(2)), match.group(3)
        self.headers = []
        for line in lines[1:]:
            match = re.fullmatch(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([^\r\n]*)", line)
            assert match, f"no header field: {line!r}"
            self.headers.append((match.group(1), match.group(2)))
        self.body = b""

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name):
        """The value of the one field with that name, or None."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} is there {len(values)} times"
        return values[0] if values else None

    @property
    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:200]!r}>"


class Connection:
    """One connection to `address`: a (host, port) pair or the path of a unix socket."""

    def __init__(self, address, receive_buffer=None):
        family = socket.AF_INET
        if isinstance(address, str):
            family = socket.AF_UNIX
        elif ":" in address[0]:
            family = socket.AF_INET6
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(HANG_GUARD_S)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(address)
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.ended = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with a RST, as a process that was killed does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def send_slowly(self, data, pause_s=0):
        """One byte in each segment."""
        for byte in data.encode("latin-1") if isinstance(data, str) else data:
            self.socket.sendall(bytes([byte]))
            if pause_s:
                time.sleep(pause_s)

    def finish_sending(self):
        """Closes our half; we still read."""
        self.socket.shutdown(socket.SHUT_WR)

    def receive(self):
        """Some bytes more; false at the end. A reset counts as an end too."""
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        self.received += data
        self.ended = self.ended or not data
        return bool(data)

    def take(self, count):
        data, self.received = self.received[:count], self.received[count:]
        return data

    def read_exactly(self, count):
        while len(self.received) < count:
            if not self.receive():
                raise Closed(f"{count} bytes were due, there are {self.received!r}")
        return self.take(count)

    def read_until(self, mark):
        while mark not in self.received:
            if not self.receive():
                raise Closed(f"{mark!r} was due, there is {self.received!r}")
        return self.take(self.received.index(mark) + len(mark))

    def read_all(self):
        """Everything up to the end."""
        while self.receive():
            pass
        return self.take(len(self.received))

    def read_head(self):
        return Response(self.read_until(b"\r\n\r\n")[:-4])

    def read_chunk(self):
        """The next chunk; empty for the last one, after which its trailer has been read too."""
        size = self.read_until(b"\r\n")[:-2]
        assert re.fullmatch(rb"[0-9a-fA-F]+", size), f"no chunk size: {size!r}"
        data = self.read_exactly(int(size, 16))
        assert self.read_exactly(2) == b"\r\n"
        return data

    def read_response(self, method="GET"):
        """One whole response."""
        response = self.read_head()
        if method == "HEAD" or response.status in (204, 304) or response.status < 200:
            return response
        if response.get("Transfer-Encoding") == "chunked":
            assert response.get("Content-Length") is None
            while chunk := self.read_chunk():
                response.body += chunk
        elif response.get("Content-Length") is not None:
            response.body = self.read_exactly(int(response.get("Content-Length")))
        else:
            response.body = self.read_all()
        return response

    def is_closed(self):
        """Waits for the end of what the peer sends; false when bytes come instead."""
        return not self.received and not self.receive()

    def is_quiet(self, seconds):
        """Whether for that long nothing comes and the connection stays open."""
        self.socket.settimeout(seconds)
        try:
            return not self.received and not self.receive() and not self.ended
        except socket.timeout:
            return True
        finally:
            self.socket.settimeout(HANG_GUARD_S)

    def takes_no_more(self):
        """Whether the peer has closed both halves: what we send is answered with a reset."""
        deadline = time.monotonic() + HANG_GUARD_S
        while time.monotonic() < deadline:
            try:
                self.socket.sendall(b"x")
            except (BrokenPipeError, ConnectionResetError):
                return True
            time.sleep(0.01)
        return False

    def request(self, method, target, headers=(), body=b"", host="hub.example"):
        """Sends a request in good order and reads its response."""
        self.send(request_bytes(method, target, headers, body, host))
        return self.read_response(method)


def request_bytes(method, target, headers=(), body=b"", host="hub.example"):
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in (headers.items() if isinstance(headers, dict) else headers)]
    if isinstance(body, str):
        body = body.encode()
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body
