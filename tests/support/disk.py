"""Disks for tests: one that is full at the last bytes of a file, whose writer says nothing of it, and mounted ones."""

import contextlib
import os
import subprocess

import pytest
import soundfile


def cutting(suffix, cut=200):
    """A `soundfile.SoundFile` that drops the last bytes of what it writes into files with a suffix."""

    class Cutting(soundfile.SoundFile):
        def close(self):
            written = not self.closed and self.mode == "w" and isinstance(self.name, (str, bytes))
            super().close()
            if written and os.fsdecode(self.name).endswith(suffix):
                os.truncate(self.name, os.path.getsize(self.name) - cut)

    return Cutting


@contextlib.contextmanager
def mounted(folder, options):
    """A folder as a small disk in memory, mounted with options as `mount` has them; skips the test without root."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)
