"""The mutants of a module: cosmic-ray's, by the operators of `mutants.toml`, and three of our own."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import parso
from cosmic_ray.ast import get_ast
from cosmic_ray.mutating import MutationVisitor
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator

Position = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Mutant:
    """One changed module; a line is shared by what is named alike, wherever it stands."""

    function: str  # Class.method, or "" at the top of the module
    line: str
    becomes: str
    source: str

    @property
    def key(self) -> tuple[str, str, str]:
        """Identify it by its words: they stay when lines above it come or go."""
        return self.function, self.line, self.becomes


class DropElement(Operator):
    """Leave one element out of a written list, tuple, set or dict."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        for first, last in _elements(node):
            yield node.children[first].start_pos, node.children[last].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        elements = list(_elements(node))
        kept = ["".join(each.get_code() for each in node.children[one : last + 1]) for one, last in elements]
        del kept[index]
        return parso.parse(",".join(kept) + ("," if kept else ""))

    @classmethod
    def examples(cls) -> tuple[Any, ...]:
        return ()


class DropStatement(Operator):
    """Leave out a call, a change of something that is there, or an exception."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        if node.type == "simple_stmt" and _changes_something(node.children[0]):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        dropped = node.children[0]
        node.children[0] = parso.parse(f"{dropped.get_first_leaf().prefix}pass")
        return node

    @classmethod
    def examples(cls) -> tuple[Any, ...]:
        return ()


class NegateIn(Operator):
    """Ask whether something is not in, instead of in, and the other way round."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        if node.type == "comparison" and node.children[1].get_code().split() in (["in"], ["not", "in"]):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        turned = " in" if "not" in node.children[1].get_code() else " not in"
        node.children[1] = parso.parse(turned)
        return node

    @classmethod
    def examples(cls) -> tuple[Any, ...]:
        return ()


OWN = {"NegateIn": NegateIn, "DropElement": DropElement, "DropStatement": DropStatement}


def _elements(node: Any) -> Iterator[tuple[int, int]]:
    """Yield the first and last child of each element of a display, unless it is a comprehension."""
    if node.type not in ("testlist_comp", "dictorsetmaker"):
        return
    if any(child.type in ("comp_for", "sync_comp_for") for child in node.children):
        return
    start = 0
    for place, child in enumerate([*node.children, None]):
        if child is None or child == ",":
            if place > start:
                yield start, place - 1
            start = place + 1


def _changes_something(statement: Any) -> bool:
    if statement.type == "expr_stmt":
        is_augmented = getattr(statement.children[1], "type", "") == "operator" and (
            statement.children[1].value not in ("=", ":=")
        )
        return is_augmented or statement.children[0].type == "atom_expr"
    return statement.type in ("atom_expr", "raise_stmt")


def mutants_of(source: str, operators: Sequence[str], within: Sequence[str] = ()) -> list[Mutant]:
    """Return what each operator makes of a module, each result once.

    Left out is what cannot be seen when the code runs: changes of annotations. `within` names the only
    functions and classes that are changed.
    """
    plain, made = _meaning(source), {}
    for name in operators:
        operator = OWN[name]() if name in OWN else get_operator(f"core/{name}")()
        for changed in _made_by(operator, source):
            if changed in made or _meaning(changed) in (plain, None):
                continue
            mutant = _described(source, changed)
            if not within or mutant.function.split(".")[0] in within:
                made[changed] = mutant
    return list(made.values())


def _made_by(operator: Operator, source: str) -> Iterator[str]:
    place = 0
    while True:
        visitor = MutationVisitor(place, operator)
        tree = visitor.walk(get_ast(source))
        if not visitor.mutation_applied:
            return
        yield tree.get_code()
        place += 1


def _meaning(source: str) -> str | None:
    """Return what is left of a module without annotations, None where it is no Python."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


def _described(source: str, changed: str) -> Mutant:
    before, after = source.splitlines(), changed.splitlines()
    blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    differing = [(a, b, c, d) for tag, a, b, c, d in blocks if tag != "equal"]
    a, b, c, d = differing[0][0], differing[-1][1], differing[0][2], differing[-1][3]
    line, becomes = (_words(lines) for lines in (before[a:b], after[c:d]))
    first = next((n for n in range(a, b) if before[n].strip()), a)
    return Mutant(_function_at(ast.parse(source), first + 1), line, becomes, changed)


def _words(lines: Sequence[str]) -> str:
    """Write lines as one, without comments: they may change."""
    return " ".join(" ".join(line.split("  # ")[0] for line in lines).split())


def _function_at(tree: ast.AST, line: int) -> str:
    """Name what a line stands in."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if first <= line <= (node.end_lineno or 0):
                return f"{node.name}.{_function_at(node, line)}".rstrip(".")
        elif (found := _function_at(node, line)) != "":
            return found
    return ""
