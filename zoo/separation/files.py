"""Separate a song file to stem files, block by block: any length in bounded memory."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from zoo.audio import io
from zoo.errors import InputError
from zoo.separation.stream import BLOCK_SECONDS, Stream, warn_of_level

ACCOMPANIMENT = "accompaniment"  # all sources but the vocals
_MAX_WAV_BYTES = 2**32 - 2**16  # the header counts in 32 bits


def separate_file(
    model: Any,
    song: Path | str,
    targets: dict[str, Path | str],
    progress: Callable[[float, float], None] | None = None,
    overwrite: bool = True,
) -> dict[str, int]:
    """Separate a song into stem files, each of which is written whole or not at all.

    The song may have any sample rate and number of channels. Each channel is separated on its own at the model's rate and
    resampled to the song's, without frequencies above half of the model's rate. The files have the song's rate, channels
    and number of samples. All samples of
    the song are read, whatever its header counts: see `zoo.audio.whole`. A song whose peak is below 0.15 gets an
    `InputWarning`, as by `ChandnaSeparator.separate`.

    Args:
        model: `ChandnaSeparator`.
        song: audio file of any format that `zoo.audio.io.read` takes, or a pipe.
        targets: {stem: file to write}; a stem is one of `model.sources`, or "accompaniment", all but the vocals. wav is
            written as float32, flac as 24 bit.
        progress: called as progress(seconds done, total seconds) after each block, or None.
        overwrite: whether files that are there by the end are replaced.

    Returns:
        {stem: number of samples that were clipped to [-1, 1]}; 0 for wav, which is not clipped.

    Raises:
        InputError: an unknown stem, a song that cannot be read or holds NaN, or a file that cannot be written, is not
            whole once it is, or is there and must stay.

    Example:
        >>> separate_file(zoo.load("chandna-4stem-44k"), "song.mp3", {"vocals": "vocals.wav"})  # needs a song  # doctest: +SKIP
    """
    for stem in targets:
        if stem not in (*model.sources, ACCOMPANIMENT):
            raise InputError(f"no stem {stem!r}; choose from {', '.join((*model.sources, ACCOMPANIMENT))}")
    with ExitStack() as stack:
        source = stack.enter_context(io.open_audio(song))
        rate, total = source.samplerate, source.frames
        if not total:
            raise InputError(f"{song}: holds no samples; record it again")
        files = {
            stem: _Writer(stack, Path(path), rate, source.channels, total, overwrite) for stem, path in targets.items()
        }
        separator = _AnyRate(model, source.channels, rate)
        done, peak = 0, 0.0
        for block, last in _blocks(source, int(BLOCK_SECONDS * rate)):
            if not np.isfinite(block).all():
                raise InputError(f"{song}: holds NaN or infinity; repair it")
            done, peak = done + len(block), max(peak, float(np.abs(block).max()))
            _write(files, separator.push(block, last), end=done if last else None)
            if progress is not None:
                progress(done / rate, total / rate)
    if model.depends_on_level:
        warn_of_level(peak, str(song))
    return {stem: writer.clipped for stem, writer in files.items()}


class _AnyRate:
    """A stream for blocks at any sample rate."""

    def __init__(self, model, channels, rate):
        self.stream = Stream(model, channels)
        self.to_model = _resampler(rate, model.sample_rate, channels)
        self.from_model = {source: _resampler(model.sample_rate, rate, channels) for source in model.sources}

    def push(self, block, last):
        """{source: (samples, channels)} that are complete after this block; all that is left, if it is the last."""
        sources = self.stream.push(self.to_model(block, last))
        if last:
            rest = self.stream.flush()
            sources = {source: np.concatenate([audio, rest[source]]) for source, audio in sources.items()}
        return {source: self.from_model[source](audio, last) for source, audio in sources.items()}


def _resampler(from_rate, to_rate, channels):
    """Function (block, whether it is the last) -> resampled block."""
    if from_rate == to_rate:
        return lambda block, last: block
    stream = soxr.ResampleStream(from_rate, to_rate, channels, dtype="float32", quality="VHQ")
    return lambda block, last: stream.resample_chunk(np.ascontiguousarray(block), last=last)


class _Writer:
    """A stem file, which gets its name when the stack closes without an error; `total` samples are expected."""

    def __init__(self, stack, path, rate, channels, total, overwrite):
        self.path, container = path, io.container_of(path)
        if container == "WAV" and total * channels * 4 > _MAX_WAV_BYTES:
            raise InputError(f"{path}: would exceed the 4 GB that wav can hold; write flac")
        self.file = stack.enter_context(io.create(path, rate, channels, overwrite=overwrite))
        self.written, self.clipped, self.floats = 0, 0, container == "WAV"

    def write(self, audio, end):
        """Write a block; cut or pad the last one to `end` samples in total, because resampling may add or lose one."""
        if end is not None:
            missing = end - self.written - len(audio)
            audio = np.pad(audio, ((0, missing), (0, 0))) if missing > 0 else audio[: end - self.written]
        if not self.floats:
            self.clipped += np.count_nonzero(np.abs(audio) > io.LOUDEST)
            audio = np.clip(audio, -1, 1)
        try:
            self.file.write(audio)
        except soundfile.LibsndfileError as error:
            raise io.unwritable(self.path, error) from error
        self.written += len(audio)


def _write(files, sources, end):
    for stem, writer in files.items():
        if stem == ACCOMPANIMENT:
            writer.write(sum(audio for source, audio in sources.items() if source != "vocals"), end)
        else:
            writer.write(sources[stem], end)


def _blocks(file, size):
    """Pairs of a block and whether it is the last, found by reading ahead: an mp3's header may count too many samples."""
    block = io.read_block(file, size)
    while len(block):
        following = io.read_block(file, size)
        yield block, not len(following)
        block = following
