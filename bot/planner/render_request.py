"""What is rendered: one stack as one node runs it."""

from __future__ import annotations

from bot.domain.values import Value


class RenderRequest(Value, frozen=True):
    """One stack as one node runs it. `files` empty: the names that compose looks for by itself."""

    folder: str  # POSIX, relative to the checkout: "server/stacks/ingress"; also compose's project directory
    files: tuple[str, ...] = ()  # relative to `folder`
    profiles: tuple[str, ...] = ()
    project: str = ""  # "": compose's own rule (`name:`, else the folder's name)
    variables: dict[str, str] = {}  # public
    problem: str = ""  # why it cannot be rendered; "" when nothing is known to be wrong
