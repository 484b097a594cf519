"""Twelve Dockerfiles of many shapes, and seeded edits of them: what `bench.builds` builds.

Nothing here says what an edit should lead to: that is the engine's to say.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from typing import Any

from bench.accuracy_stacks import Stack

BASE = "app:1"
MISSING = "copy_missing"  # the edit after which the image cannot be built

_DOCKERFILES = {
    "one/Dockerfile": f"FROM {BASE}\nCOPY app.conf /etc/app.conf\n",
    "two/Dockerfile": f"FROM {BASE}\n# the sources\nCOPY src/ /src/\nENV A=1\n",
    "three/Dockerfile": (
        f"FROM {BASE} AS build\nCOPY src /src\nRUN cat /src/*.c >/out\n\nFROM {BASE}\nCOPY --from=build /out /out\n"
    ),
    "four/Dockerfile": (
        f"FROM {BASE} AS common\nCOPY lib /lib4\nFROM common AS dev\nCOPY tests /tests\n"
        f"FROM common AS prod\nCOPY src /src\n"
    ),
    "five/Dockerfile": f"FROM {BASE}\nCOPY *.conf /etc/\n",
    "six/Dockerfile": f'FROM {BASE}\nCOPY ["a.txt", "src", "/x/"]\n',
    "seven/Dockerfile": f"FROM {BASE}\nWORKDIR /app\nCOPY . .\n",
    "mono/images/eight.Dockerfile": f"FROM {BASE}\nCOPY shared/lib /lib8\nCOPY eight /eight\n",
    "mono/images/nine.Dockerfile": f"FROM {BASE}\nCOPY shared nine \\\n  # both\n  /nine/\n",
    "mono/images/ten.Dockerfile": (
        f"FROM {BASE} AS make\nRUN --mount=type=bind,source=ten,target=/t cat /t/* >/out\n"
        f"FROM {BASE}\nCOPY --from=0 /out /out\n"
    ),
    "eleven/Dockerfile": "ARG TAG=1\nFROM app:${TAG}\nARG LEVEL\nENV LEVEL=$LEVEL\nADD data.tar.d /data/\n",
}
_INLINE = f"FROM {BASE}\nCOPY inline /inline\n"

_CONTEXTS = {
    "one": ["app.conf", "README.md", "docs/a.md"],
    "two": ["src/a.c", "src/b.c", "README.md", "tests/t.c"],
    "three": ["src/a.c", "src/notes.md", "Makefile", "docs/a.md"],
    "four": ["lib/l.c", "tests/t.c", "src/a.c", "README.md"],
    "five": ["a.conf", "b.conf", "sub/c.conf", "a.txt"],
    "six": ["a.txt", "b.txt", "src/a.c"],
    "seven": ["main.py", "docs/a.md", "README.md", "keep.md", "src/x.py"],
    "mono": ["shared/lib/l.c", "shared/more.c", "eight/e.c", "nine/n.c", "ten/t.c", "other/o.c", "README.md"],
    "eleven": ["data.tar.d/a", "data.tar.d/b", "notes"],
    "twelve": ["inline/a", "outline/b", "README.md"],
}
_IGNORED = {
    "seven/.dockerignore": "# documents\ndocs\n*.md\n!keep.md\n.dockerignore\nDockerfile\n",
    "two/.dockerignore": "tests\n",
    "mono/images/eight.Dockerfile.dockerignore": "*\n!shared\n!eight\neight/*.md\n",
}


def make_stack(chosen: Collection[str] = ()) -> Stack:
    """The stack of twelve services, each built from a Dockerfile of its own; or of the chosen ones alone."""

    def built(**build: Any) -> dict[str, Any]:
        return {"stop_grace_period": "0s", "build": build}

    services = {name: built(context=f"./{name}") for name in ("one", "two", "three", "five", "six", "seven")}
    services["four"] = built(context="./four", target="prod")
    for name in ("eight", "nine", "ten"):
        services[name] = built(context="./mono", dockerfile=f"images/{name}.Dockerfile")
    services["eleven"] = built(context="./eleven", args={"LEVEL": "1"})
    services["twelve"] = built(context="./twelve", dockerfile_inline=_INLINE)
    services = {name: spec for name, spec in services.items() if not chosen or name in chosen}
    files = {f"{context}/{path}": f"{path}\n" for context, paths in _CONTEXTS.items() for path in paths}
    return Stack("images", {"compose.yaml": {"services": services}}, files | _DOCKERFILES | _IGNORED)


Edit = Callable[[Stack, random.Random], None]


def _inputs(stack: Stack) -> list[str]:
    """The files of the contexts that no builder reads for itself."""
    return sorted(path for path in stack.files if "ocker" not in path)


def _change_file(stack: Stack, rng: random.Random) -> None:
    stack.files[rng.choice(_inputs(stack))] = stack.fresh("content ") + "\n"


def _add_file(stack: Stack, rng: random.Random) -> None:
    folder = rng.choice(_inputs(stack)).rpartition("/")[0]
    stack.files[f"{folder}/{stack.fresh('new')}.{rng.choice(['c', 'md', 'conf'])}"] = "new\n"


def _remove_file(stack: Stack, rng: random.Random) -> None:
    added = [path for path in _inputs(stack) if "/new" in path]
    if added:
        del stack.files[rng.choice(added)]
    else:
        _add_file(stack, rng)


def _change_mode(stack: Stack, rng: random.Random) -> None:
    stack.executable ^= {rng.choice(_inputs(stack))}


def _move_file(stack: Stack, rng: random.Random) -> None:
    """A file that came later, to another name in its folder."""
    added = [path for path in _inputs(stack) if "/new" in path]
    if added:
        path = rng.choice(added)
        folder, _, name = path.rpartition("/")
        stack.files[f"{folder}/{stack.fresh('new')}.{name.rpartition('.')[2]}"] = stack.files.pop(path)
    else:
        _add_file(stack, rng)


def _dockerfile(stack: Stack, rng: random.Random) -> str:
    return rng.choice([path for path in _DOCKERFILES if path in stack.files])


def _comment(stack: Stack, rng: random.Random) -> None:
    path = _dockerfile(stack, rng)
    stack.files[path] = f"# {stack.fresh('why ')}\n\n{stack.files[path]}"


def _step(stack: Stack, rng: random.Random) -> None:
    path = _dockerfile(stack, rng)
    stack.files[path] += rng.choice(["ENV {0}=1\n", "LABEL {0}=1\n", "RUN echo {0} >/made\n"]).format(
        stack.fresh("v")
    )


def _unused_stage(stack: Stack, rng: random.Random) -> None:
    """A stage in front of the others, that nothing is made of."""
    path = rng.choice(["two/Dockerfile", "four/Dockerfile", "six/Dockerfile"])
    name = stack.fresh("unused")
    stack.files[path] = f"FROM {BASE} AS {name}\nRUN echo {name}\nCOPY src/a.c /\n{stack.files[path]}"


def _copy_more(stack: Stack, rng: random.Random) -> None:
    path = _dockerfile(stack, rng)
    context = path.partition("/")[0]
    # Files that stay, and that no rule leaves out.
    known = [one for one in _CONTEXTS[context] if not one.endswith(".md") and not one.startswith(("tests", "ten"))]
    if path.endswith("eight.Dockerfile"):
        known = ["eight/e.c", "shared/more.c"]
    stack.files[path] += f"COPY {rng.choice(known)} /{stack.fresh('more')}\n"


def _ignore_more(stack: Stack, rng: random.Random) -> None:
    path = rng.choice(["one/.dockerignore", "seven/.dockerignore", "three/.dockerignore", "twelve/.dockerignore"])
    rule = rng.choice(["docs", "*.md", stack.fresh("nothing"), "new*"])
    stack.files[path] = f"{stack.files.get(path, '')}{rule}\n"


def _argument(stack: Stack, rng: random.Random) -> None:
    stack.services["eleven"]["build"]["args"]["LEVEL"] = stack.fresh("level")


def _inline(stack: Stack, rng: random.Random) -> None:
    build = stack.services["twelve"]["build"]
    build["dockerfile_inline"] += rng.choice(["COPY outline /{0}\n", "ENV {0}=1\n"]).format(stack.fresh("o"))


def _unrelated(stack: Stack, rng: random.Random) -> None:
    stack.comment = stack.fresh("comment ")


def _copy_missing(stack: Stack, rng: random.Random) -> None:
    stack.files[rng.choice(["one/Dockerfile", "three/Dockerfile", "six/Dockerfile"])] += "COPY nowhere.txt /\n"


EDITS: dict[str, Edit] = {
    "change_file": _change_file,
    "change_another_file": _change_file,
    "add_file": _add_file,
    "remove_file": _remove_file,
    "change_mode": _change_mode,
    "move_file": _move_file,
    "comment": _comment,
    "step": _step,
    "unused_stage": _unused_stage,
    "copy_more": _copy_more,
    "ignore_more": _ignore_more,
    "argument": _argument,
    "inline": _inline,
    "unrelated": _unrelated,
    MISSING: _copy_missing,
}


def edit_step(stack: Stack, seed: int, step: int, only: str | None = None) -> tuple[str, ...]:
    """Make the edits of one step, one to three of them, or the one that is named; their names.

    They follow from seed and step alone, so that a history can be taken up again in its middle.
    """
    rng = random.Random(f"{seed}/{step}")
    names = [name for name in EDITS if name != MISSING]
    chosen = [only] if only else rng.sample(names, rng.choice([1, 1, 2, 3]))
    if not only and step % 20 == 0:
        chosen = [MISSING]
    for name in chosen:
        EDITS[name](stack, rng)
    return tuple(chosen)
