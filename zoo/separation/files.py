"""Separation from file to files, block by block: a song of any length in bounded memory."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import soundfile
import soxr

from zoo.audio import io
from zoo.errors import InputError
from zoo.files import atomic_write
from zoo.separation.stream import BLOCK_SECONDS, Stream

ACCOMPANIMENT = "accompaniment"  # all sources but the vocals
_LARGEST_WAV = 2**32 - 2**16  # bytes: its header counts in 32 bits


def separate_file(model, song, targets, progress=None):
    """Separate a recording into files, each whole or not there.

    Any sample rate and number of channels; each channel is separated by itself at the model's rate, and the result is
    brought back, without what lies above half of that rate. The files have the song's rate, channels and number of
    samples. Of an mp3 without the header that counts its frames, libsndfile may see less than there is.

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
        source = stack.enter_context(io.open_audio(song))
        rate, total = source.samplerate, source.frames
        if not total:
            raise InputError(f"{song}: holds no samples; record it again")
        files = {stem: _Writer(stack, Path(path), rate, source.channels, total) for stem, path in targets.items()}
        separator = _AnyRate(model, source.channels, rate)
        done = 0
        for block, last in _blocks(source, int(BLOCK_SECONDS * rate)):
            if not np.isfinite(block).all():
                raise InputError(f"{song}: holds NaN or infinity; repair it")
            done += len(block)
            _write(files, separator.push(block, last), end=done if last else None)
            if progress is not None:
                progress(done / rate, total / rate)
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
        self.path, container = path, io.container_of(path)
        if path.is_dir():
            raise InputError(f"{path}: is a folder; give the name of a file")
        if container == "WAV" and total * channels * 4 > _LARGEST_WAV:
            raise InputError(f"{path}: would exceed the 4 GB that wav can hold; write flac")
        temporary = stack.enter_context(atomic_write(path))
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
            self.clipped += np.count_nonzero(np.abs(audio) > io.LOUDEST)
            audio = np.clip(audio, -1, 1)
        try:
            self.file.write(audio)
        except soundfile.LibsndfileError as error:
            raise InputError(f"{self.path}: cannot be written: {error.error_string}") from error
        self.written += len(audio)


def _write(files, sources, end):
    for stem, writer in files.items():
        if stem == ACCOMPANIMENT:
            writer.write(sum(audio for source, audio in sources.items() if source != "vocals"), end)
        else:
            writer.write(sources[stem], end)


def _blocks(file, size):
    """(block, whether it is the last); an mp3's header may promise more samples than there are."""
    block = io.read_block(file, size)
    while len(block):
        following = io.read_block(file, size)
        yield block, not len(following)
        block = following
