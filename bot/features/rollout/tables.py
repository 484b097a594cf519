"""Tables of how fleets stood when they were looked at last: for their page, and to count each result once."""

from __future__ import annotations

import sqlalchemy as sa

from bot.storage.schema import METADATA

FLEET_STATES = sa.Table(
    "fleet_states",
    METADATA,
    sa.Column("page", sa.Text, primary_key=True),  # the unguessable part of the fleet page's address
    sa.Column("base", sa.Text, primary_key=True),
    sa.Column("submodule", sa.Text, primary_key=True),
    sa.Column("fleet", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # bot.features.rollout.store.Standings as JSON
)

RESULTS = sa.Table(
    "order_results",
    METADATA,
    sa.Column("fleet", sa.Text, primary_key=True),  # lower case
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("report", sa.Text, nullable=False),  # bot.protocol.report.Report as JSON
)
