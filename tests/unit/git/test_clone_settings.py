"""Settings that a container may have written into a clone's own configuration."""

from __future__ import annotations

import os

import pytest

from bot.git.clone_settings import find_forbidden, find_overridden

pytestmark = pytest.mark.portable


def settings(text: str) -> dict[str, str]:
    """What is overridden where no name occurs twice."""
    return dict(find_overridden(text))


def listed(*settings: str) -> str:
    """What `git config --list --show-scope -z` prints: "SCOPE NAME=VALUE" each."""
    pairs = (setting.split(" ", 1) for setting in settings)
    return "".join(f"{scope}\0{pair.replace('=', chr(10), 1)}\0" for scope, pair in pairs)


def test_filters_of_the_clone_do_not_count() -> None:
    assert settings(listed("local filter.evil.clean=touch x", "local core.bare=false")) == {
        "filter.evil.clean": "",
        "filter.evil.process": "",
        "filter.evil.required": "false",
        "filter.evil.smudge": "",
    }
    assert settings(listed("worktree filter.a.b.process=x"))["filter.a.b.process"] == ""
    assert settings("") == {}


def test_filters_of_the_user_stay() -> None:
    users = (
        "system filter.lfs.required=true",
        "global filter.lfs.clean=lfs clean",
        "global filter.lfs.process=lfs p",
    )
    assert settings(listed(*users)) == {}
    assert settings(listed(*users, "local filter.lfs.clean=evil", "local filter.lfs.process")) == {
        "filter.lfs.clean": "lfs clean",
        "filter.lfs.process": "lfs p",
        "filter.lfs.required": "true",
        "filter.lfs.smudge": "",
    }


def test_an_attributes_file_of_the_clone_does_not_count() -> None:
    assert settings(listed("local core.attributesfile=/x")) == {"core.attributesfile": os.devnull}
    users = listed(
        "global core.attributesfile=~/mine", "local core.attributesfile=/x", "command core.attributesfile=/y"
    )
    assert settings(users) == {"core.attributesfile": "~/mine"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("core.sshcommand", "ssh"),
        ("core.gitproxy", ""),
        ("core.alternaterefscommand", "true"),
        ("gc.recentobjectshook", ""),
        ("init.templatedir", ""),
        ("log.showsignature", "false"),
        ("gpg.program", ""),
        ("gpg.ssh.program", ""),
        ("gpg.ssh.defaultkeycommand", ""),
        ("http.sslverify", "true"),
        ("http.https://github.com/.sslverify", "true"),
        ("http.savecookies", "false"),
        ("http.curloptresolve", ""),
        ("http.https://github.com/a/b.git.followredirects", "false"),
    ],
)
def test_what_starts_a_program_or_weakens_tls_is_set_as_without_the_clone(name: str, value: str) -> None:
    assert find_overridden(listed(f"local {name}=evil")) == ((name, value),)
    assert find_overridden(listed(f"worktree {name}=evil")) == ((name, value),)
    assert find_overridden(listed(f"global {name}=mine", f"local {name}=evil")) == ((name, "mine"),)
    assert find_overridden(listed(f"global {name}=mine", f"command {name}=ours")) == ()


@pytest.mark.parametrize(
    "name",
    [
        "core.bare",
        "http.proxy",
        "http.extraheader",
        "remote.origin.url",
        "core.sshcommandx",
        "x.filter.a.clean",
        "gpg.format",
    ],
)
def test_other_settings_of_the_clone_stay(name: str) -> None:
    assert find_overridden(listed(f"local {name}=x")) == ()


def test_helpers_for_credentials_are_those_of_the_user() -> None:
    users = (
        "system credential.helper=cache",
        "global credential.https://github.com.helper=store",
        "global credential.usehttppath=true",
    )
    assert find_overridden(listed(*users)) == ()
    assert find_overridden(listed(*users, "local credential.helper=!evil")) == (
        ("credential.helper", ""),
        ("credential.helper", "cache"),
        ("credential.https://github.com.helper", "store"),
    )
    assert find_overridden(listed("worktree credential.https://github.com.helper=!evil")) == (
        ("credential.helper", ""),
    )


def test_a_clone_names_no_program_of_its_remote() -> None:
    names = ("local remote.origin.uploadpack=a", "worktree remote.x.y.vcs=ext", "local remote.origin.uploadpack=b")
    assert find_forbidden(listed(*names)) == ("remote.origin.uploadpack", "remote.x.y.vcs")
    assert (
        find_forbidden(listed("global remote.origin.uploadpack=a", "local remote.origin.url=b", "local x.vcs=c"))
        == ()
    )
    assert find_forbidden("") == ()
