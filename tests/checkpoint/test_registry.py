"""Names, sources and cards; a wheel carries the checkpoints."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import zoo
from tests.support.harness import REPOSITORY
from zoo.checkpoint import registry
from zoo.errors import InputError


@pytest.fixture
def two(tmp_path, monkeypatch):
    """Two bundled checkpoints in a root of the test's own; the working directory is empty."""
    for name in ("quality-net-lite-16k", "jnd-22k"):
        directory = tmp_path / "bundled" / name
        directory.mkdir(parents=True)
        (directory / "config.json").write_text("{}")
        (directory / "card.json").write_text(json.dumps({"name": name}))
    (tmp_path / "bundled" / "unfinished").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(registry, "root", lambda: tmp_path / "bundled")
    return tmp_path / "bundled"


def test_names_are_sorted_and_matched(two):
    assert zoo.list() == ["jnd-22k", "quality-net-lite-16k"]
    assert zoo.list("quality-net*") == ["quality-net-lite-16k"]
    assert zoo.list("x*") == []


def test_info_is_a_copy(two):
    zoo.info("jnd-22k")["name"] = "changed"
    assert zoo.info("jnd-22k") == {"name": "jnd-22k"}


def test_a_name_and_a_directory_resolve(two):
    assert registry.resolve("jnd-22k") == two / "jnd-22k"
    for source in (f"{two}/jnd-22k/", two / "jnd-22k", "../bundled/jnd-22k"):
        assert registry.resolve(source).samefile(two / "jnd-22k")
    assert zoo.info(two / "jnd-22k") == {"name": "jnd-22k"}


@pytest.mark.parametrize(
    "source, says",
    [
        ("quality-net-lite-16", "did you mean 'quality-net-lite-16k'"),
        ("something", r"zoo.list\(\)"),
        ("", r"zoo.list\(\)"),
        ("unfinished", "Unknown checkpoint"),
        ("nowhere/", "no saved model"),
        (Path("nowhere"), "no saved model"),
        ("hf://name", "write hf://org/name"),
        ("https://org/name", "give a bundled name, hf://org/name, or a directory"),
        (3, "not a int"),
    ],
)
def test_what_cannot_be_resolved_says_what_to_do(two, source, says):
    with pytest.raises(InputError, match=says) as raised:
        zoo.info(source)
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 160


def test_two_readings_raise(two):
    Path("jnd-22k").mkdir()
    with pytest.raises(InputError, match=r"bundled checkpoint and also a directory.*'\./jnd-22k/'"):
        registry.resolve("jnd-22k")


def test_the_bundled_directory_itself_is_one_reading(two, monkeypatch):
    monkeypatch.chdir(two)
    assert registry.resolve("jnd-22k") == two / "jnd-22k"


def test_a_directory_without_a_slash_is_named(two):
    Path("mine").mkdir()
    with pytest.raises(InputError, match=r"write '\./mine/'"):
        registry.resolve("mine")


def test_info_needs_a_card(two):
    (two / "jnd-22k" / "card.json").unlink()
    with pytest.raises(InputError, match="no card.json"):
        zoo.info(two / "jnd-22k")


@pytest.mark.parametrize("text", [b"{", b"[]", b"\xff", b"<html>"])
def test_a_damaged_config_has_no_model_class(two, text):
    (two / "jnd-22k" / "config.json").write_bytes(text)
    with pytest.raises(InputError, match="config.json is damaged, get it again"):
        registry.model_class("jnd-22k")


@pytest.mark.slow
def test_a_wheel_carries_the_checkpoints(tmp_path):
    def run(*command, cwd):
        return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout

    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    source = tmp_path / "source"  # a copy, for a build leaves files beside setup.py
    source.mkdir()
    for name in ("setup.py", "README.md", "LICENSE", "zoo", "checkpoints"):
        run("cp", "-r", str(REPOSITORY / name), str(source), cwd=tmp_path)
    run(*pip, "wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(source), cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    packed = zipfile.ZipFile(wheel).namelist()
    for name in zoo.list():
        for file in (*zoo.info(name)["files"], "card.json"):
            assert f"zoo/_checkpoints/{name}/{file}" in packed
    run(*pip, "install", "--no-deps", "--target", str(tmp_path / "site"), str(wheel), cwd=tmp_path)
    code = "import zoo; print(zoo.__file__); print(*zoo.list())"
    where, listed = run(sys.executable, "-c", code, cwd=tmp_path / "site").splitlines()
    assert Path(where).is_relative_to(tmp_path)
    assert listed.split() == zoo.list()
