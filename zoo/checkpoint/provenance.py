"""Where a result comes from: the commit, the versions and the machine that a card names."""

import os
import platform
import subprocess
from importlib import metadata

import keras

_PACKAGES = ("keras", "tensorflow", "jax", "numpy", "scipy", "pesq", "pystoi")


def commit():
    """The commit that is checked out, with "+changes" where code differs from it; "unknown" outside a clone."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    if head.returncode:
        return "unknown"
    changed = subprocess.run(
        ["git", "diff", "--quiet", "HEAD", "--", "zoo", "tools", ":!tools/bench/results"], check=False
    )
    return head.stdout.strip() + ("+changes" if changed.returncode else "")


def versions():
    """{package: installed version} of what a result depends on, with the Python and the backend that ran."""
    found = {name: _version(name) for name in _PACKAGES}
    installed = {name: version for name, version in found.items() if version}
    return {"python": platform.python_version(), "backend": keras.backend.backend(), **installed}


def machine():
    """The machine in words: cores and processor architecture, and the accelerator that the backend uses, if any."""
    cores = f"{os.cpu_count()} CPU cores, {platform.machine()}"
    if not (found := [device for device in keras.distribution.list_devices() if not device.startswith("cpu")]):
        return cores
    return f"{len(found)} {found[0].split(':')[0].upper()}, {cores}"


def training_card(family, recipe, model, facts, minutes, command, start, **own):
    """`zoo.checkpoint.card.training_card`, for callers that have not moved."""
    from zoo.checkpoint import card

    return card.training_card(family, recipe, model, facts, minutes, command, start, fields=own)


def repeat_command(command, arguments, defaults):
    """The command line that repeats a run: with the options whose values are not the usual ones.

    Args:
        command: without options.
        arguments: of `argparse`, with an attribute for each option.
        defaults: {name of an option: its usual value}.

    Example:
        >>> from argparse import Namespace
        >>> repeat_command("python evaluate.py", Namespace(seed=1, max_files=5), {"seed": 0, "max_files": 5})
        'python evaluate.py --seed 1'
    """
    changed = [
        f"--{name.replace('_', '-')} {getattr(arguments, name)}"
        for name, usual in defaults.items()
        if getattr(arguments, name) != usual
    ]
    return " ".join([command, *changed])


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
