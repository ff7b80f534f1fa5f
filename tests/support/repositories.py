"""Git repositories with recordings, and rows of a manifest that are made from them."""

import subprocess
from pathlib import Path

import numpy as np
import soundfile

from zoo.data import processing
from zoo.data.manifest import Recording

RATE = 8000
NAME = "someone/sounds"


def git(folder, *arguments):
    """Output of git in a folder."""
    identity = ("-c", "user.name=Someone", "-c", "user.email=someone@example.org", "-c", "commit.gpgsign=false")
    run = subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True)
    return run.stdout.strip()


def commit_all(folder):
    """Commit everything in a repository; its name."""
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "sounds")
    return git(folder, "rev-parse", "HEAD")


def make_repository(folder, names=("a.wav", "b.wav")):
    """A repository of stereo noises at 8 kHz, 0.5 s each, whose host serves single files; its commit."""
    Path(folder).mkdir(parents=True)
    git(folder, "init", "-q")
    for option in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        git(folder, "config", option, "true")
    for seed, name in enumerate(names):
        noise = np.random.default_rng(seed).uniform(-0.5, 0.5, (RATE // 2, 2))
        soundfile.write(Path(folder, name), noise, RATE, subtype="PCM_16")
    return commit_all(folder)


def make_row(folder, commit, name="a.wav", **fields):
    """A row for a recording of that repository: mono, 0.25 s from 0.1 s on, 6 dB quieter, at 16 kHz."""
    row = {"path": f"noise/train/rain/{Path(name).stem}.flac", "kind": "noise", "label": "rain", "sex": ""}
    row |= {"split": "train", "repository": NAME, "commit": commit, "sources": (name,)}
    row |= {"licence": "CC0-1.0", "attribution": "Someone", "notes": "", "channels": "mean", "cut": "after"}
    row |= {"start_s": 0.1, "seconds": 0.25, "gain_db": -6.0, "fade_s": 0.0, "sample_rate": 16000, "quality": 0.0}
    row |= {"block": 0, "rms_db": 0.0, "sha256": "", "version": 1} | fields
    row.setdefault("blobs", tuple(git(folder, "rev-parse", f"{commit}:{source}") for source in row["sources"]))
    return Recording(**row)


def with_fingerprint(row, contents, folder):
    """The row with the sha256 and the level of the file that it makes."""
    path = Path(folder, f"made{Path(row.path).suffix}")
    processing.make(row, contents, path)
    audio, _ = soundfile.read(path, dtype="float32", always_2d=True)
    sha256, level = processing.fingerprint(audio)
    return Recording(**{**row.__dict__, "sha256": sha256, "rms_db": level})


def make_rows(folder, repository, commit, names=("a.wav", "b.wav")):
    """Rows with fingerprints for the recordings of a repository."""
    rows = [make_row(repository, commit, name) for name in names]
    return [with_fingerprint(row, [Path(repository, row.sources[0]).read_bytes()], folder) for row in rows]
