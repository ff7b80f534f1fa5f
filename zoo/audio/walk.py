"""The recordings in a folder: one walk for every command and corpus."""

import os
import shutil
import stat
import warnings
from collections import Counter
from collections.abc import Container
from pathlib import Path

from zoo.errors import InputWarning

# What libsndfile reads, and what only the program ffmpeg does. Without .raw, whose rate nobody knows.
SUFFIXES = {".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".oga", ".opus", ".rf64"}
SUFFIXES |= {".sph", ".nist", ".w64", ".mp2"}
BY_FFMPEG = {".3gp", ".aac", ".ac3", ".amr", ".ape", ".m4a", ".m4b", ".mka", ".mp4", ".spx", ".tta", ".webm"}
BY_FFMPEG |= {".wma", ".wv"}
WANTED = ".wav, .flac, .ogg, .mp3 or other recording"  # for messages


def is_audio(name: str | os.PathLike) -> bool:
    """Whether a name is that of a recording: not hidden, and with the suffix of one, in any case.

    Example:
        >>> is_audio("a/take.WAV"), is_audio("a/._take.wav"), is_audio("notes.txt")
        (True, False, False)
    """
    path = Path(name)
    return not path.name.startswith(".") and path.suffix.lower() in SUFFIXES | BY_FFMPEG


def is_file(path: str | os.PathLike) -> bool:
    """Whether a path is a file that can be read: a regular one or a pipe, as of `<(...)`.

    Example:
        >>> is_file(zoo.examples()["reference"]), is_file("none.wav")
        (True, False)
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):  # ValueError: a zero byte in the name
        return False
    return stat.S_ISREG(mode) or stat.S_ISFIFO(mode)


def recordings(folder: Path | str, depth: int | None = None, expected: Container[str] = ()) -> set[str]:
    """Recordings in a folder and those below it; what else lies there is counted in a warning.

    Links are followed, to folders too, but not into a folder that they lie in. Hidden files and folders are left out,
    and files without the suffix of a recording: those of libsndfile, and of the program ffmpeg where that is there.

    Args:
        folder: to walk.
        depth: of folders below it that are walked; None for all.
        expected: names of files that belong there and are no recordings; they are not counted.

    Returns:
        set of names relative to the folder, with "/".

    Example:
        >>> "speech_mild.flac" in recordings(zoo.examples()["mild"].parent)
        True
    """
    names, left_out = set(), Counter()
    readable = SUFFIXES | BY_FFMPEG if shutil.which("ffmpeg") else SUFFIXES
    for path, reason in _files(Path(folder), (), depth, left_out):
        if path.name in expected:
            continue
        reason = reason or _reason(path, readable)
        if reason:
            left_out[reason] += 1
        else:
            names.add(path.relative_to(folder).as_posix())
    if left_out:
        warnings.warn(f"{folder}: {_summary(left_out)}", InputWarning, stacklevel=2)
    return names


def _reason(path, readable):
    """Why a file is no recording, or "": a reason, or a suffix."""
    suffix = path.suffix.lower()
    if suffix in BY_FFMPEG - readable:
        return "that need the program ffmpeg"
    if suffix not in readable:
        return suffix or "no suffix"
    if path.is_file():
        return ""
    return "no files" if path.exists() else "links to nothing"


def _files(folder, above, depth, left_out, hidden=""):
    """Pairs of each path below a folder that is no folder, and a reason to leave it out, or ""."""
    identity = _identity(folder)
    if identity in above:
        left_out["links to a folder that they lie in"] += 1
        return
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        left_out["folders that cannot be opened"] += 1
        return
    for path in paths:
        reason = "hidden" if path.name.startswith(".") else hidden
        if not path.is_dir():
            yield path, reason
        elif depth is None or depth > 0:
            yield from _files(path, (*above, identity), depth and depth - 1, left_out, reason)


def _identity(folder):
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _summary(left_out):
    """ "3 files left out: 2 hidden, 1 of no audio format (.txt)"."""
    suffixes = {reason: count for reason, count in left_out.items() if reason[0] == "." or reason == "no suffix"}
    parts = [f"{count} {reason}" for reason, count in sorted(left_out.items()) if reason not in suffixes]
    if suffixes:
        shown = sorted(suffixes)[:5] + ["..."] * (len(suffixes) > 5)
        parts.append(f"{sum(suffixes.values())} of no audio format ({', '.join(shown)})")
    total = sum(left_out.values())
    return f"{total} file{'s' * (total > 1)} left out: {', '.join(parts)}"


def without_loops(root: Path, names: list[Path]) -> list[Path]:
    """Names below a folder, as a glob matches them, without those that a link into its own folder repeats.

    Example:
        >>> without_loops(zoo.examples()["mild"].parent, [Path("speech_mild.flac")])
        [PosixPath('speech_mild.flac')]
    """

    def loops(name):
        folders = [_identity(root / parent) for parent in name.parents]
        return len(set(folders)) < len(folders)

    return [name for name in names if not loops(name)]
