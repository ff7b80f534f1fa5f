"""Separation from file to files, block by block: a song of any length in bounded memory."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import soundfile
import soxr

from zoo.audio import io
from zoo.errors import InputError
from zoo.separation.stream import BLOCK_SECONDS, Stream

ACCOMPANIMENT = "accompaniment"  # all sources but the vocals
_LARGEST_WAV = 2**32 - 2**16  # bytes: its header counts in 32 bits


def separate_file(model, song, targets, progress=None):
    """Separate a recording into files; they are all written whole, or none is.

    Any sample rate and number of channels; each channel is separated by itself at the model's rate, and the result is
    brought back. The files have the song's rate, channels and number of samples.

    Args:
        model: `ChandnaSeparator`.
        song: wav, flac, ogg or mp3 file.
        targets: {stem: file to write}; a stem is one of `model.sources`, or "accompaniment", all but the vocals. wav
            becomes float32, flac 24 bit.
        progress: called as progress(seconds done, seconds in all) after each block, or None.

    Returns:
        {stem: samples beyond full scale that were clipped}.

    Raises:
        InputError: an unknown stem, a song that cannot be read or holds NaN, or a file that cannot be written.

    Example:
        >>> separate_file(zoo.load("chandna-4stem-44k"), "song.mp3", {"vocals": "vocals.wav"})  # doctest: +SKIP
    """
    for stem in targets:
        if stem not in (*model.sources, ACCOMPANIMENT):
            raise InputError(f"no stem {stem!r}; choose from {', '.join((*model.sources, ACCOMPANIMENT))}")
    with ExitStack() as stack:
        source = stack.enter_context(_opened(song))
        rate, total = source.samplerate, source.frames
        files = {stem: _Writer(stack, Path(path), rate, source.channels, total) for stem, path in targets.items()}
        separator = _AnyRate(model, source.channels, rate)
        done = 0
        for block, last in _blocks(source, int(BLOCK_SECONDS * rate)):
            if not np.isfinite(block).all():
                raise InputError(f"{song}: holds NaN or infinity; repair it")
            done += len(block)
            _write(files, separator.push(block, last), end=done if last else None)
            if progress is not None:
                progress(done / rate, max(total, done) / rate)
    return {stem: writer.clipped for stem, writer in files.items()}


class _AnyRate:
    """A stream whose blocks have another rate than the model's."""

    def __init__(self, model, channels, rate):
        self.stream = Stream(model, channels)
        there, back = (rate, model.sample_rate), (model.sample_rate, rate)
        self.there = _resampler(*there, channels)
        self.back = {source: _resampler(*back, channels) for source in model.sources}

    def push(self, block, last):
        """{source: (samples, channels)} of what is done; with the last block, of all."""
        given = self.stream.push(self.there(block, last))
        if last:
            rest = self.stream.flush()
            given = {source: np.concatenate([audio, rest[source]]) for source, audio in given.items()}
        return {source: self.back[source](audio, last) for source, audio in given.items()}


def _resampler(from_rate, to_rate, channels):
    """(block, last) -> resampled block."""
    if from_rate == to_rate:
        return lambda block, last: block
    stream = soxr.ResampleStream(from_rate, to_rate, channels, dtype="float32", quality="VHQ")
    return lambda block, last: stream.resample_chunk(np.ascontiguousarray(block), last=last)


class _Writer:
    """A file that appears when the stack closes without an error; `total` samples are expected."""

    def __init__(self, stack, path, rate, channels, total):
        container = io.container_of(path)
        if container == "WAV" and total * channels * 4 > _LARGEST_WAV:
            raise InputError(f"{path}: would exceed the 4 GB that wav can hold; write flac")
        temporary = stack.enter_context(io.replacing(path))
        try:
            self.file = stack.enter_context(
                soundfile.SoundFile(temporary, "w", rate, channels, io.subtype_of(container), format=container)
            )
        except soundfile.LibsndfileError as error:
            raise InputError(f"{path}: cannot be written as {container}: {error.error_string}") from error
        self.written, self.clipped, self.floats = 0, 0, container == "WAV"

    def write(self, audio, end):
        """Write a block; at the `end`, so many samples in all: a resampler leaves one more or less."""
        if end is not None:
            missing = end - self.written - len(audio)
            audio = np.pad(audio, ((0, missing), (0, 0))) if missing > 0 else audio[: end - self.written]
        if not self.floats:
            self.clipped += np.count_nonzero(np.abs(audio) > 1)
            audio = np.clip(audio, -1, 1)
        self.file.write(audio)
        self.written += len(audio)


def _write(files, sources, end):
    for stem, writer in files.items():
        if stem == ACCOMPANIMENT:
            writer.write(sum(audio for source, audio in sources.items() if source != "vocals"), end)
        else:
            writer.write(sources[stem], end)


def _blocks(file, size):
    """(block, whether it is the last); the header of an mp3 may promise more or fewer samples than there are."""
    block = file.read(size, dtype="float32", always_2d=True)
    while len(block):
        following = file.read(size, dtype="float32", always_2d=True)
        yield block, not len(following)
        block = following


def _opened(path):
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; check the path")
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError, TypeError) as error:  # TypeError: .raw, which has no header
        raise InputError(f"{path}: cannot be read; give a wav, flac, ogg or mp3 file") from error
    if not file.frames:
        raise InputError(f"{path}: holds no samples; record it again")
    return file
