"""What an audio file holds, by its own bytes, where the count in its header may be wrong, missing or infinite.

libsndfile believes the header of mp3, flac and wav, and of joined files (`cat a.mp3 b.mp3`) reads the first. Here the
frames, pages and chunks are counted instead; nothing is decoded.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

from zoo.audio import chunks
from zoo.audio.chunks import Finding

_SMALLEST = 44  # bytes of a header of WAV, and of a file that can hold sound
_STREAMINFO = re.compile(rb"fLaC[\0\x80]\0\0\x22")
_FIRST_PAGE = re.compile(rb"OggS\0[\x02\x03\x06\x07]")
_LAYER_3, _LAYER_2 = 1, 2
_KBITS = {  # by whether the version is 1, and the layer
    (True, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (False, 1): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_KBITS[False, 2] = _KBITS[False, 1]


def examine(data: mmap | bytes, is_mp3: bool = False) -> Finding:
    """What an audio file holds.

    Args:
        data: bytes of the file.
        is_mp3: whether it is known to be mp3, which need not begin with a frame.

    Returns:
        `Finding`; an empty one for a file whose header is right, and for formats whose header is not checked.

    Example:
        >>> examine(zoo.examples()["reference"].read_bytes())
        Finding(parts=(), copy=None, samples=0, foreign=False, warning='', refusal='')
    """
    if len(data) < _SMALLEST:
        return Finding()
    start, form = _after_id3(data, 0), (data[:4], data[8:12])
    if form == (b"RIFF", b"WAVE"):
        return chunks.riff(data, "<I", b"data", 2**32 - 1)
    if form in ((b"FORM", b"AIFF"), (b"FORM", b"AIFC")):
        return chunks.riff(data, ">I", b"SSND", 2**31 - 1)
    if form == (b"RF64", b"WAVE"):
        return chunks.rf64(data)
    kinds = {b"caff": chunks.caf, b".snd": chunks.au, b"OggS": _ogg, b"NIST": _nist, b"fLaC": _flac}
    if check := kinds.get(data[start : start + 4]):
        return check(data)
    return _mp3(data) if start or data[:1] == b"\xff" or is_mp3 else Finding()


def _nist(data):
    counted = re.search(rb"\nsample_count -i (\d+)", data[:4096])
    fields = rb"\nchannel_count -i (\d+)", rb"\nsample_n_bytes -i (\d+)", rb"^NIST_1A\n *(\d+)\n"
    described = [re.search(field, data[:4096]) for field in fields]
    coded = re.search(rb"\nsample_coding \S+ \S*(shorten|wavpack|shortpack)", data[:4096])
    if not (counted and all(described)) or coded:
        return Finding()
    channels, width, start = (int(match[1]) for match in described)
    present = (len(data) - start) // max(channels * width, 1)
    return Finding(warning=chunks.cut(int(counted[1]), present, "samples") if int(counted[1]) > present else "")


def _flac(data):
    """The count of samples is set to the end of the last frame."""
    starts = [match.start() for match in _STREAMINFO.finditer(data)]
    if len(starts) > 1:
        return chunks.parts([0, *starts[1:]], data)
    if not starts or starts[0] + 42 > len(data):
        return Finding()
    place = starts[0] + 18
    (fields,) = struct.unpack_from(">Q", data, place)
    counted, end = fields % 2**36, _flac_end(data, starts[0])
    if not end or counted == end:
        return Finding()
    patch = struct.pack(">Q", fields - counted + end)
    warning = chunks.cut(counted, end, "samples") if counted > end else ""
    if 0 < counted < end:
        warning = f"its header counts {counted} samples, {end} are there, which are read"
    return Finding(copy=(0, b"", ((place, patch),)), warning=warning)


def _flac_end(data, start):
    """Samples up to the end of the last frame, or 0 where there is none."""
    (block,) = struct.unpack_from(">H", data, start + 10)
    first, last = start + 4, False
    while not last and first + 4 <= len(data):
        last = data[first] >= 128
        first += 4 + int.from_bytes(data[first + 1 : first + 4], "big")
    kind = data[first : first + 4]
    position = len(data)
    while (position := data.rfind(b"\xff", first, position)) >= 0:
        head = data[position : position + 16]
        # All frames of a file have its blocking, rate and sample size.
        alike = len(head) > 5 and head[1] == kind[1] and not ((head[2] ^ kind[2]) & 15 or (head[3] ^ kind[3]) & 15)
        if alike and (samples := _flac_frame(head, block)):
            return samples
    return 0


def _flac_frame(head, block):
    """Samples up to the end of the frame that begins with these bytes, or 0 where it is none; `block` is the usual size."""
    ones = 8 - (head[4] ^ 255).bit_length()
    length = max(ones, 1)
    if ones in (1, 8) or len(head) < 8 + length:
        return 0
    number = head[4] & (127 if ones == 0 else 2 ** (7 - ones) - 1)
    for byte in head[5 : 4 + length]:
        number = number << 6 | byte & 63
    code, end = head[2] >> 4, 4 + length
    if code == 0:
        return 0
    if code not in (6, 7):
        size = 192 if code == 1 else 576 << code - 2 if code < 6 else 256 << code - 8
    else:
        size = int.from_bytes(head[end : end + code - 5], "big") + 1
        end += code - 5
    rate = head[2] & 15
    end += (rate == 12) + 2 * (rate in (13, 14))
    if end >= len(head) or _crc8(head[:end]) != head[end]:
        return 0
    return (number if head[1] & 1 else number * block) + size


def _crc8(data):
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value << 1 ^ (7 if value & 128 else 0)) & 255
    return value


def _ogg(data):
    """Joined files have first pages in the middle; a whole one has a last page."""
    starts = [match.start() for match in _FIRST_PAGE.finditer(data)]
    chained = [start for start in starts if start and not data[data.rfind(b"OggS", 0, start) + 5] & 2]
    if chained:
        return chunks.parts([0, *chained], data)
    last = data.rfind(b"OggS")
    whole = data[last + 5] & 4 if last + 5 < len(data) else False
    return Finding(warning="" if whole else "has no last page: it may be cut short; get it again")


def _after_id3(data, position):
    """Where the tags end that begin at a position."""
    while data[position : position + 3] == b"ID3" and len(sizes := data[position + 6 : position + 10]) == 4:
        position += 10 + sum(byte << 7 * (3 - i) for i, byte in enumerate(sizes))
    return position


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame of mp3 or mp2: its place and size in bytes, samples, what must not change, and the count of a tag in it."""

    start: int
    size: int
    samples: int
    kind: tuple
    tag: int  # position of the tag Xing or Info, or 0


def _mp3(data):
    """The frames are counted, and the count of the header is set to it; a header is put before a file without one."""
    first, last, count, kinds, tagged = None, None, 0, set(), []
    for last in _frames(data):  # a long file has a million: no list is made
        first = first or last
        count += 1
        kinds.add(last.kind)
        if last.tag:
            tagged.append(last.start)
    if not count:
        return Finding()
    starts = sorted({first.start, *tagged})
    if len(starts) > 1:
        return chunks.parts(starts, data)
    if len(kinds) > 1:
        return Finding(foreign=True)
    count -= bool(first.tag)  # the frame of a tag holds no sound
    flags, counted = struct.unpack_from(">II", data, first.tag + 4) if first.tag else (0, 0)
    if not flags & 1:
        start = first.start + (first.size if first.tag else 0)
        prefix = _count_frame(data[first.start : first.start + 4], count)
        return Finding(copy=(start, prefix, ()), samples=0 if first.tag else count * first.samples)
    if counted == count:
        return Finding()
    patches = [(first.tag + 8, struct.pack(">I", count))]
    if flags & 2:
        patches.append((first.tag + 12, struct.pack(">I", last.start + last.size - first.start)))
    if flags & 15 == 15 and data[first.tag + 120 : first.tag + 124] in (b"LAME", b"Lavc", b"Lavf"):
        # There is no padding at the end, where there is another end than its encoder knew.
        patches.append((first.tag + 142, bytes([data[first.tag + 142] & 0xF0, 0])))
    return Finding(
        copy=(0, b"", tuple(patches)), warning=chunks.cut(counted, count, "frames") if counted > count else ""
    )


def _frames(data) -> Iterator[_Frame]:
    """The frames of an mp3 or mp2; after what is no frame, one counts only if another follows it."""
    position, follows = 0, False
    while 0 <= position < len(data):
        position = _after_id3(data, position)
        frame = _frame_at(data, position)
        if frame and (follows or _frame_at(data, position + frame.size)):
            if position + frame.size > len(data):
                return
            yield frame
            position, follows = position + frame.size, True
        else:
            follows, position = False, data.find(b"\xff", position + 1)


def _frame_at(data, position):
    head = data[position : position + 4]
    if len(head) < 4 or head[0] != 255 or head[1] < 0xE0:
        return None
    version, layer, kbit, rate = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer not in (_LAYER_2, _LAYER_3) or kbit in (0, 15) or rate == 3:
        return None
    hertz = (44100, 48000, 32000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
    samples = 576 if layer == _LAYER_3 and version != 3 else 1152
    size = samples // 8 * 1000 * _KBITS[version == 3, layer][kbit - 1] // hertz + (head[2] >> 1 & 1)
    mono = head[3] >> 6 == 3
    return _Frame(position, size, samples, (hertz, layer, mono), _tag_in(data, position, version, mono))


def _tag_in(data, position, version, mono):
    """Position of the tag of a frame, after its side information and a checksum that may be there, or 0."""
    side = (17 if mono else 32) if version == 3 else (9 if mono else 17)
    for place in (position + 4 + side, position + 6 + side):
        if data[place : place + 4] in (b"Xing", b"Info"):
            return place
    return 0


def _count_frame(head, count):
    """A frame that says how many follow, to put before those that lack it; `head` begins the first of them."""
    for kbit in range(9, 15):  # large enough for the count at every rate, and allowed for every version
        frame = bytes([head[0], head[1] | 1, kbit << 4 | head[2] & 0b1100, head[3]])
        described = _frame_at(frame, 0)
        if described.size > 160:
            break
    version = head[1] >> 3 & 3
    side = (17 if head[3] >> 6 == 3 else 32) if version == 3 else (9 if head[3] >> 6 == 3 else 17)
    return (frame + bytes(side) + b"Xing" + struct.pack(">II", 1, count)).ljust(described.size, b"\0")
