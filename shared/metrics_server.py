"""Serving `/metrics` on a port of its own, which is never published: it asks for no token and knows no limit."""

import socket
from threading import Thread
from wsgiref.simple_server import WSGIServer, make_server

import structlog
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer, _SilentHandler

log = structlog.get_logger(__name__)


def serve_metrics(host: str, port: int, registry: CollectorRegistry, *, reuse_port: bool = False) -> WSGIServer | None:
    """In a thread. None when the port can't be had: nobody is to be without orders for want of metrics.

    With `reuse_port` processes share the port, and the kernel picks who answers: a scrape finds any that lives. That is
    for those alone of which each answers for all.
    """
    try:
        server = make_server(host, port, make_wsgi_app(registry), _server_class(host, reuse_port), _Handler)
    except OSError as error:
        log.error("metrics are not served", host=host, port=port, error=repr(error))
        return None
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


def _server_class(host: str, reuse_port: bool) -> type[WSGIServer]:
    class Server(ThreadingWSGIServer):
        address_family = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        allow_reuse_port = reuse_port

    return Server


class _Handler(_SilentHandler):
    timeout = 10
    """Seconds without a word; then the connection is closed."""
