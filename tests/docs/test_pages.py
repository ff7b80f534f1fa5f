"""Every Python and console block of README.md and docs/ runs as printed, in order, each page in one session.

A block that cannot run here has a comment on the line above it that says why: `<!-- not run: needs the network -->`.
"""

import functools
import os
import re
import shlex
import subprocess
import sys
from typing import NamedTuple

import keras
import pytest

from tests.support.harness import REPOSITORY
from zoo import cli
from zoo.checkpoint import preset

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
SLOW = {
    "textures.md": "synthesises a texture",
    "serving.md": "exports models",
    "publishing.md": "exports a model",
    "training.md": "fine-tunes a metric",
    "enhancement.md": "enhances by several models",
}
BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^\n]+) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
RUN = ("python", "console")
SHOWN = ("toml", "text", "bibtex", "json")  # files and output, which are read and not run
MOST_NOT_RUN = 1 / 3  # of the blocks: trainings, evaluations on real data, servers and installs


class Block(NamedTuple):
    """A fenced block of a page; `reason` says why it is not run, None where it is."""

    language: str
    text: str
    reason: str | None
    line: int


@pytest.fixture(scope="module", autouse=True)
def bundled_checkpoints_are_loaded_once():
    """One load of each frozen bundled checkpoint for all pages: that and its first call take most of the time."""
    load = preset.load
    once = functools.cache(load)

    def cached(source, trainable=False, verify=False, offline=False):
        shared = isinstance(source, str) and "/" not in source and not (trainable or verify)
        return once(source) if shared else load(source, trainable=trainable, verify=verify, offline=offline)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preset, "load", cached)
        yield


def blocks(page):
    text = page.read_text(encoding="utf-8")
    return [
        Block(match["language"], match["text"], match["reason"], text[: match.start("text")].count("\n"))
        for match in BLOCK.finditer(text)
    ]


def commands(text):
    """Commands of a console block: lines after `$ `, with those that a backslash continues; the rest is output."""
    for command in re.findall(r"^\$ (.*(?:(?<=\\)\n.*)*)", text, re.MULTILINE):
        yield command.replace("\\\n", " ")


def run_command(command):
    """Run a command: those of `zoo` in this process, which has loaded TensorFlow; others by bash."""
    words = shlex.split(command, comments=True)
    if words[0] == "zoo" and not {"|", ">", "&&"} & set(words):
        assert cli.main(words[1:]) == 0, f"{command} failed"
        return
    paths = {"PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}
    subprocess.run(["bash", "-ec", command], check=True, env={**os.environ, **paths})


def run_page(page):
    names = {"__name__": "__main__"}
    for block in blocks(page):
        if block.reason or block.language not in RUN:
            continue
        if block.language == "console":
            for command in commands(block.text):
                run_command(command)
        else:
            # Line numbers of a traceback are then those of the page.
            exec(compile("\n" * block.line + block.text, str(page), "exec"), names)  # noqa: S102


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.slow) if page.name in SLOW else page for page in PAGES],
    ids=lambda page: page.name,
)
def test_the_blocks_of_a_page_run_in_order(page, tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    if page.name in ("serving.md", "publishing.md") and keras.backend.backend() == "tensorflow":
        request.getfixturevalue("pushes_here")
    if page.name == "listening.md":
        pytest.importorskip("sqlalchemy", reason="needs the extra listen")
    run_page(page)


@pytest.mark.on_torch
@pytest.mark.skipif(keras.backend.backend() != "torch", reason="is of PyTorch")
def test_the_page_for_users_of_pytorch_runs_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks(REPOSITORY / "docs" / "pytorch.md"):
        if block.language == "python":
            exec(block.text, names)  # noqa: S102


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_says_what_it_is(page):
    text = page.read_text(encoding="utf-8")
    assert len(re.findall(r"^```", text, re.MULTILINE)) == 2 * len(blocks(page)), "a block is not closed"
    assert text.count("<!-- not run:") == sum(block.reason is not None for block in blocks(page))
    for block in blocks(page):
        assert block.language in (*RUN, *SHOWN), (
            f"{page.name}:{block.line}: a block of {block.language or 'no language'}"
        )
        if block.language == "console":
            assert list(commands(block.text)), f"{page.name}:{block.line}: no line begins with `$ `"


def test_most_blocks_run():
    shown = [block for page in PAGES for block in blocks(page) if block.language in RUN]
    reasons = [block.reason for block in shown if block.reason and not block.reason.startswith("runs on")]
    assert len(reasons) <= MOST_NOT_RUN * len(shown)


def test_every_page_of_use_has_an_example_that_runs():
    for page in PAGES:
        if page.name not in ("index.md", "references.md"):
            shown = [block.reason or "" for block in blocks(page) if block.language in RUN]
            assert any(reason == "" or reason.startswith("runs on") for reason in shown), page.name


def test_a_failing_block_fails(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text("```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n")
    with pytest.raises(AssertionError):
        run_page(page)
    page.write_text("```console\n$ zoo info nothing\n```\n")
    with pytest.raises(AssertionError, match="zoo info nothing failed"):
        run_page(page)
    page.write_text("```console\n$ false\n```\n")
    with pytest.raises(subprocess.CalledProcessError):
        run_page(page)


def test_readme_is_short_and_its_results_are_those_of_the_cards():
    """The result of each family's row stands in that family's generated table, in the row of its checkpoint."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 180
    rows = re.findall(
        r"^\| [\w ]+ \| \[`([\w-]+)`\]\(checkpoints/\1/README\.md\) \| ([^|]+) \| \[\w+\]\((docs/[\w.]+)\)",
        text,
        re.MULTILINE,
    )
    assert len(rows) == 5
    for name, result, page in rows:
        table = [line for line in (REPOSITORY / page).read_text().splitlines() if line.startswith(f"| [`{name}`]")]
        numbers = re.findall(r"(?<![\w.])\d+\.\d+", result) + re.findall(r"\b\d{3,}\b", result)
        assert numbers, f"{name}: no figure"
        for number in numbers:
            assert any(number in line for line in table), f"{name}: {number} is not in its table of {page}"
