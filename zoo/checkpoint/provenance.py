"""Where a result comes from: the commit, the versions and the machine that a card names."""

import os
import platform
import subprocess
from importlib import metadata

import keras

_PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy", "scipy", "pesq", "pystoi")


def commit() -> str:
    """The commit that is checked out, with "+changes" where code differs from it; "unknown" outside a clone."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    if head.returncode:
        return "unknown"
    changed = subprocess.run(
        ["git", "diff", "--quiet", "HEAD", "--", "zoo", "tools", ":!tools/bench/results"], check=False
    )
    return head.stdout.strip() + ("+changes" if changed.returncode else "")


def versions() -> dict[str, str]:
    """{package: installed version} of what a result depends on, with the Python and the backend that ran."""
    installed = {name: version for name in _PACKAGES if (version := _version(name))}
    return {"python": platform.python_version(), "backend": keras.backend.backend(), **installed}


def machine() -> str:
    """The machine in words: cores and processor architecture, and the accelerators that the backend uses, if any."""
    cores = f"{os.cpu_count()} CPU cores, {platform.machine()}"
    accelerators = [device for device in _devices() if not device.startswith("cpu")]
    if not accelerators:
        return cores
    return f"{len(accelerators)} {accelerators[0].split(':')[0].upper()}, {cores}"


def _devices():
    if keras.backend.backend() != "torch":
        return keras.distribution.list_devices()
    import torch

    return [f"gpu:{i}" for i in range(torch.cuda.device_count())]


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
