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
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "zoo", "tools"], check=False).returncode
    return head.stdout.strip() + ("+changes" if changed else "")


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


def training(command, start, seed, minutes):
    """What a card says of any training.

    Args:
        command: that repeats it.
        start: the commit at which it was started.
        seed: of all that was drawn.
        minutes: that it took.
    """
    return {
        "command": command,
        "commit": start,
        "seed": seed,
        "versions": versions(),
        "minutes": round(minutes, 1),
        "machine": machine(),
    }


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
