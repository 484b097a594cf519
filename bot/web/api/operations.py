"""The list of what can be read: the routes and the OpenAPI document are made from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bot.domain.values import Value
from bot.web.api import plan_values, plans, reads, values
from bot.web.api.parameters import ABOVE, AFTER, BEFORE, HOW_MANY, NODE, SEARCH, Parameter
from bot.web.api.reads import ApiRequest, ApiTools

PREFIX = "/api/v1"
_FLEET = "/fleets/{owner}/{name}"


class ApiOperation(NamedTuple):
    """One request: its address below /api/v1, what it answers, and how that is read."""

    name: str
    path: str
    about: str
    answers: type[Value]
    read: Callable[[ApiTools, ApiRequest], Value]
    query: tuple[Parameter, ...] = ()


OPERATIONS = (
    ApiOperation(
        "list_fleets",
        "/fleets",
        "the fleets that may be seen, by name",
        values.ApiFleets,
        reads.read_fleets,
        (HOW_MANY, AFTER),
    ),
    ApiOperation("read_fleet", _FLEET, "what a fleet's page shows", values.ApiFleetState, reads.read_state),
    ApiOperation(
        "list_nodes",
        f"{_FLEET}/nodes",
        "its nodes, each in every rollout, by name",
        values.ApiNodes,
        reads.read_nodes,
        (HOW_MANY, AFTER),
    ),
    ApiOperation("read_node", f"{_FLEET}/nodes/{{node}}", "one node", values.ApiNode, reads.read_node),
    ApiOperation(
        "list_stacks",
        f"{_FLEET}/stacks",
        "its stacks, each on every node that has it, by name",
        values.ApiStacks,
        reads.read_stacks,
        (HOW_MANY, AFTER),
    ),
    ApiOperation("read_stack", f"{_FLEET}/stacks/{{stack}}", "one stack", values.ApiStack, reads.read_stack),
    ApiOperation(
        "list_pulls",
        f"{_FLEET}/pulls",
        "pull requests that wait for a person, oldest first",
        values.ApiPulls,
        reads.read_pulls,
        (HOW_MANY, ABOVE),
    ),
    ApiOperation(
        "list_plans",
        f"{_FLEET}/plans",
        "the plans of pull requests that wait for a person, by the numbers of these",
        plan_values.ApiPlans,
        plans.read_plans,
        (HOW_MANY, ABOVE),
    ),
    ApiOperation(
        "read_plan",
        f"{_FLEET}/plans/{{plan}}",
        "one plan: what each service of each node will get, and why",
        plan_values.ApiPlan,
        plans.read_plan,
    ),
    ApiOperation(
        "list_orders",
        f"{_FLEET}/orders",
        "orders with what the nodes reported, newest first; failed tries too",
        values.ApiOrders,
        reads.read_orders,
        (HOW_MANY, BEFORE, NODE),
    ),
    ApiOperation(
        "list_deliveries",
        f"{_FLEET}/deliveries",
        "webhook deliveries that called for jobs on it, and what became of each, newest first",
        values.ApiDeliveries,
        reads.read_deliveries,
        (HOW_MANY, BEFORE),
    ),
    ApiOperation(
        "list_audit",
        f"{_FLEET}/audit",
        "its audit trail, newest first",
        values.ApiAudit,
        reads.read_audit,
        (HOW_MANY, BEFORE, SEARCH),
    ),
)
