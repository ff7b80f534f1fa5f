"""Nothing in the package imports upwards, and families never import each other."""

import ast

import pytest

from tests.support.harness import REPOSITORY
from zoo.families import FAMILIES

# Lowest first; modules of one row may import each other, but a family only itself.
LAYERS = (
    {"errors"},
    {"families", "base", "backend"},
    {"audio"},
    {"data", "metrics", "nn"},
    {"checkpoint"},
    {"losses"},
    {"training", "scoring"},
    set(FAMILIES),
    {"serving", "listening"},
    {"cli"},
    {"zoo"},
)
RANKS = {name: rank for rank, names in enumerate(LAYERS) for name in names}
# Public names that the face has under another package.
EXCEPTIONS = {("checkpoint", "zoo.__version__"), ("cli", "zoo.__version__")}
MODULES = sorted((REPOSITORY / "zoo").rglob("*.py"))


def part(module):
    """The part of the house that a module belongs to: "audio" of "zoo.audio.io", "zoo" of the face itself."""
    names = module.split(".")
    return "zoo" if len(names) == 1 or names[1] == "__main__" else names[1]


def module_name(path):
    names = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


def imports(path):
    """(line, module) of what a file imports of the zoo, wherever in the file it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names if name.name.split(".")[0] == "zoo")
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno} is a relative import: write the module's full name"
            if node.module == "zoo":
                yield from ((node.lineno, f"zoo.{name.name}") for name in node.names)
            elif node.module.startswith("zoo."):
                yield node.lineno, node.module


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_nothing_imports_upwards(path):
    own = part(module_name(path))
    for line, module in imports(path):
        other = part(module)
        if (own, module) in EXCEPTIONS:
            continue
        place = f"{path}:{line} imports {module}"
        assert RANKS[other] <= RANKS[own], f"{place}, which stands above {own}"
        assert own == other or not {own, other} <= set(FAMILIES), f"{place}: families do not import each other"


def test_every_part_of_the_house_has_a_layer():
    parts = {part(module_name(path)) for path in MODULES}
    assert parts == set(RANKS), "tests/architecture/test_imports.py lists the layers"


def test_the_check_sees_imports_upwards(tmp_path):
    (tmp_path / "bad.py").write_text("import zoo\ndef f():\n    from zoo.cli import score\n")
    assert [name for _, name in imports(tmp_path / "bad.py")] == ["zoo", "zoo.cli"]
