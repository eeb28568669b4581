"""What every answer tells browsers: take it for what it says it is, run nothing in it, keep it only where told to.

https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
Strict-Transport-Security belongs to whatever ends TLS in front of this.
"""

from flask import Flask, Response

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
DEFAULTS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""Where the view says nothing else."""


def register_security_headers(app: Flask) -> None:
    app.after_request(_add)


def _add(response: Response) -> Response:
    headers = response.headers
    said = {name for name, _ in headers}  # a question for each that is missing makes an exception each time
    for name, value in ALWAYS.items():
        headers.add(name, value)
    for name, value in DEFAULTS.items():
        if name not in said:
            headers.add(name, value)
    return response
