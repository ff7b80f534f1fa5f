"""The layout of DESIGN: tests mirror the package, and files and functions stay within their bounds."""

import ast
import functools
import statistics
from typing import NamedTuple

import pytest

from tests.support.harness import REPOSITORY

MOST_LINES = 350  # of a file; near 300 is the aim
MOST_LINES_OF_A_FUNCTION = 60  # of code, without the docstring; near 40 is the aim
TESTS = REPOSITORY / "tests"
SOURCES = sorted(path for folder in ("zoo", "tools", "examples") for path in (REPOSITORY / folder).rglob("*.py"))
# Words that say nothing of what a name holds.
EMPTY_NAMES = {"found", "told", "given", "about", "asked", "heard", "seen", "made", "taken", "kept", "begun"}


def shown(path):
    return str(path.relative_to(REPOSITORY))


class Function(NamedTuple):
    """A function or method: its name, the number of its lines of code, and what it binds: arguments and variables."""

    name: str
    lines: int
    binds: frozenset


@functools.cache
def functions(path):
    """Functions and methods of a module. Each module is parsed once for all tests, and its tree is dropped."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [function_of(node) for node in tree if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def function_of(node):
    documented = ast.get_docstring(node) is not None
    first = node.body[0].end_lineno + 1 if documented and len(node.body) > 1 else node.lineno
    return Function(node.name, node.end_lineno - first + 1, frozenset(names(node)))


def names(node):
    """Names that a function binds: arguments and variables."""
    for child in ast.walk(node):
        if isinstance(child, ast.arg):
            yield child.arg
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id


MIRRORED = [path for path in sorted((REPOSITORY / "zoo").rglob("*.py")) if path.name != "__init__.py"]


@pytest.mark.parametrize("path", MIRRORED, ids=shown)
def test_every_module_has_a_test_of_its_name(path):
    folder = TESTS / path.relative_to(REPOSITORY / "zoo").parent
    assert (folder / f"test_{path.stem.strip('_')}.py").is_file()


@pytest.mark.parametrize("path", SOURCES, ids=shown)
def test_files_and_functions_are_small(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    for function in functions(path):
        assert function.lines <= MOST_LINES_OF_A_FUNCTION, f"{function.name} has {function.lines} lines"


def test_most_functions_are_short():
    lines = [function.lines for path in SOURCES for function in functions(path)]
    assert statistics.median(lines) <= 8


@pytest.mark.parametrize("path", SOURCES, ids=shown)
def test_names_say_what_they_hold(path):
    empty = {name for function in functions(path) for name in function.binds} & EMPTY_NAMES
    assert not empty, f"{shown(path)} has variables called {', '.join(sorted(empty))}"


def test_tests_do_not_import_each_other():
    for path in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = getattr(node, "module", None) or ""
            assert not module.startswith("tests.") or module.startswith("tests.support"), f"{path}:{node.lineno}"
