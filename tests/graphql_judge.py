"""The other judge: GitHub's own GraphQL schema, held against what the bot asks and what the embedded GitHub answers.

The schema is the npm package `@octokit/graphql-schema`, found where tests/openapi.py finds the descriptions of REST.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from graphql import (
    GraphQLAbstractType,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    execute_sync,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from tests.openapi import MODULES, Judged


@cache
def _schema() -> GraphQLSchema:
    path = MODULES / "@octokit/graphql-schema/schema.graphql"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: run tools/setup test")
    return build_schema(path.read_text(encoding="utf-8"), assume_valid=True, no_location=True)


def _any_of_its_types(_value: object, info: GraphQLResolveInfo[Any], abstract: GraphQLAbstractType) -> str:
    """Of an interface only its own fields are asked for, which all of its types have."""
    return info.schema.get_possible_types(abstract)[0].name


def judge_graphql(query: str, variables: dict[str, Any], data: dict[str, Any] | None) -> Judged:
    """Whether GitHub knows such a query, takes such variables, and could have answered `data` (None: an error)."""
    subject = query[:60]
    try:
        document = parse(query)
    except GraphQLError as problem:
        return Judged(subject, (problem.message,))
    faults = [problem.message for problem in validate(_schema(), document)]
    for operation in document.definitions:
        declared = getattr(operation, "variable_definitions", None) or ()
        found = get_variable_values(_schema(), declared, variables)
        faults += [problem.message for problem in found] if isinstance(found, list) else []
    if not faults and data is not None:
        # What is asked for is read out of the answer by the schema's types: enumerations, what may be null, names.
        told = execute_sync(
            _schema(), document, root_value=data, variable_values=variables, type_resolver=_any_of_its_types
        )
        faults += [problem.message for problem in told.errors or ()]
        faults += [] if told.data == data else [f"answered {data}, and the query asks for {told.data}"]
    return Judged(subject, tuple(faults))
