"""The sizes in headers of wav, RF64, aiff, CAF and au, of which one counts the samples, beside the bytes that are there."""

import struct
from dataclasses import dataclass

ENDLESS = 0x7FFFF000  # a size from here on is no size, but what programs write that do not know it yet
_ENDLESS_64 = 2**62  # the same of a size of 64 bits


@dataclass(frozen=True)
class Finding:
    """How to read a file whose header cannot be believed.

    Attributes:
        parts: (start, end) in bytes of each of the recordings that are joined in it; () where it is one.
        copy: (start, prefix, patches): a copy from byte `start` on after the bytes `prefix`, with (position, bytes) of
            the file written over, has a header that is right; None where the file can be read as it is.
        samples: how many there are in an mp3 that does not count them, or 0; libsndfile guesses.
        foreign: whether its frames change their rate or channels, which libsndfile cannot follow.
        warning: what is missing or odd, or "".
        refusal: why it cannot be read whole, or "".
    """

    parts: tuple = ()
    copy: tuple | None = None
    samples: int = 0
    foreign: bool = False
    warning: str = ""
    refusal: str = ""


def cut(counted, present, unit):
    return f"is cut short: its header counts {counted} {unit}, {present} are there; get it again"


def parts(starts, data):
    return Finding(parts=tuple(zip(starts, [*starts[1:], len(data)], strict=True)))


def riff(data, order, name, endless):
    """WAV and AIFF: the size of the chunk of samples may be missing, too large (a file that was cut) or too small."""
    position, form = 12, data[:4]
    while data[position : position + 4] != name:
        if position + 8 > len(data):
            return Finding()
        (size,) = struct.unpack_from(order, data, position + 4)
        position += 8 + size + size % 2
    (size,), start = struct.unpack_from(order, data, position + 4), position + 8
    present = len(data) - start
    if size >= ENDLESS:
        return _too_large(present) if present >= 2**32 else Finding()  # of which libsndfile reads all
    if size > present:
        return Finding(warning=cut(size, present, "bytes"))
    rest = start + size + size % 2
    if data[rest : rest + 4] == form and data[rest + 8 : rest + 12] == data[8:12]:
        return parts([0, rest], data)
    if _is_end(data, rest, order) or _is_end(data, start + size, order):
        return Finding()
    if present >= 2**32:
        return _too_large(present)
    size_as_endless = struct.pack(order, endless)
    warning = _more(size, present) if size else ""
    return Finding(copy=(0, b"", ((position + 4, size_as_endless), (4, size_as_endless))), warning=warning)


def _too_large(present):
    fix = "convert it: ffmpeg -ignore_length 1 -i IN.wav OUT.flac"
    return Finding(refusal=f"holds {present} bytes, more than its header can count; {fix}")


def au(data):
    start, size = struct.unpack_from(">II", data, 4)
    present = len(data) - start
    if size >= ENDLESS or size == present or start < 24:
        return Finding()
    if size > present:
        return Finding(warning=cut(size, present, "bytes"))
    warning = _more(size, present) if size else ""
    return Finding(copy=(0, b"", ((8, b"\xff" * 4),)), warning=warning)


def caf(data):
    """CAF: the size of the chunk of samples, of which four bytes are no samples, may be too large or too small.

    0 and -1 are no size: libsndfile then reads to the end.
    """
    position = 8
    while data[position : position + 4] != b"data":
        if position + 12 > len(data):
            return Finding()
        position += 12 + max(struct.unpack_from(">q", data, position + 4)[0], 0)
    if position + 12 > len(data):
        return Finding()
    (size,), start = struct.unpack_from(">q", data, position + 4), position + 12
    present = len(data) - start
    if not 0 < size < _ENDLESS_64 or _is_end(data, start + size, ">q"):
        return Finding()
    warning = cut(size, present, "bytes") if size > present else _more(size, present)
    return Finding(copy=(0, b"", ((position + 4, struct.pack(">q", present)),)), warning=warning)


def rf64(data):
    """RF64, a wav of any size: the chunk ds64 counts the bytes and the samples, and may count too few.

    A count that is too large libsndfile knows by itself.
    """
    position, align = 12, 0
    while data[position : position + 4] != b"data":
        if position + 8 > len(data):
            return Finding()
        if data[position : position + 4] == b"fmt " and position + 24 <= len(data):
            (align,) = struct.unpack_from("<H", data, position + 20)
        size = struct.unpack_from("<I", data, position + 4)[0]
        position += 8 + size + size % 2
    start = position + 8
    present = len(data) - start
    if data[12:16] != b"ds64" or not align or present < 0:
        return Finding()
    (size,) = struct.unpack_from("<Q", data, 28)
    if size >= present or size and _is_end(data, start + size + size % 2, "<I"):
        return Finding()
    counts = struct.pack("<QQQ", len(data) - 8, present, present // align)
    return Finding(copy=(0, b"", ((20, counts),)), warning=_more(size, present) if size else "")


def _more(size, present):
    return f"its header counts {size} bytes of samples, {present} are there, which are read"


def _is_end(data, position, order):
    """Whether the samples end at a position: with the file, with padding, or with another chunk."""
    if position > len(data):
        return False
    head = data[position : position + 4 + struct.calcsize(order)]
    if len(head) < 4 + struct.calcsize(order) or head[:3] in (b"TAG", b"ID3"):
        return True
    padding = len(data) - position < 2**16 and not any(data[position:])
    (size,) = struct.unpack_from(order, head, 4)
    named = all(32 <= byte < 127 for byte in head[:4])
    return padding or named and 0 <= size and position + len(head) + size <= len(data) + 1
