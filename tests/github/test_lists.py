"""Lists whose pages move while they are read."""

from __future__ import annotations

from bot.domain.names import InstallationId
from bot.github.endpoints.comments import find_comments
from sandbox.requests_log import OBSERVERS, LoggedRequest
from sandbox.world import FLEET, PERSON
from tests.github.stepping import Stepper


def test_a_comment_is_deleted_while_comments_are_listed(steps: Stepper) -> None:
    """Pages are counted (docs: using pagination in the REST API): the first of page 2 moves to page 1, unread."""
    number = steps.bump()["number"]
    made = [steps.hub.comment(FLEET, number, f"Comment {one}", by=PERSON) for one in range(150)]
    client = steps.service.app.as_installation(InstallationId(steps.world.installation), repositories=[FLEET])
    pages: list[str] = []

    def delete_one(request: LoggedRequest) -> None:
        if request.route.endswith("/comments") and request.method == "GET":
            pages.append(request.path)
            if len(pages) == 1:
                steps.hub.delete_comment(FLEET, made[0])

    OBSERVERS.append(delete_one)
    try:
        found = [one.id for one in find_comments(client, FLEET, number) if one.id in made]
    finally:
        OBSERVERS.remove(delete_one)
    assert found == made[1:]
