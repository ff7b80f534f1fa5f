"""Every example in a docstring runs as printed, and leaves nothing in the reader's folder."""

import ast
import doctest
import importlib
import re

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests.support.harness import REPOSITORY

# A skipped example says why: `>>> zoo.load("hf://org/name")  # needs the network  # doctest: +SKIP`.
SKIPPED = re.compile(r"#\s*(?P<reason>[^#\n]*\S)\s*# doctest: \+SKIP")
MOST_SKIPPED = 0.1  # of all examples


DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def examples_in(path):
    """Examples of all docstrings of a file, read without importing it."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    docstrings = (ast.get_docstring(node) or "" for node in nodes if isinstance(node, DOCUMENTED))
    return [example for text in docstrings for example in doctest.DocTestParser().get_examples(text)]


WITH_EXAMPLES = [path for path in sorted((REPOSITORY / "zoo").rglob("*.py")) if examples_in(path)]


def module_of(path):
    """The module of a file of the package."""
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))


# Examples that synthesise a texture.
SLOW = {
    REPOSITORY / "zoo" / "texture" / f"{name}.py" for name in ("figures", "loss", "optimize", "statistics", "synthesis")
}


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=pytest.mark.slow) if path in SLOW else path for path in WITH_EXAMPLES],
    ids=lambda path: str(path.relative_to(REPOSITORY)),
)
def test_examples_run_and_write_nothing(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "listening" in path.parts:
        pytest.importorskip("sqlalchemy", reason="needs the extra listen")
    module = module_of(path)
    names = {"zoo": zoo, "np": np, "keras": keras, "ops": ops, **vars(module)}
    report = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for test in doctest.DocTestFinder().find(module, module.__name__, globs=names):
        runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)
    assert runner.tries or all(doctest.SKIP in example.options for example in examples_in(path)), "no example was run"
    assert not list(tmp_path.iterdir())


def test_few_examples_are_skipped_and_say_why():
    examples = [(path, example) for path in WITH_EXAMPLES for example in examples_in(path)]
    skipped = [(path, example) for path, example in examples if doctest.SKIP in example.options]
    silent = [
        f"{path.name}: {example.source.strip()}" for path, example in skipped if not SKIPPED.search(example.source)
    ]
    assert not silent, "\n".join(silent)
    assert len(skipped) <= MOST_SKIPPED * len(examples)
