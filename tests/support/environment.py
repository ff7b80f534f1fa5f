"""Environments that hold this package, as a wheel installs it, and what its metadata asks for: nothing else.

Packages are links to those of the environment that the tests run in: installing them anew would take minutes.
"""

import os
import re
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from tests.support.harness import REPOSITORY


def build_wheel(folder):
    """Build the wheel of this repository into a folder; its path."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        folder,
        REPOSITORY,
    ]
    subprocess.run(command, check=True, capture_output=True)
    return next(Path(folder).glob("audio_zoo-*.whl"))


def make_environment(folder, wheel, extras=()):
    """A new environment with a wheel, and the packages that it asks for with these extras; its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = next(Path(folder).glob("*/python"))
    site = next(Path(folder).glob("lib/python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    owners = metadata.packages_distributions()
    for name in _closure(_requirements(metadata.PathDistribution(next(site.glob("*.dist-info"))), extras)):
        _link(metadata.distribution(name), site, owners)
    return python


def _requirements(distribution, extras):
    """(name, extras) of what a distribution asks for in this environment."""
    for requirement in map(Requirement, distribution.requires or ()):
        if not requirement.marker or any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement.name, tuple(sorted(requirement.extras))


def _closure(wanted):
    """Names of the distributions that are asked for, and of those that these ask for."""
    done, waiting = set(), list(wanted)
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) not in done:
            done.add((name, extras))
            waiting += _requirements(metadata.distribution(name), extras)
    return {re.sub(r"[-_.]+", "-", name).lower() for name, _ in done}


def _link(distribution, site, owners):
    """Link a distribution's packages, modules and metadata; those that others share are linked file by file."""
    source = Path(distribution.locate_file(""))
    for file in distribution.files:
        if file.parts[0] == ".." or "__pycache__" in file.parts:
            continue
        own = len(set(owners.get(file.parts[0], [""]))) == 1
        parts = file.parts[:1] if own else file.parts
        target = site.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(target):
            target.symlink_to(source.joinpath(*parts))
