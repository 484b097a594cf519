"""Every way in which an order may end, with its meaning and its cure, as a page. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from bot.protocol.order import RefusalReason
from bot.protocol.outcome import DifferenceKind, FailureReason, OrderEnd

R, F, D = RefusalReason, FailureReason, DifferenceKind

ENDS: Mapping[OrderEnd, str] = {
    OrderEnd.SUCCESS: "what was ordered runs, and was healthy for as long as it was watched",
    OrderEnd.ROLLED_BACK: "it failed, and what ran before runs again and is healthy",
    OrderEnd.FAILED: "it failed, and what ran before could not be put back: all is left as it is, to be looked at",
    OrderEnd.UNTOUCHED: "it failed before any file or container was touched",
    OrderEnd.REFUSED: "the node may not carry it out; nothing was touched",
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
    R.REQUIRES_UPDATE: (
        "it needs something that this version of the program does not know",
        "update aios-bot on the node, then ask for it again",
    ),
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
    R.OTHER_FILES: ("the commit holds other files than the plan was made from", "ask for a new plan, and read it"),
    R.BEYOND_ORDER: (
        "here it would touch a service that the order does not name, or do more than it says",
        "look for what only this node has (a variable, a file, a container); then deploy again",
    ),
}
FAILURES: Mapping[FailureReason, tuple[str, str]] = {
    F.ENGINE: ("the engine cannot be reached, or it or compose is too old", "`aios-bot node doctor` on the node"),
    F.RECORD: ("the node's own folder cannot be written", "make room there; run as its owner"),
    F.FETCH: ("the commit could not be fetched", "check the network, and the token that reads the submodule"),
    F.DISK: ("too little space is left", "make room; `docker image prune` removes unused images"),
    F.STACK: ("compose cannot read a stack", "read the plan; try `docker compose config` in its folder"),
    F.VARIABLE: ("a variable has no value", "set it in the fleet file, the node's environment or the stack's `.env`"),
    F.IMAGE: ("an image cannot be pulled, and is not there", "correct its name; log the node in to the registry"),
    F.NETWORK: ("an external network is gone, and its owner is not to be touched", "bring the owning stack up"),
    F.VOLUME: ("an external volume is not there", "create it, or correct its name"),
    F.PORT: ("somebody else holds a port", "end who holds it, or publish another one"),
    F.HOOK: ("a command of the fleet file failed", "read its last words; run it in the checkout by hand"),
    F.CHECKOUT: ("the files could not be brought to the commit", "read what git says; often the disk is full"),
    F.APPLY: ("compose or the engine refused a change", "read its last words"),
    F.UNHEALTHY: ("what was brought up is not well", "read the container's last lines, which stand beside it"),
    F.AGENT: (
        "the order names another aios-bot, which could not be installed",
        "the status says why; check the network, then ask for the order again. `node join` pasted again repairs",
    ),
    F.INTERRUPTED: (
        "the node lost its power, or its process, in between",
        "nothing: the next start put it back",
    ),
}
DIFFERENCES: Mapping[DifferenceKind, str] = {
    D.MISSING: "a service has no running container",
    D.EXTRA: "a container of one of our projects that no stack defines",
    D.CHANGED: "a container is configured otherwise, or runs another image, than it was left with",
    D.IMAGE_MOVED: "the name of its image means another image now",
    D.UNHEALTHY: "it runs, and is not healthy",
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

Nothing was touched. A refused order is used up, unless its signature, fleet, node or time was wrong, or it
needs a newer version of the program.

{_table(["reason", "meaning", "what to do"], [(one, *texts) for one, texts in REFUSALS.items()])}

## Failures: the node could not

{_table(["failure", "meaning", "what to do"], [(one, *texts) for one, texts in FAILURES.items()])}

## Differences: the node is not as it was left

Found by a drift order, and before each deploy; `deploy.stop_on_drift` decides whether a deploy goes on.

{_table(["difference", "meaning"], [(one, text) for one, text in DIFFERENCES.items()])}
"""


def _table(head: list[str], rows: list[tuple[StrEnum | str, ...]]) -> str:
    lines = [head, ["---"] * len(head), *([f"`{first}`", *map(str, rest)] for first, *rest in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
