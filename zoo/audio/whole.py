"""Opening recordings so that all their samples are read, whatever their header counts, and from pipes too.

One place establishes the length of a recording, for reading it whole, in blocks and in parts. The header is compared
with the bytes of the file (`zoo.audio.headers`); where they disagree, a temporary copy with the right header is opened,
or one of all samples. What libsndfile cannot open, the program ffmpeg decodes.

- Less in the file than its header counts (it was cut): what is there is read, with a warning; a codec that breaks off in
  the middle of a block, as flac does, is refused.
- More than the header counts, or no count: all of it is read.
- Several recordings joined in one file: all of them, one after the other; refused where their rates or channels differ.
"""

import functools
import json
import os
import re
import shutil
import stat
import subprocess
import tempfile
import warnings
from dataclasses import dataclass, replace
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import soundfile

from zoo.audio.chunks import ENDLESS, Finding
from zoo.audio.headers import examine
from zoo.errors import InputError, InputWarning

_BLOCK = 2**20  # samples that are decoded at a time
_MOST_SAMPLES = 2**48  # a longer recording, as libsndfile calls one whose length it does not know, is none
_UNREADABLE = (soundfile.LibsndfileError, OSError, TypeError)  # TypeError: .raw, which has no header

# Where the log says how many bytes of a w64 and an svx or how many samples of an rf64 and a wve there should be.
_SHORTER = re.compile(
    r"(?:(?:BODY|riff) : |Data length )(?P<counted>\d+) \(?should be (?P<present>\d+)"
    r"|frame count (?P<frames>\d+) does not match value from 'ds64' chunk of (?P<ds64>\d+)"
)


class WholeFile(soundfile.SoundFile):
    """A recording, maybe a temporary copy of it, with the format of the original.

    Attributes:
        original: path of the recording.
        is_copy: whether what is open is a copy.
    """

    def __init__(self, path, original, form=None, frames=None):
        super().__init__(os.fsencode(path))  # soundfile refuses text that is no UTF-8
        self.original, self.is_copy, self._form, self._frames = original, path != original, form, frames

    @property
    def frames(self) -> int:
        """Samples, those that are there."""
        return self._frames if getattr(self, "_frames", None) else super().frames

    @property
    def format(self) -> str:
        """libsndfile's name of the original's container; its suffix in capitals where ffmpeg read it."""
        return self._form[0] if self._form else super().format

    @property
    def subtype(self) -> str:
        """libsndfile's name of the original's sub-type."""
        return self._form[1] if self._form else super().subtype


def open_whole(path: Path | str) -> WholeFile:
    """Open a recording.

    Args:
        path: audio file, or a pipe, which is read to its end.

    Returns:
        `WholeFile`, a context manager.

    Raises:
        InputError: missing or unreadable file, or recordings that cannot be joined.

    Example:
        >>> with open_whole(zoo.examples()["reference"]) as file:
        ...     file.format, file.frames > 16000, file.is_copy
        ('FLAC', True, False)
    """
    path, name = Path(path), str(path)
    status = os.stat(path) if path.exists() else None
    if status and stat.S_ISFIFO(status.st_mode):
        # What a process was started with has one content; a pipe with a name of its own may get another.
        anonymous = name.startswith(("/dev/", "/proc/"))
        copy = _anonymous_pipe(name, status.st_ino) if anonymous else _pipe(name)
        with _open(Path(copy.name), path) as file:
            return WholeFile(file.name, path, (file.format, file.subtype))
    if not status or not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path}: no such file; check the path")
    return _open(path, path)


def _temporary():
    """A file that goes when nothing refers to it, or the process ends."""
    return tempfile.NamedTemporaryFile(prefix="zoo-")


@functools.cache
def _anonymous_pipe(path, _):
    """`_pipe` once: what comes from `<(...)` and stdin cannot be read twice, and recordings are."""
    return _pipe(path)


def _pipe(path):
    """Everything that comes from a pipe, in a temporary file."""
    copy = _temporary()
    with open(path, "rb") as pipe:
        shutil.copyfileobj(pipe, copy)
    copy.flush()
    return copy


@dataclass(frozen=True)
class _Copy:
    """What to open in place of a recording: a temporary file, its format, and a warning."""

    file: Any
    form: tuple
    warning: str = ""


def _open(path, shown):
    """A `WholeFile`; `shown` is the name for messages."""
    status = os.stat(path)
    identity = (str(path), str(shown), status.st_ino, status.st_mtime_ns, status.st_size)
    form, finding = _look(*identity)
    if finding.refusal:
        raise InputError(f"{shown}: {finding.refusal}")
    copy = None if form and not (finding.parts or finding.copy or finding.foreign) else _copy_of(*identity)
    if warning := (copy or finding).warning:
        warnings.warn(f"{shown}: {warning}", InputWarning, stacklevel=4)
    try:
        if copy:
            return WholeFile(copy.file.name, path, copy.form)
        return WholeFile(path, path, frames=finding.samples)
    except _UNREADABLE as error:
        raise unreadable(shown) from error


@functools.lru_cache(16)  # temporary files, of which few should be there at a time
def _copy_of(path, shown, *rest):
    """`_Copy` of a file that cannot be read as it is."""
    form, finding = _look(path, shown, *rest)
    if finding.parts:
        return _Copy(*_joined(path, shown, finding.parts))
    if finding.copy:
        return _Copy(_patched(path, *finding.copy), form, finding.warning)
    return _by_ffmpeg(path, shown, form)


@functools.lru_cache(4096)
def _look(path, *_):
    """Format of a file, None where libsndfile cannot open it, and `Finding`; inode, time and size are keys of the cache."""
    form, frames, log = None, 0, ""
    try:
        with soundfile.SoundFile(os.fsencode(path)) as file:
            form, frames, log = (file.format, file.subtype), file.frames, file.extra_info
    except _UNREADABLE:
        pass
    if not os.path.getsize(path):
        return form, Finding()
    with open(path, "rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        finding = examine(data, is_mp3=form is not None and form[0] == "MP3")
    if finding.samples and frames >= finding.samples:
        return form, replace(finding, copy=None)  # libsndfile reads to the end, though its guess is too large
    if finding != Finding():
        return form, finding
    return form, Finding(foreign=frames > _MOST_SAMPLES, warning=_logged(log))


def _logged(log):
    """A warning where libsndfile's log of opening a file says that it is shorter than its header counts."""
    match = _SHORTER.search(log)
    counted = int(match["counted"] or match["ds64"]) if match else 0
    present = int(match["present"] or match["frames"]) if match else 0
    if not present < counted < ENDLESS:
        return ""
    return f"is cut short: its header counts {counted} bytes or samples, {present} are there; get it again"


def _patched(path, start, prefix, patches):
    """A copy with another header: see `zoo.audio.headers.Finding`."""
    copy = _temporary()
    copy.write(prefix)
    with open(path, "rb") as file:
        file.seek(start)
        shutil.copyfileobj(file, copy)
    for position, content in patches:
        copy.seek(position)
        copy.write(content)
    copy.flush()
    return copy


def _joined(path, shown, parts):
    """A copy of all recordings in a file, float32, and the format of the first."""
    copy, writer, form = _temporary(), None, None
    try:
        for start, end in parts:
            with _cut_out(path, start, end) as part, _open(Path(part.name), shown) as file:
                kind = file.samplerate, file.channels
                if writer is None:
                    form = file.format, file.subtype
                    writer = soundfile.SoundFile(copy.name, "w", *kind, "FLOAT", format="W64")
                if kind != (writer.samplerate, writer.channels):
                    raise InputError(
                        f"{shown}: joins recordings of several rates or channels ({writer.samplerate} Hz and "
                        f"{kind[0]} Hz, {writer.channels} and {kind[1]}); bring them to one, and join them then"
                    )
                while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
                    writer.write(block)
    except soundfile.LibsndfileError as error:
        raise unreadable(shown) from error
    finally:
        if writer is not None:
            writer.close()
    return copy, form


def _cut_out(path, start, end):
    copy = _temporary()
    with open(path, "rb") as file:
        file.seek(start)
        while start < end and (block := file.read(min(_BLOCK, end - start))):
            copy.write(block)
            start += len(block)
    copy.flush()
    return copy


def _by_ffmpeg(path, shown, form):
    """A `_Copy` of what the program ffmpeg decodes, float32."""
    if not shutil.which("ffmpeg"):
        raise InputError(
            f"{shown}: cannot be read without the program ffmpeg; install it, or give wav, flac, ogg or mp3"
        )
    copy = _temporary()
    source = ("-v", "error", "-nostdin", "-protocol_whitelist", "file", "-i", f"file:{path}")
    target = ("-map", "0:a:0", "-c:a", "pcm_f32le", "-f", "caf", "-y", f"file:{copy.name}")
    if subprocess.run(["ffmpeg", *source, *target], capture_output=True, check=False).returncode:
        raise unreadable(shown)
    with soundfile.SoundFile(copy.name) as file:
        seconds = file.frames / file.samplerate
    counted = _container_seconds(path)
    warning = f"is cut short: its header counts {counted:.2f} s, {seconds:.2f} s are there; get it again"
    return _Copy(copy, form or (Path(shown).suffix[1:].upper(), "FLOAT"), warning if seconds < counted - 0.2 else "")


def _container_seconds(path):
    """Duration that a container with an index counts; 0 for others, whose duration ffmpeg estimates."""
    command = ["ffprobe", "-v", "error", "-protocol_whitelist", "file", "-select_streams", "a:0", "-of", "json"]
    wanted = ["-show_entries", "stream=duration:format=duration,format_name", f"file:{path}"]
    if not shutil.which("ffprobe"):
        return 0.0
    answer = subprocess.run([*command, *wanted], capture_output=True, check=False).stdout
    described = json.loads(answer or "{}")
    names = described.get("format", {}).get("format_name", "")
    if not {"mov", "asf", "matroska", "caf"} & set(names.split(",")):
        return 0.0
    return float((described.get("streams") or [{}])[0].get("duration") or described["format"].get("duration") or 0)


def unreadable(path: Path | str) -> InputError:
    """What to raise where a file is no recording, or a damaged one."""
    return InputError(f"{path}: cannot be read; give a wav, flac, ogg or mp3 file")
