"""What every answer tells browsers: take it for what it says it is, run nothing in it, keep it only where told to.

https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
Strict-Transport-Security belongs to whatever ends TLS in front of this.
"""

from flask import Flask, Response

DEFAULTS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Where the view says nothing else."""


def register_security_headers(app: Flask) -> None:
    app.after_request(_add)


def _add(response: Response) -> Response:
    for name, value in DEFAULTS.items():
        response.headers.setdefault(name, value)
    return response
