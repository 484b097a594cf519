"""Make every mutant that mutmut's operators know of the pure code."""

from __future__ import annotations

import ast
import hashlib
import pickle
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import MutationVisitor, deep_replace
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

PURE_PACKAGES = ("plan", "risks", "protocol", "fleetfile", "text", "redaction", "domain", "envelope")
_PURE_FEATURE_FILE = re.compile(r"features/[^/]+/(decide|facts|text|jobs|grammar)(\.py$|/)")
NO_MARKS = IgnoredCode(no_mutate_lines=set(), ignore_node_lines=set(), ignore_pattern_lines=set())


@dataclass(frozen=True)
class Mutant:
    """One changed function: `source` stands in place of the function `name` (or `Class.name`) of `path`."""

    path: str
    name: str
    line: int
    lines: tuple[int, int]  # of the statement, or of the whole function where its head was changed
    original: str
    source: str
    index: int  # among all mutations of the file

    @property
    def key(self) -> str:
        """The same while neither the function nor the change differs."""
        text = "\0".join((self.path, self.name, self.original, self.source))
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    @property
    def module(self) -> str:
        """Its module's dotted name."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def package(self) -> str:
        """The package whose score it counts for: `plan`, `features/commands`."""
        return package_of(self.path)


def package_of(path: str) -> str:
    """`bot/plan/causes.py` counts for `plan`, `bot/features/bump/text.py` for `features/bump`."""
    parts = Path(path).parts[1:]
    return "/".join(parts[:2]) if parts[0] == "features" else parts[0].removesuffix(".py")


def pure_files(root: Path) -> list[str]:
    """Every pure module, by its path below `root`."""
    found = [path.relative_to(root).as_posix() for path in sorted((root / "bot").rglob("*.py"))]
    return [path for path in found if package_of(path) in PURE_PACKAGES or _PURE_FEATURE_FILE.search(path)]


def read_mutants(root: Path, path: str, cache: Path) -> list[Mutant]:
    """The mutants of one file, from `cache` where the file is as it was."""
    text = (root / path).read_text("utf-8")
    if "pragma: no mutate" in text:
        raise SystemExit(f"{path} has a `pragma: no mutate`: list the mutant as equivalent instead")
    kept = cache / hashlib.sha256(f"{path}\0{text}".encode()).hexdigest()[:20]
    if kept.exists():
        return cast("list[Mutant]", pickle.loads(kept.read_bytes()))  # noqa: S301  # our own file
    mutants = list(make_mutants(path, text))
    kept.write_bytes(pickle.dumps(mutants))
    return mutants


def make_mutants(path: str, text: str) -> Iterator[Mutant]:
    """Apply every operator of mutmut everywhere in the functions that mutmut mutates."""
    wrapper = MetadataWrapper(cst.parse_module(text))
    visitor = MutationVisitor(mutation_operators, NO_MARKS)
    module = wrapper.visit(visitor)
    positions = wrapper.resolve(PositionProvider)
    names = dict(_named_functions(wrapper.module))
    spans = _statement_spans(text)
    sources: dict[cst.FunctionDef, str] = {}
    for index, mutation in enumerate(visitor.mutations):
        function = mutation.contained_by_top_level_function
        if not isinstance(function, cst.FunctionDef) or function not in names:
            continue
        bare = function.with_changes(leading_lines=[])
        original = sources.setdefault(function, module.code_for_node(bare))
        changed = cast(cst.FunctionDef, deep_replace(bare, mutation.original_node, mutation.mutated_node))
        source = module.code_for_node(changed)
        if not _compiles(source):
            continue
        head, end = positions[function].start.line, positions[function].end.line
        position = positions.get(mutation.original_node)
        line = position.start.line if position else head
        span = spans.get(line, (line, line))
        yield Mutant(path, names[function], line, (head, end) if span[0] <= head else span, original, source, index)


def whole_file(text: str, index: int) -> str:
    """The file's text with the mutation of that index applied."""
    visitor = MutationVisitor(mutation_operators, NO_MARKS)
    module = MetadataWrapper(cst.parse_module(text)).visit(visitor)
    mutation = visitor.mutations[index]
    return cast(cst.Module, deep_replace(module, mutation.original_node, mutation.mutated_node)).code


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec", dont_inherit=True)
    except SyntaxError:  # `f(*a, x)` without its comma, and its kind: nothing that anybody could run
        return False
    return True


def _named_functions(module: cst.Module) -> Iterator[tuple[cst.FunctionDef, str]]:
    for node in module.body:
        if isinstance(node, cst.FunctionDef):
            yield node, node.name.value
        elif isinstance(node, cst.ClassDef):
            for child in node.body.body:
                if isinstance(child, cst.FunctionDef):
                    yield child, f"{node.name.value}.{child.name.value}"


def _statement_spans(text: str) -> dict[int, tuple[int, int]]:
    """For each line the lines of the innermost statement there; of a compound statement, its head's."""
    spans: dict[int, tuple[int, int]] = {}
    for node in ast.walk(ast.parse(text)):  # outer statements come first, so inner ones overwrite
        if not isinstance(node, ast.stmt):
            continue
        body = getattr(node, "body", None) or getattr(node, "cases", None)
        first = body[0].pattern.lineno if body and isinstance(body[0], ast.match_case) else body and body[0].lineno
        end = max(first - 1, node.lineno) if first else node.end_lineno or node.lineno
        spans |= dict.fromkeys(range(node.lineno, end + 1), (node.lineno, end))
    return spans
