"""Security headers of every response: a browser loads and sends nothing but what is the service's own."""

from __future__ import annotations

from flask import Flask, Response

_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def harden(app: Flask, *, forms_to: str = "'none'") -> None:
    """Add the headers to every response. `forms_to`: where the pages' forms may be sent (CSP's form-action)."""
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"form-action {forms_to}; frame-ancestors 'none'"
    )

    @app.after_request
    def add(response: Response) -> Response:
        for name, text in {**_HEADERS, "Content-Security-Policy": policy}.items():
            response.headers.setdefault(name, text)
        return response
