"""`.gitmodules` is written so that the bot reads another address than git does.

A success: a stanza counts whose address real git, asked on the same bytes, does not give.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bot.git.gitmodules import parse_gitmodules

GOOD, EVIL = "https://github.com/o/server", "ext::sh -c id"
HEAD = '[submodule "server"]\n\tpath = server\n'
TEXTS = {
    "a second stanza": f"{HEAD}\turl = {EVIL}\n{HEAD}\turl = {GOOD}\n",
    "a second stanza after": f"{HEAD}\turl = {GOOD}\n{HEAD}\turl = {EVIL}\n",
    "a third stanza": f"{HEAD}\turl = {EVIL}\n{HEAD}\turl = {EVIL}\n{HEAD}\turl = {GOOD}\n",
    "a second address": f"{HEAD}\turl = {EVIL}\n\turl = {GOOD}\n",
    "a line separator": f"{HEAD}\turl = {EVIL}\n\tbranch = main\u2028\turl = {GOOD}\n",
    "a next-line character": f"{HEAD}\turl = {EVIL}\n\tbranch = main\x85\turl = {GOOD}\n",
    "a form feed": f"{HEAD}\turl = {EVIL}\n\tbranch = main\x0c\turl = {GOOD}\n",
    "a comment with a line separator": f"{HEAD}\turl = {EVIL}\n# x\u2028\turl = {GOOD}\n",
    "a vertical tab": f"{HEAD}\turl = {EVIL}\n; x\x0b\turl = {GOOD}\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_bot_takes_no_address_that_git_does_not_read(tmp_path: Path, name: str) -> None:
    file = tmp_path / ".gitmodules"
    file.write_bytes(TEXTS[name].encode())
    asked = ["git", "config", "--file", str(file), "--get-all", "submodule.server.url"]
    read = subprocess.run(asked, capture_output=True, check=False).stdout.decode().splitlines()
    for stanza in parse_gitmodules(TEXTS[name]).stanzas:
        assert read == [stanza.url]
    assert EVIL in read, "the attack does not even reach git"
