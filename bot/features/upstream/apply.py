"""Post what a pull request of an upstream would do to the fleets: one check, one comment."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from bot.features.upstream.jobs import SyncUpstreamPull
from bot.features.upstream.text import UpstreamView, render_upstream_check, render_upstream_comment
from bot.github.checks import ensure_check
from bot.github.client import Client
from bot.github.comments import put_comment
from bot.text import markers

if TYPE_CHECKING:
    from bot.features.upstream.run import UpstreamTools

UPSTREAM_CHECK = "aios/fleets"


def post_view(tools: UpstreamTools, client: Client, job: SyncUpstreamPull, view: UpstreamView) -> None:
    """Post `view`; what was posted already is not posted again."""
    digest = hashlib.sha256(" ".join(one.plan.id for one in view.plans).encode()).hexdigest()[:12]
    render = partial(render_upstream_check, view)
    ensure_check(client, job.upstream, view.head, UPSTREAM_CHECK, render, external_id=digest)
    body = render_upstream_comment(view)
    login = tools.fleets.app.login()
    put_comment(client, job.upstream, job.number, marker=markers.UPSTREAM, body=body, login=login)
