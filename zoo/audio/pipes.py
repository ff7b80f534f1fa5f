"""Recordings that come in and go out block by block, through pipes too: WAV, or samples without a header.

A header stands before the samples, so what goes through a pipe counts them wrong: 0, or what is no size
(`zoo.audio.chunks.ENDLESS`), then means all that come. A recording that lies in a file is read by `zoo.audio.io`.
"""

import io
import os
import stat
import struct
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
import soundfile

from zoo.audio import checks
from zoo.audio.chunks import ENDLESS, cut
from zoo.audio.io import LOUDEST
from zoo.errors import InputError

RAW = {"s16le": "PCM_16", "f32le": "FLOAT"}  # names of ffmpeg, and libsndfile's sub-types
MOST_CHANNELS = 256
# Sub-types of WAV without a block of samples that belong together, by the format and bits in a header; bytes of a sample.
_SUBTYPES = {
    (1, 8): ("PCM_U8", 1),
    (1, 16): ("PCM_16", 2),
    (1, 24): ("PCM_24", 3),
    (1, 32): ("PCM_32", 4),
    (3, 32): ("FLOAT", 4),
    (3, 64): ("DOUBLE", 8),
    (6, 8): ("ALAW", 1),
    (7, 8): ("ULAW", 1),
}
_EXTENSIBLE = 0xFFFE  # the format then stands further on
_NO_SIZE = 2**32 - 1
_AT_ONCE = 2**16  # bytes of what is left out
_CONVERT = "convert it: ffmpeg -i IN -f wav -c:a pcm_s16le -"


@dataclass(frozen=True)
class Form:
    """How the samples of a recording are written.

    Attributes:
        sample_rate: in Hz.
        channels: how many.
        subtype: libsndfile's name, such as "PCM_16".
        header: content of the chunk "fmt " of WAV; empty where there is no header.
    """

    sample_rate: int
    channels: int
    subtype: str
    header: bytes = b""

    @property
    def frame(self) -> int:
        """Bytes of a sample of all channels."""
        return self.channels * dict(_SUBTYPES.values())[self.subtype]

    def as_wav(self) -> "Form":
        """The same samples with a header.

        Example:
            >>> len(Form(16000, 1, "PCM_16").as_wav().header)
            16
        """
        if self.header:
            return self
        tag, bits = next(key for key, (subtype, _) in _SUBTYPES.items() if subtype == self.subtype)
        numbers = tag, self.channels, self.sample_rate, self.sample_rate * self.frame, self.frame, bits
        return replace(self, header=struct.pack("<HHIIHH", *numbers))


class Reader:
    """Reads a recording block by block, as it comes.

    Args:
        file: binary file without a buffer; it need not seek.
        name: for messages.
        raw: of samples without a header; None for a WAV, whose header is read at once.

    Attributes:
        form: `Form`.
        samples: that were given so far.

    Raises:
        InputError: the header is none of WAV, or of a codec, or ends.

    Example:
        >>> reader = Reader(io.BytesIO(np.array([0, 16384], "<i2").tobytes()), "pipe", Form(16000, 1, "PCM_16"))
        >>> reader.fill(100)
        >>> reader.take().tolist(), reader.warnings()
        ([[0.0], [0.5]], [])
    """

    def __init__(self, file: BinaryIO, name: str, raw: Form | None = None):
        self._file, self.name, self._waiting, self.samples = file, name, bytearray(), 0
        self.form, self._counted = (raw, None) if raw else self._read_header()
        self._received = 0  # bytes of samples

    def fill(self, samples: int) -> None:
        """Wait until so many samples are there, or the recording ends.

        What has come in stays where a signal interrupts this: `take` then gives it.
        """
        wanted = samples * self.form.frame - len(self._waiting)
        if self._counted is not None:
            wanted = min(wanted, self._counted - self._received)
        while wanted > 0 and (content := self._file.read(wanted)):
            self._waiting += content
            self._received += len(content)
            wanted -= len(content)

    def take(self) -> np.ndarray:
        """The samples that are there.

        Returns:
            float32 (samples, channels), none at the end of the recording.

        Raises:
            InputError: NaN or infinity in them, after a call that gave those before it; or they are not in [-1, 1]
                (`zoo.audio.checks.check_scale`).
        """
        whole = len(self._waiting) // self.form.frame * self.form.frame
        audio = _decoded(bytes(self._waiting[:whole]), self.form)
        bad = np.flatnonzero(~np.isfinite(audio).all(axis=1))
        audio = audio[: bad[0]] if bad.size else audio
        try:
            if bad.size and not len(audio):
                raise InputError("holds NaN or infinity; repair it")
            checks.check_scale(audio)
        except InputError as error:
            place = f"sample {self.samples} ({self.samples / self.form.sample_rate:.3f} s)"
            raise InputError(f"{self.name}: at {place}, {error}") from None
        del self._waiting[: len(audio) * self.form.frame]
        self.samples += len(audio)
        return audio

    def warnings(self) -> list[str]:
        """What is odd once the recording has ended, a line each: what is missing, and what was left out."""
        lines, counted = [], self._counted
        if counted is not None and self._received < counted:
            lines.append(cut(counted, self._received, "bytes"))
        if self._waiting:
            frame = self.form.frame
            lines.append(f"its last bytes are no whole sample ({len(self._waiting)} of {frame}), and were left out")
        if not self.samples:
            lines.append("holds no samples")
        if counted is not None and (after := self._after()):
            lines.append(f"{after} bytes after the samples that its header counts were left out; give it by --raw")
        return [f"{self.name}: {line}" for line in lines]

    def _after(self):
        """Bytes after the samples that are no other chunk of the WAV."""
        self._up_to(self._counted % 2)
        head = self._up_to(8)
        count = len(head)
        while content := self._file.read(_AT_ONCE):
            count += len(content)
        is_chunk = head[:4] != b"RIFF" and all(32 <= byte < 127 for byte in head[:4])
        return 0 if len(head) < 8 or is_chunk else count

    def _read_header(self):
        """`Form` of a WAV, and bytes of its samples, or None where its header does not count them."""
        magic, form, size64 = self._exactly(12), None, None
        if magic[:4] not in (b"RIFF", b"RF64") or magic[8:] != b"WAVE":
            raise InputError(f"{self.name}: is no WAV; give samples without a header by --raw, or {_CONVERT}")
        while True:
            name, size = struct.unpack("<4sI", self._exactly(8))
            if name == b"data":
                break
            if name == b"fmt ":
                form = self._form(self._exactly(size))
            elif name == b"ds64":
                (size64,) = struct.unpack("<8xQ", self._exactly(size)[:16])
            else:
                self._skip(size)
            self._skip(size % 2)
        if form is None:
            raise InputError(f"{self.name}: its header says nothing of its samples; {_CONVERT}")
        if size == _NO_SIZE and size64:
            return form, size64
        return form, size if 0 < size < ENDLESS else None

    def _form(self, header):
        """`Form` of the content of a chunk "fmt "."""
        if len(header) < 16:
            raise InputError(f"{self.name}: is damaged in its header; get it again")
        tag, channels, rate, _, frame, bits = struct.unpack("<HHIIHH", header[:16])
        if tag == _EXTENSIBLE and len(header) >= 26:
            (tag,) = struct.unpack("<H", header[24:26])
        if (tag, bits) not in _SUBTYPES:
            raise InputError(f"{self.name}: is a WAV of a codec (format {tag}, {bits} bits); {_CONVERT}")
        form = Form(rate, channels, _SUBTYPES[tag, bits][0], header)
        if not rate or not 0 < channels <= MOST_CHANNELS or form.frame != frame:
            raise InputError(
                f"{self.name}: has {channels} channels at {rate} Hz in {frame} bytes by its header; "
                f"give 1 to {MOST_CHANNELS}, or {_CONVERT}"
            )
        return form

    def _up_to(self, size):
        content = b""
        while len(content) < size and (part := self._file.read(min(size - len(content), _AT_ONCE))):
            content += part
        return content

    def _exactly(self, size):
        content = self._up_to(min(size, _AT_ONCE))
        if len(content) < size:
            raise InputError(f"{self.name}: ends before the samples begin; is its source running?")
        return content

    def _skip(self, size):
        while size:
            size -= len(self._exactly(min(size, _AT_ONCE)))


class Writer:
    """Writes a recording block by block, each at once.

    Args:
        file: binary file without a buffer. Where it can seek, `close` puts the count into the header of WAV; a pipe
            keeps the one that means all that come, 0xFFFFFFFF.
        form: `Form` to write.

    Attributes:
        may_wait: whether a write waits for a reader, as of a pipe.
        clipped: samples beyond full scale that were clipped so far; float sub-types keep them.

    Example:
        >>> file = io.BytesIO()
        >>> writer = Writer(file, Form(16000, 1, "PCM_16").as_wav())
        >>> writer.write(np.array([[0.0], [0.5]], "float32"))
        >>> writer.close()
        >>> [x.tolist() for x in soundfile.read(io.BytesIO(file.getvalue()))[:1]]
        [[0.0, 0.5]]
    """

    def __init__(self, file: BinaryIO, form: Form):
        self._file, self.form, self.clipped, self._written = file, form, 0, 0
        self.may_wait = not _is_regular(file)
        self._start = file.tell() if form.header and _can_seek(file) else None
        if form.header:
            self._send(_header(form, _NO_SIZE, _NO_SIZE))

    def write(self, audio: np.ndarray) -> None:
        """Write float32 (samples, channels)."""
        if self.form.subtype not in ("FLOAT", "DOUBLE"):
            self.clipped += np.count_nonzero(np.abs(audio) > LOUDEST)
            audio = np.clip(audio, -1, 1)
        self._written += self._send(_encoded(audio, self.form))

    def close(self) -> None:
        """Count the samples in the header, where that can be; the file stays open."""
        padding = self._written % 2
        size = len(_header(self.form, 0, 0)) - 8 + self._written + padding
        if self._start is None or size >= _NO_SIZE:
            return
        self._send(bytes(padding))
        self._file.seek(self._start)
        self._send(_header(self.form, size, self._written))
        self._file.seek(0, os.SEEK_END)

    def _send(self, content):
        """Write all of the bytes; a file without a buffer may take them in parts."""
        rest = memoryview(content)
        while rest:
            rest = rest[self._file.write(rest) :]
        return len(content)


def _is_regular(file):
    """Whether it is a file on a disk, or in memory."""
    try:
        return stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except OSError:  # in memory
        return True


def _can_seek(file):
    """Whether what was written can be written over; not in a file that is appended to, as by `>>`."""
    if not file.seekable():
        return False
    with suppress(ImportError, OSError):  # ImportError: on Windows; OSError: in memory
        import fcntl

        return not fcntl.fcntl(file.fileno(), fcntl.F_GETFL) & os.O_APPEND
    return True


def _header(form, size, samples_size):
    start = struct.pack("<4sI4s4sI", b"RIFF", size, b"WAVE", b"fmt ", len(form.header))
    return start + form.header + bytes(len(form.header) % 2) + struct.pack("<4sI", b"data", samples_size)


def _decoded(content, form):
    """float32 (samples, channels) of bytes, as libsndfile reads them from a file."""
    if not content:
        return np.zeros((0, form.channels), "float32")
    described = {"format": "RAW", "subtype": form.subtype, "samplerate": form.sample_rate, "channels": form.channels}
    with soundfile.SoundFile(io.BytesIO(content), endian="LITTLE", **described) as file:
        return file.read(dtype="float32", always_2d=True)


def _encoded(audio, form):
    """Bytes of float32 (samples, channels), as libsndfile writes them into a file."""
    content = io.BytesIO()
    described = {"format": "RAW", "subtype": form.subtype, "samplerate": form.sample_rate, "channels": form.channels}
    with soundfile.SoundFile(content, "w", endian="LITTLE", **described) as file:
        file.write(audio)
    return content.getvalue()
