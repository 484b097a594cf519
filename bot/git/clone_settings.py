"""Which settings of a clone's own configuration do not count, because a container may have written it. Pure.

The user of the machine keeps their settings. A container with a writable mount of a checkout may write its
`.git/config`, and git starts programs that stand there: filters, transports, helpers for credentials.
"""

from __future__ import annotations

import os

_OWN = ("local", "worktree")  # scopes, of git's four
_FILTER = ("clean", "smudge", "process", "required")
_PROGRAMS = {
    "core.sshcommand": "ssh",
    "core.gitproxy": "",
    "core.alternaterefscommand": "true",
    "core.attributesfile": os.devnull,
    "gc.recentobjectshook": "",
    "init.templatedir": "",
    "log.showsignature": "false",
}
_LAST_WORDS = {
    "required": "false",
    "sslverify": "true",
    "followredirects": "false",
    "savecookies": "false",  # into a file of its choice
    "curloptresolve": "",  # another address for the server's name
}
_GROUPS = {
    "filter": _FILTER,
    "http": ("sslverify", "savecookies", "curloptresolve", "followredirects"),
    "gpg": ("program", "defaultkeycommand"),
}
"""First and last word of a setting's name."""


def find_overridden(listed: str) -> tuple[tuple[str, str], ...]:
    """The settings of a clone that start programs or weaken TLS, each with the value that it has without the clone.

    `listed` is what `git config --list --show-scope -z` prints. A name occurs more than once where git takes a list.
    """
    words = listed.split("\0")
    outside: dict[str, str] = {}
    own: set[str] = set()
    helpers: list[tuple[str, str]] = []
    own_helpers = False
    for scope, setting in zip(words[::2], words[1::2], strict=False):
        name, _, value = setting.partition("\n")
        is_own = scope in _OWN
        if name.startswith("credential.") and name.endswith("helper"):
            own_helpers = own_helpers or is_own
            helpers += [] if is_own else [(name, value)]
        elif _starts_programs(name):
            if is_own:
                own.add(name)
            elif scope != "command":
                outside[name] = value
    # With an empty `process` git runs neither of the other two.
    own |= {f"{name.rpartition('.')[0]}.{part}" for name in own if name.startswith("filter.") for part in _FILTER}
    found = [(name, outside.get(name, _off(name))) for name in sorted(own)]
    # An empty one ends the list so far.
    return (*found, *([("credential.helper", ""), *helpers] if own_helpers else []))


def find_forbidden(listed: str) -> tuple[str, ...]:
    """The settings of a clone that name its remote's program: git takes the first of them, so none can replace it."""
    words = listed.split("\0")
    own = (setting for scope, setting in zip(words[::2], words[1::2], strict=False) if scope in _OWN)
    names = (setting.partition("\n")[0] for setting in own)
    found = (name for name in names if name.startswith("remote.") and name.endswith((".uploadpack", ".vcs")))
    return tuple(dict.fromkeys(found))


def names_other_files(listed: str) -> bool:
    """Whether the clone's own configuration includes files: what it says then depends on those, too."""
    words = listed.split("\0")
    return any(
        scope in _OWN and setting.startswith(("include.", "includeif."))
        for scope, setting in zip(words[::2], words[1::2], strict=False)
    )


def find_value(listed: str, wanted: str) -> str:
    """The value of the setting `wanted`, or ""; of several the last, as git takes it."""
    settings = (setting.partition("\n") for setting in listed.split("\0")[1::2])
    return next((value for name, _, value in reversed([*settings]) if name == wanted), "")


def _starts_programs(name: str) -> bool:
    return name in _PROGRAMS or name.rpartition(".")[2] in _GROUPS.get(name.partition(".")[0], ())


def _off(name: str) -> str:
    return _PROGRAMS.get(name, _LAST_WORDS.get(name.rpartition(".")[2], ""))
