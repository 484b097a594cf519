"""For each behaviour of GitHub that these tests show: how the bot was before it knew of it.

`python -m tests.github.prove_red` undoes one of these at a time, and runs the test: it has to fail. Each entry takes
away what the bot does about the behaviour, by replacing a name of its code, and nothing else.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from bot.features.commands.decide.attention import Attention
from bot.features.fleets.jobs import SyncInstallation
from bot.github.endpoints import repository
from bot.github.endpoints.merging import MergeMethod
from tests.github import before

_READ_LIST = "bot.github.client:Client._read_list"


class Undo(NamedTuple):
    """A name of the bot's code, as `module:attribute`, and what stands there without the fix."""

    name: str
    instead: Any


_SOMEBODY_ELSE_PUSHED = Undo("bot.features.review.read.review:find_pusher", lambda *_a, **_n: "somebody")
_UNSIGNED = Undo("bot.github.endpoints.repository:push_gitlink", before.push_unsigned)
_RENAMES = Undo("bot.github.events:parse_repository_changed", before.unknown)
_QUEUE = Undo("bot.github.events:parse_merge_group", before.unknown)
_GRANTED = Undo("bot.github.connection.grants:Installation.within", before.all_that_is_asked)
_UPDATED = Undo("bot.features.bump.read:find_strangers", before.only_what_was_pushed)
_HUB_UPDATED = Undo("bot.features.hub.apply:is_own_branch", before.pushed_documents)
_DISMISSED = Undo("bot.features.bump.read:read_dismissed_pins", lambda *_: frozenset())
_FETCHED = Undo("bot.features.bump.run:look_again", before.nothing)
_REFUSED = Undo("bot.features.bump.apply:BranchRefused", before.Never)
_STILL_OPEN = Undo("bot.github.endpoints.repository:read_pull", before.still_open)
_ATTENTION = "bot.features.commands.apply.command:decide_attention"

UNDONE: dict[str, tuple[Undo, ...]] = {
    # test_bases
    "test_a_listed_base_gets_its_first_fleet_file": (
        Undo("bot.github.events:_parse_push", before.push_of_a_known_base),
    ),
    "test_a_listed_base_does_not_exist": (Undo("bot.features.fleets.apply:report_missing_base", before.nothing),),
    "test_check_looks_at_every_base": (Undo("bot.onboarding.check.read:_read_bases", before.first_base_alone),),
    "test_the_base_of_a_bump_is_changed": (Undo("bot.features.bump.run:read_bump_facts", before.without_retargeted),),
    # test_budget
    "test_a_deleted_deployment_is_not_asked_for_again": (
        Undo("bot.features.rollout.store:RolloutStore.forget_order", before.nothing),
    ),
    # test_buttons
    "test_a_bump_is_closed_and_reopened": (_DISMISSED,),
    "test_the_branch_of_a_bump_is_deleted_and_restored": (_DISMISSED,),
    "test_a_bump_is_reverted": (_DISMISSED,),
    "test_an_older_bump_is_reopened_updated_and_merged_behind_a_newer_one": (
        Undo("bot.features.rollout.read.approval:_has_brought", before.yes),
    ),
    "test_a_draft_is_ready_for_review": (
        Undo("bot.github.events:_PULL_ACTIONS", {"opened", "closed", "reopened", "synchronize", "edited"}),
    ),
    "test_a_label_is_taken_off_a_bump": (Undo("bot.features.bump.run:read_bump_facts", before.labels_always_due),),
    "test_a_head_is_pushed_to_the_branch_without_the_merge_button": (
        Undo("bot.github.endpoints.checks:find_checks", before.unfiltered),
    ),
    "test_a_bump_becomes_a_draft": (Undo("bot.features.bump.run:decide_bump", before.leave_open_ones),),
    # test_clocks
    "test_the_hours_requests_are_used_up_and_the_clock_is_ahead": (
        Undo("bot.github.connection.backoff:Backoff.skew", lambda *_: 0.0),  # by which the budget is read
        Undo("bot.github.connection.backoff:Backoff.limited", before.wait_for_the_reset),
    ),
    "test_the_clock_is_ahead_by_more_than_a_key_may_be": (
        Undo("bot.github.connection.backoff:Backoff.refused", before.refused_for_two_seconds),
    ),
    # test_enterprise_server
    "test_a_server_refuses_return_run_details": (
        Undo("bot.github.endpoints.workflows:dispatch_workflow", before.dispatch_with_details),
    ),
    "test_a_run_that_nobody_named_dies": (Undo("bot.github.endpoints.workflows:find_dispatched_runs", before.empty),),
    "test_every_request_names_the_api_version_and_the_media_type": (
        Undo("bot.github.connection.transport:PINNED", {}),
    ),
    # test_late_answers
    "test_the_pull_requests_of_a_commit_are_listed_late": (
        Undo("bot.features.rollout.read.approval:_read_reported", before.nothing),
    ),
    "test_the_event_of_a_merge_is_lost_and_the_list_lags": (
        Undo("bot.features.rollout.jobs:SyncRollout.again", lambda *_a, **_n: []),
    ),
    "test_deployments_are_listed_late": (
        Undo("bot.features.rollout.store:RolloutStore.find_new_orders", before.empty),
    ),
    "test_comments_are_listed_late": (Undo("bot.github.connection.memory:Memory.find", before.forgets("comment")),),
    "test_pull_requests_are_listed_late": (
        Undo("bot.github.connection.memory:Memory.find", before.forgets("pull")),
        Undo("bot.features.bump.apply:open_own_pull", repository.open_pull),
    ),
    # test_hiccups
    "test_the_base_moved_just_before_the_merge": (Undo("bot.github.endpoints.merging:_MOVED", ()),),
    "test_the_head_moved_just_before_the_merge": (Undo("bot.github.endpoints.merging:_MOVED", ()),),
    "test_a_merge_is_in_progress_already": (Undo("bot.github.endpoints.merging:_MOVED", ()),),
    "test_a_graphql_request_meets_a_secondary_limit": (Undo("bot.github.client:_LIMITED", re.compile("never")),),
    "test_a_graphql_request_fails_with_status_200": (Undo("bot.github.client:_BROKEN_QUERY", before.UNHEARD),),
    "test_a_comment_is_submitted_too_quickly": (Undo("bot.github.client:_TOO_QUICKLY", before.UNHEARD),),
    # test_late_fetches
    "test_an_upstream_is_pushed_to": (_FETCHED,),
    "test_the_pin_of_a_merge_is_on_no_branch_any_more": (
        Undo("bot.features.rollout.apply.giving:PinUnknown", before.Never),
    ),
    "test_of_a_burst_of_pushes_one_is_looked_at": (
        Undo("bot.features.bump.run:replace", lambda job, **_: job),  # each look is another one
    ),
    "test_a_fleet_cannot_be_fetched_yet": (Undo("bot.features.fleets.read:_has_file", before.yes),),
    "test_a_fleet_file_is_pushed": (Undo("bot.features.fleets.read:look_again", before.nothing),),
    "test_what_was_pushed_never_comes": (Undo("bot.features.fleets.jobs:PushedJob.again", before.for_ever),),
    "test_a_pull_request_cannot_be_labelled_yet": (Undo("bot.features.bump.apply:GitHubError", before.Never),),
    "test_a_pull_request_can_never_be_labelled": (Undo("bot.features.fleets.jobs:PushedJob.again", before.for_ever),),
    # test_left_behind
    "test_a_bump_is_left_behind": (Undo("bot.features.bump.jobs:_close_left", lambda _event, _index: []),),
    "test_a_bump_with_somebodys_commit_is_left_behind": (
        Undo("bot.features.bump.store:PlanStore.find_pushed", before.everything),
    ),
    # test_limits
    "test_a_check_is_measured_in_bytes": (
        Undo("bot.plan.report.check:within_bytes", lambda render, limit: render(limit)),
        Undo("bot.github.endpoints.checks:_cut", lambda text: text),
    ),
    "test_a_nodes_report_is_measured_in_bytes": (Undo("bot.protocol.report:_measure", len),),
    # test_lists
    "test_a_comment_is_deleted_while_comments_are_listed": (Undo(_READ_LIST, before.each_page_once),),
    # test_merge_queue
    "test_a_queue_waits_for_the_checks_of_its_own_commit": (_QUEUE,),
    "test_a_group_that_moves_no_pin_passes": (_QUEUE,),
    "test_a_group_would_do_more_than_its_pull_request_shows": (
        Undo("bot.features.bump.group:_find_beyond", before.empty),
    ),
    "test_a_merge_past_the_queue_is_refused": (
        Undo("bot.github.endpoints.merging:merge_pull", before.merge_at_once),
    ),
    "test_a_pull_request_is_taken_out_of_the_queue": (Undo("bot.github.endpoints.merging:_is_queued", before.no),),
    # test_names
    "test_an_upstream_is_renamed": (_RENAMES,),
    "test_a_fleet_is_renamed": (_RENAMES,),
    "test_what_was_decided_in_a_fleet_goes_with_it": (
        Undo("bot.features.fleets.read:_find_replaced", before.nothing),
    ),
    "test_a_rename_that_cannot_be_followed_now_is_no_loop": (
        Undo("bot.features.fleets.run:prepare_look", before.looked_at_meanwhile),
    ),
    "test_a_fleet_is_deleted_and_made_again": (Undo("bot.features.fleets.read:_find_replaced", before.nothing),),
    "test_the_app_is_renamed": (Undo("bot.github.app:App.is_own", lambda app, login: login == app.login()),),
    "test_a_fleet_is_archived": (_RENAMES,),
    "test_the_event_of_an_installations_end_is_lost": (
        Undo("bot.features.fleets.store:Pins.installations", before.none),
    ),
    "test_the_app_is_uninstalled": (
        Undo("bot.features.fleets.jobs:ForgetInstallation", lambda gone: SyncInstallation(installation=gone)),
    ),
    # test_permissions
    "test_a_personal_account_has_no_organisation_permissions": (_GRANTED,),
    "test_an_owner_has_not_accepted_a_new_permission_yet": (_GRANTED,),
    "test_an_owner_may_take_the_right_to_post_checks_away": (
        Undo("bot.features.fleets.apply:GitHubError", before.Never),
    ),
    "test_a_repository_of_the_same_owner_is_outside_the_installation": (
        Undo("bot.github.endpoints.repository:find_repository", before.seen_anyway),
    ),
    "test_check_asks_for_the_tokens_that_the_service_uses": (
        Undo("bot.onboarding.check.decide:_check_installation", before.empty),
    ),
    # test_plans_of_accounts
    "test_a_free_plan_has_no_rulesets_for_private_repositories": (
        Undo("bot.github.endpoints.rules:_NOT_IN_THIS_PLAN", before.UNHEARD),
    ),
    # test_refused_branches
    "test_a_ruleset_keeps_everybody_from_making_branches": (_REFUSED,),
    "test_a_branch_has_a_name_that_the_bumps_begins_with": (_REFUSED,),
    "test_a_ruleset_keeps_the_branch_of_a_bump": (_REFUSED,),
    "test_a_hub_where_no_branch_can_be_made": (Undo("bot.features.hub.apply:BranchRefused", before.Never),),
    "test_a_rollback_where_no_branch_can_be_made": (
        Undo("bot.features.commands.apply.orders:GitHubError", before.Never),
    ),
    # test_refused_dispatch
    "test_the_workflow_of_an_order_is_not_started": (
        Undo("bot.features.rollout.apply.dispatch:say_not_started", before.githubs_words),
        Undo("bot.features.rollout.apply.rollout:say_run_ended", before.githubs_words),
    ),
    "test_github_fails_to_start_the_workflow_of_an_order": (
        Undo("bot.features.rollout.apply.dispatch:_judge_outage", before.the_outage),
    ),
    "test_github_does_not_start_the_workflow_of_an_order_for_a_minute": (
        Undo("bot.features.rollout.apply.dispatch:find_next_try", lambda _made_at, now: now + 5),
    ),
    "test_github_fails_to_start_the_workflow_of_a_command": (
        Undo("bot.features.rollout.apply.dispatch:_judge_outage", before.the_outage),
    ),
    # test_refused_orders
    "test_github_refuses_the_deployment_of_an_order": (
        Undo("bot.features.rollout.apply.giving:BotError", before.Never),
    ),
    "test_an_order_is_too_long_for_a_workflow": (Undo("bot.features.rollout.apply.giving:BotError", before.Never),),
    "test_the_payload_of_a_deployment_is_text": (
        Undo("bot.features.rollout.read.history:_read_payload", before.payload_as_an_object),
    ),
    "test_a_button_of_an_older_head_is_pressed": (
        Undo("bot.features.commands.read.command:_find_shown", before.nothing),
    ),
    "test_a_button_is_pressed_before_its_pull_request_is_listed": (
        Undo("bot.features.commands.read.command:_find_shown", before.nothing),
    ),
    "test_github_does_not_list_the_changes_of_a_pull_request": (
        Undo("bot.features.review.read.review:_NO_DIFF", ()),
    ),
    "test_a_bump_without_its_text_is_closed": (
        Undo("bot.features.bump.read:read_dismissed_pins", before.by_the_text_alone),
    ),
    # test_refused_reports
    "test_the_conversation_is_locked": (Undo("bot.github.comments:_CANNOT_COMMENT", ()),),
    "test_the_report_is_deleted_while_it_is_kept": (Undo("bot.github.comments:NotFound", before.Never),),
    "test_issues_are_switched_off": (Undo("bot.features.drift.apply:_CANNOT_REPORT", ()),),
    # test_rerequests
    "test_a_check_is_rerequested": (Undo("bot.service.router:repeat_checks", before.empty),),
    # test_reviewers
    "test_a_reviewer_loses_write_permission": (Undo("bot.github.events:parse_access_event", before.nothing),),
    # test_required_plan
    "test_a_pull_request_that_moves_no_pin_waits_for_the_required_check": (
        Undo("bot.features.bump.jobs:_plan", lambda _event: []),
        Undo("bot.features.bump.jobs:_plan_listed", lambda _event, _index: []),
    ),
    "test_a_merged_pull_request_keeps_the_plan_that_was_approved": (
        Undo("bot.features.bump.pull:_is_merged", before.no),
        Undo("bot.features.bump.pull:_shows_plan", before.no),
        _STILL_OPEN,
    ),
    "test_a_plan_that_nobody_saw_before_the_merge_is_not_posted_after_it": (_STILL_OPEN,),
    "test_each_new_head_waits_again": (Undo("bot.features.bump.jobs:_PLANNED_ON", {"opened"}),),
    "test_a_fork_has_its_own_commits": (Undo("bot.github.shapes:PullEnd.is_outside", before.no),),
    "test_the_event_of_a_pull_request_is_lost": (
        Undo("bot.features.bump.jobs:_plan_listed", lambda _event, _index: []),
    ),
    "test_a_pull_request_for_another_branch": (Undo("bot.features.bump.pull:_post", before.nothing),),
    "test_a_person_moves_the_pin": (Undo("bot.features.bump.pull:_post_plans", before.nothing),),
    "test_a_person_moves_the_pin_to_what_upstream_does_not_have": (
        Undo("bot.features.bump.pull:_post_plans", before.nothing),
    ),
    "test_a_node_is_added": (Undo("bot.features.bump.pull:find_added_nodes", before.empty),),
    "test_the_fleet_file_gets_wrong": (Undo("bot.features.bump.pull:find_added_nodes", before.empty),),
    # test_shapes
    "test_signatures_are_required": (_UNSIGNED,),
    "test_linear_history_is_required": (
        Undo("bot.github.endpoints.merging:_choose_method", lambda *_: MergeMethod.MERGE),
    ),
    "test_auto_merge_is_not_allowed": (Undo("bot.github.endpoints.merging:enable_auto_merge", before.nothing),),
    "test_branches_have_to_be_up_to_date": (Undo("bot.features.review.apply:_update", lambda *_: ""),),
    "test_a_check_that_nobody_requires_has_not_succeeded": (
        Undo("bot.features.review.apply:_MERGEABLE", ("clean",)),
    ),
    "test_a_ruleset_forbids_the_merge": (Undo("bot.github.endpoints.merging:merge_pull", before.nothing),),
    "test_mergeability_is_never_known": (
        Undo("bot.features.review.jobs:SyncReview.again", before.look_every_ten_seconds),
    ),
    "test_a_rollback_moves_the_pin_back_under_rules": (_UNSIGNED,),
    "test_mergeability_is_not_known_yet": (Undo("bot.features.review.apply:_let_merge", before.let_merge_now),),
    # test_stale_pulls
    "test_a_pull_request_has_its_old_head_after_a_push": (Undo("bot.features.bump.pull:_look_again", before.empty),),
    "test_a_head_cannot_be_fetched_yet": (Undo("bot.features.bump.pull:_look_again", before.empty),),
    "test_a_pull_request_is_open_after_it_was_closed": (
        Undo("bot.features.commands.jobs:CloseOutPull.again", before.nothing),
    ),
    "test_a_pull_request_is_closed_after_it_was_reopened": (
        Undo("bot.features.review.jobs:_NEW_HEADS", frozenset()),
    ),
    # test_strangers
    "test_a_stranger_is_answered_once_and_then_costs_nothing": (
        Undo(_ATTENTION, lambda _recent: Attention.HEARD),
        Undo("bot.features.commands.run:decide_attention", lambda _recent: Attention.HEARD),
    ),
    "test_a_person_who_asks_too_much_is_told_once": (
        Undo(_ATTENTION, lambda _recent: Attention.HEARD),
        Undo("bot.features.commands.run:decide_attention", lambda _recent: Attention.HEARD),
    ),
    "test_a_command_stands_in_a_review": (
        Undo("bot.features.commands.jobs:RunCommand.is_in_review", property(lambda _job: False)),
    ),
    # test_unreachable
    "test_github_refuses_to_show_an_upstream": (Undo("bot.features.fleets.read:GitHubError", before.Never),),
    "test_a_submodule_comes_from_another_server": (
        Undo("bot.features.fleets.text:_render_unreadable", lambda *_: ""),
    ),
    "test_a_proxy_answers_in_githubs_place": (Undo("bot.github.client:_DENIALS", ()),),
    "test_git_does_not_answer_while_the_api_does": (Undo("bot.git.mirrors:is_unavailable", before.no),),
    # test_update_branch
    "test_the_base_is_merged_into_a_bump": (_UPDATED,),
    "test_upstream_moves_after_the_base_was_merged_into_a_bump": (_UPDATED,),
    "test_the_merge_of_the_base_changes_something_else_too": (
        Undo("bot.features.bump.read:find_strangers", before.empty),
    ),
    "test_the_base_is_merged_into_a_hubs_documents": (_HUB_UPDATED,),
    "test_a_server_commits_as_github_enterprise": (
        Undo("bot.features.hub.apply:is_own_branch", before.by_committer),
    ),
    "test_a_person_edits_a_hubs_documents_on_their_branch": (
        Undo("bot.features.hub.apply:is_own_branch", before.yes),
    ),
    # test_upstream_history
    "test_a_branch_is_force_pushed_back_behind_the_pin": (
        Undo("bot.features.bump.read:read_relation", before.behind_is_the_same),
    ),
    "test_a_branch_is_rewritten_under_an_open_pull_request": (
        Undo("bot.features.bump.run:decide_bump", before.keep_what_is_gone),
    ),
    # test_whole_way
    "test_every_lag_and_refusal_at_once": (
        Undo("bot.github.endpoints.workflows:dispatch_workflow", before.dispatch_with_details),
    ),
    # test_who_pushed
    "test_who_pushed_the_newest_commit_approves_it": (_SOMEBODY_ELSE_PUSHED,),
    "test_a_merge_of_the_base_is_nobodys_work": (
        Undo("bot.features.review.read.pusher:_skip_merges", before.as_it_is),
    ),
    "test_a_merge_of_the_base_with_something_in_it_is_somebodys_work": (_SOMEBODY_ELSE_PUSHED,),
    "test_without_a_record_of_pushes_two_people_approve": (_SOMEBODY_ELSE_PUSHED,),
}
"""By test function: what is undone for it."""
