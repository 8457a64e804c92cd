"""Reads an event stream as it comes: its bytes, its comments and its events."""
from .wire import Closed


class Event:
    def __init__(self, fields):
        self.id = fields.get("id", [""])[-1]
        self.type = fields.get("event", [""])[-1]
        self.retry = fields.get("retry", [None])[-1]
        self.data = "\n".join(fields.get("data", []))

    def __repr__(self):
        return f"<event {self.id!r} {self.type!r} {self.data[:100]!r}>"


class Stream:
    """The body of a response that never ends by itself. `connection` stands behind the head."""

    def __init__(self, connection, response):
        self.connection = connection
        self.response = response
        self.chunked = response.get("Transfer-Encoding") == "chunked"
        self.bytes = b""  # of the body, not yet taken
        self.ended = False
        self.comments = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.close()

    @property
    def last_event_id(self):
        return self.response.get("Mercure-Last-Event-ID")

    def receive(self):
        """Some bytes of the body more; false at its end, however that came about."""
        try:
            if self.chunked:
                data = self.connection.read_chunk()
            elif self.connection.received or self.connection.receive():
                data = self.connection.take(len(self.connection.received))
            else:
                data = b""
        except Closed:
            data = b""
            self.cut = True
        self.bytes += data
        self.ended = self.ended or not data
        return bool(data)

    cut = False  # ended without the last chunk

    def read_exactly(self, count):
        while len(self.bytes) < count:
            if not self.receive():
                raise Closed(f"{count} bytes were due, there are {self.bytes!r}")
        data, self.bytes = self.bytes[:count], self.bytes[count:]
        return data

    def read_line(self):
        while b"\n" not in self.bytes:
            if not self.receive():
                raise Closed(f"the stream ended with {self.bytes!r}")
        line, self.bytes = self.bytes.split(b"\n", 1)
        return line.decode()

    def read_comment(self):
        """Waits for a comment line where no event may come before it."""
        line = self.read_line()
        assert line.startswith(":"), f"a comment was due: {line!r}"
        self.comments += 1

    def read_event(self):
        """The next event; comments before it are counted."""
        fields = {}
        while True:
            line = self.read_line()
            if line.startswith(":"):
                self.comments += 1
            elif line:
                name, _, value = line.partition(":")
                fields.setdefault(name, []).append(value[1:] if value.startswith(" ") else value)
            elif fields:
                return Event(fields)

    def read_events(self, count):
        return [self.read_event() for _ in range(count)]

    def read_to_end(self):
        """Events up to the end of the stream."""
        events = []
        try:
            while True:
                events.append(self.read_event())
        except Closed:
            return events
