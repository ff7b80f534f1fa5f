"""The site has README, the pages that they link to, and an API reference; a broken link fails its build."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.support.harness import REPOSITORY

pytest.importorskip("mkdocstrings", reason="needs the extra `docs`")
SPEC = importlib.util.spec_from_file_location("hooks", REPOSITORY / "docs" / "hooks.py")
hooks = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(hooks)
OTHER_SERVERS = re.compile(r"<(?:script|link|img)[^>]*(?:src|href)=[\"']?https?://")


@pytest.mark.parametrize(
    ("source", "link", "expected"),
    [
        ("README.md", "docs/metrics.md", "metrics.md"),
        ("README.md", "MODEL_CARDS.md", "MODEL_CARDS.md"),
        ("docs/metrics.md", "../MODEL_CARDS.md", "MODEL_CARDS.md"),
        ("docs/metrics.md", "../README.md", "index.md"),
        ("docs/metrics.md", "losses.md#names", "losses.md#names"),
        ("checkpoints/jnd-22k/README.md", "../../docs/distances.md", "../../distances.md"),
        ("checkpoints/jnd-22k/README.md", "curve.png", "curve.png"),
        ("README.md", "https://example.org/docs/x.md", "https://example.org/docs/x.md"),
        ("README.md", "#use", "#use"),
    ],
)
def test_links_of_the_repository_become_links_of_the_site(source, link, expected):
    assert hooks.relinked(f"see [this]({link}).", source) == f"see [this]({expected})."


def test_linked_files_are_those_that_exist():
    text = "[a](docs/metrics.md) [b](LICENSE) [c](nothing.md) [d](https://example.org/LICENSE)"
    assert hooks.linked(text, "README.md") == {"docs/metrics.md", "LICENSE"}


def test_the_api_reference_has_every_public_module():
    pages = hooks.api_pages()
    assert "::: zoo.metrics.speech\n" in pages["api/zoo.metrics.md"]
    assert "::: zoo\n" in pages["api/zoo.md"]
    assert not re.search(r"::: \S*\._", "".join(pages.values()))


def build(folder, site):
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(site)]
    return subprocess.run(command, check=False, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_the_site_builds_and_loads_nothing_from_other_servers(tmp_path):
    done = build(REPOSITORY, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        assert not OTHER_SERVERS.search(page.read_text(encoding="utf-8")), page
    assert "audio with <code>lengths</code>" in (tmp_path / "architecture.html").read_text()
    assert "&gt;&gt;&gt; </span>" in (tmp_path / "api" / "zoo.metrics.html").read_text(), (
        "examples are not shown as code"
    )


@pytest.mark.slow
def test_broken_links_fail_the_build(tmp_path):
    """A strict build fails on any warning: one build shows that each kind of link has its own."""
    shutil.copy(REPOSITORY / "mkdocs.yml", tmp_path)
    for name in ("README.md", "LICENSE", "docs/hooks.py", *hooks.PAGES):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("# A page\n")
    for page in (REPOSITORY / "docs").rglob("*.*"):
        if page.is_file() and "__pycache__" not in page.parts:
            copy = tmp_path / page.relative_to(REPOSITORY)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(b"# A page\n" if page.suffix == ".md" else page.read_bytes())
    assert build(tmp_path, tmp_path / "site").returncode == 0
    links = ("nothing.md", "losses.md#anchor", "../none.toml")
    text = "".join(f"[broken]({link})\n" for link in links)
    (tmp_path / "docs" / "metrics.md").write_text(f"# A page\n\n{text}")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    warnings = [line for line in (done.stdout + done.stderr).splitlines() if "WARNING" in line]
    for link in links:
        assert sum(link.split("/")[-1].split("#")[-1] in line for line in warnings) == 1, (link, warnings)
