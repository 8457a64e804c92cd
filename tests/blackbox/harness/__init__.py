"""What the black-box tests use to drive the real binary: processes, sockets, streams and tokens."""
