"""Answers that no cache may keep: what a person sees while signing in or setting up."""

from __future__ import annotations

from flask import Response, make_response, redirect, render_template


def render_uncached(template: str, *, status: int = 200, **values: object) -> Response:
    """The page that `template` makes of `values`."""
    answer = make_response(render_template(template, **values), status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def redirect_uncached(where: str) -> Response:
    """Lead to `where`, by GET (303)."""
    answer = make_response(redirect(where, 303))
    answer.headers["Cache-Control"] = "no-store"
    return answer
