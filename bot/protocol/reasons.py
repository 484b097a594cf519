"""Every way in which an order may end, with its meaning and its cure: the reference page is made from here. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from bot.protocol.ending import End
from bot.protocol.order import RefusalReason
from bot.protocol.outcome import DifferenceKind
from bot.protocol.trouble import Trouble

R, T, D = RefusalReason, Trouble, DifferenceKind

ENDS: Mapping[End, str] = {
    End.SUCCESS: "what was ordered runs and was healthy in three samples in a row",
    End.ROLLED_BACK: "it failed, and what ran before runs again and is healthy",
    End.FAILED: "it failed, and what ran before could not be put back: all is left as it is, to be looked at",
    End.UNTOUCHED: "it failed before any file or container was touched",
    End.REFUSED: "the node may not carry it out; nothing was touched",
}
REFUSALS: Mapping[RefusalReason, tuple[str, str]] = {
    R.MALFORMED: ("it is no order, or one that this version cannot read", "update aios-bot on the node"),
    R.BAD_SIGNATURE: ("no key that the node trusts signed it", "`aios-bot node trust KEYFILE` with the bot's key"),
    R.OTHER_FLEET: ("it is for another fleet", "check who dispatches to this runner"),
    R.OTHER_NODE: ("it is for another node", "give the runner its own node's label only"),
    R.NOT_YET_VALID: ("it was issued later than the node's clock shows", "set the node's clock"),
    R.EXPIRED: ("it waited too long for the node", "ask for it again; check that the runner is online"),
    R.ALREADY_USED: ("its number was taken before", "nothing: an order counts once"),
    R.OLDER_NUMBER: ("the node took a newer one already", "nothing: the newer one counts"),
    R.UNSUPPORTED: ("the node does not carry out orders of this kind", "it was set up with `--report-only`"),
    R.OTHER_REPOSITORY: ("the checkout is not the fleet's", "correct `root` in the fleet file"),
    R.WITHDRAWN: ("the bot took it back before the node came to it", "nothing: a newer one follows"),
    R.WRONG_COMMIT: (
        "the commit is not on the base branch, or not the pull request's head",
        "merge it, or ask again for the head as it is now",
    ),
    R.WRONG_PIN: ("the commit does not pin what was planned", "ask for a new plan"),
    R.LOCAL_EDITS: (
        "tracked files were changed by hand",
        "commit them upstream, or `git restore` them; `keep_edits` lets those stay that no deploy brings",
    ),
    R.LOCAL_COMMITS: ("there are commits that are on no branch of the remote", "push them, or check out the base"),
    R.DRIFTED: ("what runs is not where the plan starts", "look at the differences; deploy again, or put it right"),
    R.IN_THE_WAY: ("an untracked file stands where the commit brings one", "move that file away"),
}
TROUBLES: Mapping[Trouble, tuple[str, str]] = {
    T.ENGINE: ("the engine cannot be reached, or it or compose is too old", "`aios-bot node doctor` on the node"),
    T.RECORD: ("the node's own folder cannot be written", "make room there; run as its owner"),
    T.FETCH: ("the commit could not be fetched", "check the network, and the token that reads the submodule"),
    T.DISK: ("too little space is left", "make room; `docker image prune` removes unused images"),
    T.STACK: ("compose cannot read a stack", "read the plan; try `docker compose config` in its folder"),
    T.VARIABLE: ("a variable has no value", "set it in the fleet file, the node's environment or the stack's `.env`"),
    T.IMAGE: ("an image can be had from nowhere", "correct its name; log the node in to the registry"),
    T.NETWORK: ("an external network is gone, and its owner is not to be touched", "bring the owning stack up"),
    T.PORT: ("somebody else holds a port", "end who holds it, or publish another one"),
    T.HOOK: ("a command of the fleet file failed", "read its last words; run it in the checkout by hand"),
    T.CHECKOUT: ("the files could not be brought to the commit", "read what git says; often the disk is full"),
    T.APPLY: ("compose or the engine refused a change", "read its last words"),
    T.UNHEALTHY: ("what was brought up is not well", "read the container's last lines, which stand beside it"),
    T.INTERRUPTED: (
        "the node lost its power, or its process, in the middle",
        "nothing: the next start put it back",
    ),
}
DIFFERENCES: Mapping[DifferenceKind, str] = {
    D.MISSING: "a service has no running container",
    D.EXTRA: "a container of one of our projects that no stack defines",
    D.CHANGED: "a container is configured otherwise, or runs another image, than it was left with",
    D.IMAGE_MOVED: "the name of its image means another image now",
    D.UNWELL: "it runs, and is not healthy",
    D.EDITED: "a tracked file of the checkout was changed by hand",
    D.MOVED: "the checkout stands at another commit or pin",
}


def render_outcomes() -> str:
    """The reference page."""
    return f"""\
# How an order ends on a node

Every word here stands in the deployment's status, in the node's report and in `aios-bot node show`. This page is
made from the code by `make docs`.

## Ends

{_table(["end", "meaning"], [(end, text) for end, text in ENDS.items()])}

## Refusals: the node may not

Nothing was touched. A refused order is used up, unless its signature, fleet, node or time was wrong.

{_table(["reason", "meaning", "what to do"], [(one, *texts) for one, texts in REFUSALS.items()])}

## Trouble: the node could not

{_table(["trouble", "meaning", "what to do"], [(one, *texts) for one, texts in TROUBLES.items()])}

## Differences: the node is not as it was left

Found by a drift order, and before each deploy; `deploy.stop_on_drift` decides whether a deploy goes on.

{_table(["difference", "meaning"], [(one, text) for one, text in DIFFERENCES.items()])}
"""


def _table(head: list[str], rows: list[tuple[StrEnum | str, ...]]) -> str:
    lines = [head, ["---"] * len(head), *([f"`{first}`", *map(str, rest)] for first, *rest in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
