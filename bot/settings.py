"""The only reader of the process environment.

Everything else is handed values. Child programs (git, docker) get `child_environment`, never our own, in which
the App's key and the webhook secret may stand.
"""

from __future__ import annotations

import os

_KEPT_FOR_CHILDREN = (
    "PATH",
    "HOME",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "NO_PROXY",
)


def child_environment() -> dict[str, str]:
    """What any child program may see: enough to be found and to verify TLS, no setting and no secret."""
    return {name: os.environ[name] for name in _KEPT_FOR_CHILDREN if name in os.environ}
