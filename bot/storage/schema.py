"""What every table of ours is made in. Modules with tables are imported by `storage.store`, which creates them."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # only INTEGER counts up by itself on SQLite
