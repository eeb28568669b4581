"""Ports on loopback: whether one is free, and which one a server gets."""

import socket


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


def is_free(port: int) -> bool:
    """Whether nobody listens there. Connections of an earlier server that are still closing don't count."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def the_same_or_another(port: int | None) -> int:
    """The port of the last time when it is still free: what was noted down about it stays true."""
    return port if port is not None and is_free(port) else free_port()
