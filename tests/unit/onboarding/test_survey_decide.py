"""Whether a repository is a fleet, or what a fleet pins."""

from __future__ import annotations

import pytest

from bot.domain.names import BranchName, StackName, SubmodulePath
from bot.onboarding.survey.decide import decide_files
from bot.onboarding.survey.facts import RepositorySurvey, StackSurvey, SubmoduleSurvey

MAIN = BranchName("main")
THEME = SubmoduleSurvey(path=SubmodulePath("theme"))
UNREAD = SubmoduleSurvey(path=SubmodulePath("server"), problem="not checked out")
WEB = StackSurvey(name=StackName("web"), folder="stacks/web", files=("compose.yaml",))
STACKS = SubmoduleSurvey(path=SubmodulePath("server"), glob="stacks/*", stacks=(WEB,))


@pytest.mark.parametrize(
    ("submodules", "is_fleet"), [((), False), ((THEME,), False), ((UNREAD,), True), ((THEME, STACKS), True)]
)
def test_stacks_of_its_own_beside_a_submodule_without_any(
    submodules: tuple[SubmoduleSurvey, ...], is_fleet: bool
) -> None:
    survey = RepositorySurvey(
        name="server", default_branch=MAIN, branch=MAIN, bases=(MAIN,), submodules=submodules, own_stacks="stacks/*"
    )
    assert bool(decide_files(survey, workflow="on: push").files) is is_fleet
