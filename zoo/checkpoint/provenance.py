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
    """The card of a trained checkpoint before its evaluation.

    Args:
        family: the room it comes from.
        recipe: with `name` and `seed`.
        model: the trained network.
        facts: what the training returned.
        minutes: that it took.
        command: that repeats it.
        start: the commit at which it was started.
        own: what only cards of this family have.

    Returns:
        dict, as card.json holds it; `zoo.training.run.read_words` and the evaluation add the rest.
    """
    return {
        "name": recipe.name,
        "family": family,
        "architecture": type(model).__name__,
        "sample_rate": model.sample_rate,
        "parameters": model.count_params(),
        **own,
        "training": {
            "command": command,
            "commit": start,
            "seed": recipe.seed,
            "versions": versions(),
            "minutes": round(minutes, 1),
            "machine": machine(),
            **facts,
        },
    }


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
