"""HTTP to this very machine: no proxy of the environment in between, and no certificates to load."""

import ssl
from typing import Any

import httpx

# Every client wants a context, and loading the system's certificates takes longer than all the rest of it.
_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def loopback_client(**options: Any) -> httpx.Client:
    return httpx.Client(verify=_NO_CERTIFICATES, trust_env=False, **options)
