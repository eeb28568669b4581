"""The address that a request came from: the connection's, or what the configured number of proxies say."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from api.current import current_request

NETWORK_BITS = 64
"""Of an IPv6 address, the part that one customer of a provider has to himself (RFC 6177): the rest he picks at will."""

ADDRESS_CHARACTERS_MAX = 64
"""More than an IPv6 address with its zone and its port: a forwarded one is what somebody wrote."""

REMEMBERED_MAX = 4_096
"""Addresses whose network a process remembers: finding it takes longer than the rest of counting a request."""


def trust_proxies(app: Flask, hops: int) -> None:
    """Each proxy appends whom it saw to X-Forwarded-For: the entry `hops` from the end was written by the outermost.

    What stands before it came from outside and is worth nothing. The other X-Forwarded fields are never trusted.
    """
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=0, x_host=0)  # type: ignore[method-assign]


def network_of_request() -> str:
    return network_of((current_request().remote_addr or "")[:ADDRESS_CHARACTERS_MAX])


@lru_cache(REMEMBERED_MAX)
def network_of(address: str) -> str:
    """Who shares a limit: an IPv4 address, or the /64 of an IPv6 one; any other text is itself."""
    try:
        parsed = ip_address(_without_port(address))
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> NETWORK_BITS << NETWORK_BITS)}/{NETWORK_BITS}"


def _without_port(address: str) -> str:
    """Some proxies write 192.0.2.1:4711 and [2001:db8::1]:4711."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address
