"""The face: `import zoo`, `list` and `info` are light, everything is named with dots, and an editable install is found."""

import inspect
import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

import zoo
from tests.support.harness import REPOSITORY
from zoo.families import FAMILIES

FACE = ["examples", "info", "list", "load", "loss", "push", "save"]
LIGHT = """
import json, sys, time
start = time.process_time()
import zoo
cards = [zoo.info(name) for name in zoo.list()]
paths = zoo.examples()
seconds = time.process_time() - start
heavy = {"tensorflow", "keras", "jax", "torch", "numpy", "scipy"} & set(sys.modules)
print(json.dumps({"seconds": seconds, "heavy": sorted(heavy), "face": sorted(zoo.__all__)}))
"""
DOTTED = """
import importlib, pkgutil, sys
import zoo
for name in sys.argv[1:]:
    value = zoo
    for part in name.split("."):
        assert part in dir(value), f"dir does not list {part} of {name}"
        value = getattr(value, part)
print("ok")
"""
NAMES = [
    "audio.io.read",
    "client.connect",
    "enhancement.callbacks.TrueScores",
    "jnd.listening.Procedure",
    "jnd.perturb.apply",
    "losses.pmsqe.PMSQE",
    "metrics.agreement.agreement",
    "metrics.speech.pesq",
    "quality_net.loss.QualityNetLoss",
    "separation.stream.Stream",
    "serving.export.export",
    "texture.loss.GramLoss",
    "texture.synthesize",
    "training.distribution.distribute",
]


def python(*arguments, **settings):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True, **settings).stdout


def test_list_and_info_import_no_backend():
    result = json.loads(python("-c", LIGHT))
    assert result["heavy"] == []
    assert result["seconds"] < 0.5
    assert result["face"] == FACE


@pytest.mark.slow
def test_everything_is_named_with_dots_after_import_zoo():
    assert python("-c", DOTTED, *NAMES).strip() == "ok"


def test_dir_lists_the_face_and_the_packages():
    assert {*FACE, *FAMILIES, "audio", "client", "losses", "metrics", "serving", "training"} <= set(dir(zoo))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'zoo' has no attribute 'unicorn'"):
        zoo.unicorn  # noqa: B018


@pytest.mark.parametrize("name", FACE)
def test_the_face_has_type_hints(name):
    signature = inspect.signature(getattr(zoo, name))
    assert signature.return_annotation is not signature.empty
    assert all(argument.annotation is not argument.empty for argument in signature.parameters.values())
    assert (REPOSITORY / "zoo" / "py.typed").is_file()


def test_python_m_zoo_is_the_command():
    lines = python("-m", "zoo", "list", "dnn-*").splitlines()
    assert [line.split()[0] for line in lines[2:]] == zoo.list("dnn-*")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A folder above a checkout that is called `zoo`, with a bundled card and no weights."""
    checkout = tmp_path_factory.mktemp("above") / "zoo"
    checkout.mkdir()
    for name in ("setup.py", "pyproject.toml", "README.md"):
        shutil.copy(REPOSITORY / name, checkout / name)
    shutil.copytree(REPOSITORY / "zoo", checkout / "zoo", ignore=shutil.ignore_patterns("__pycache__", "*.flac"))
    (checkout / "checkpoints" / "dnn-mse-16k").mkdir(parents=True)
    shutil.copy(REPOSITORY / "checkpoints" / "dnn-mse-16k" / "card.json", checkout / "checkpoints" / "dnn-mse-16k")
    return checkout


def test_an_editable_install_is_found_above_a_checkout_called_zoo(checkout, tmp_path):
    """There `zoo` is a folder without `__init__.py`, a namespace package, which must not win over the installed one."""
    build = "from setuptools import build_meta; import sys; build_meta.build_editable(sys.argv[1])"
    python("-c", build, str(tmp_path), cwd=checkout)
    site = tmp_path / "site"
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    # -S leaves out this environment's own install; addsitedir reads the .pth of the new one.
    use = "import site, sys; site.addsitedir(sys.argv[1]); import zoo; print(zoo.list(), zoo.__file__)"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    printed = python("-S", "-c", use, str(site), cwd=checkout.parent, env=environment)
    assert printed.strip() == f"['dnn-mse-16k'] {checkout / 'zoo' / '__init__.py'}"
