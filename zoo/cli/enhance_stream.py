"""`zoo enhance --stream`: take noise out of sound that is still coming in, from a pipe, a file or a microphone."""

import contextlib
import io
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from zoo.audio import walk
from zoo.base import files
from zoo.base.signals import SignalsAfterABlock, Stopped
from zoo.cli import microphone, models
from zoo.errors import InputError

DEFAULT_CHECKPOINT = "qrnn-quality-net-16k"
_LONGEST_BLOCK = 10_000  # ms
_DESCRIPTION = """Sound that is still coming in, by a causal checkpoint, in bounded memory: from IN to
OUT, both - (stdin, stdout) where they are left out. WAV, or samples without a
header, and OUT is as IN. Ctrl-C ends it, and what came in is written."""
_ALONE = ("raw", "rate", "channels", "block", "device")  # options that mean something to streams alone


def add_arguments(command) -> None:
    """Add the options of streams to `zoo enhance`."""
    group = command.add_argument_group("streams", _DESCRIPTION)
    group.add_argument("--stream", action="store_true", help="enhance block by block, each as soon as it is final")
    group.add_argument("--raw", choices=("s16le", "f32le"), help="IN has no header: 16 bits, or float32")
    group.add_argument("--rate", type=int, metavar="HZ", help="sample rate of --raw (default: the checkpoint's)")
    group.add_argument("--channels", type=int, help="of --raw or the microphone (default 1)")
    group.add_argument(
        "--block",
        type=float,
        metavar="MS",
        help="milliseconds that are read, enhanced and written at a time (default: 16, one hop of the checkpoint); "
        "larger blocks cost less computing",
    )
    group.add_argument(
        "--device",
        nargs="*",
        metavar="DEVICE",
        help="play the enhanced microphone, instead of IN and OUT, until Ctrl-C; numbers or names of the microphone and "
        "the speakers (default: the system's), or `list`",
    )


def refuse(arguments) -> None:
    """Refuse what only streams take, in an enhancement of files."""
    for name in _ALONE:
        if getattr(arguments, name) is not None:
            raise InputError(f"--{name} is of streams; add --stream")
    missing = [name for name, value in (("IN", arguments.noisy), ("OUT", arguments.enhanced)) if value is None]
    if missing:
        raise InputError(f"the following arguments are required: {', '.join(missing)}; see zoo enhance --help")


def run(arguments) -> int:
    """Enhance a stream; returns the exit status."""
    _check(arguments)
    if arguments.device == ["list"]:
        return microphone.show_devices()
    checkpoint = models.Checkpoint(arguments.checkpoint or DEFAULT_CHECKPOINT, arguments.runtime, "enhance")
    model = checkpoint.model
    if not hasattr(model, "stream_batch"):
        raise InputError(
            f"{checkpoint.name} needs the whole recording before it gives the first sample; give a causal checkpoint, "
            f"such as {DEFAULT_CHECKPOINT}, or leave --stream out"
        )
    if arguments.device is not None:
        stream = _stream(model, arguments.channels or 1)
        samples = _samples(arguments, model, model.sample_rate)
        return microphone.play(stream, samples, model.hop_length, arguments.device)
    with _input(arguments.noisy or "-") as source:
        return _enhance(model, source, arguments)


def _check(arguments):
    """Refuse options that cannot be, before anything is loaded."""
    for name in ("reference", "report"):
        if getattr(arguments, name) is not None:
            raise InputError(f"--{name} is of files, which can be scored; leave --stream or --{name} out")
    for name, most in (("rate", 10**6), ("channels", 256), ("block", _LONGEST_BLOCK)):
        value = getattr(arguments, name)
        if value is not None and not 0 < value <= most:
            raise InputError(f"--{name} is {value:g}; give a number above 0, up to {most}")
    if arguments.device is not None:
        if len(arguments.device) > 2:
            raise InputError("--device takes two at most, a microphone and speakers; put IN and OUT before it")
        for name in ("noisy", "enhanced", "raw", "rate"):
            if getattr(arguments, name) is not None:
                raise InputError("--device takes its sound from a microphone; leave IN, OUT, --raw and --rate out")
        return
    if arguments.raw is None:
        for name in ("rate", "channels"):
            if getattr(arguments, name) is not None:
                raise InputError(f"--{name} describes --raw, the header says it of a WAV; add --raw, or leave it out")
    _check_terminals(arguments)


def _stream(model, channels, sample_rate=None):
    """A stream that is ready: what the first block would wait for is loaded and compiled."""
    from zoo.enhancement.stream import Stream

    stream = Stream(model, channels)
    stream.push(np.zeros((model.hop_length, channels), "float32"))
    stream.reset()
    if sample_rate in (None, model.sample_rate):
        return stream
    from zoo.enhancement.resampled import ResampledStream

    return ResampledStream(stream, sample_rate)


def _samples(arguments, model, sample_rate):
    """Samples of a block."""
    seconds = model.hop_length / model.sample_rate if arguments.block is None else arguments.block / 1000
    return max(round(seconds * sample_rate), 1)


def _enhance(model, source, arguments):
    """Enhance what comes from an open file; returns the exit status."""
    from zoo.audio import pipes

    name, raw = arguments.noisy if arguments.noisy not in (None, "-") else "stdin", None
    if arguments.raw:
        raw = pipes.Form(arguments.rate or model.sample_rate, arguments.channels or 1, pipes.RAW[arguments.raw])
    reader = pipes.Reader(source, name, raw)
    form, needed = reader.form, model.sample_rate
    if form.sample_rate != needed and not arguments.resample:
        raise InputError(
            f"{name}: is at {form.sample_rate} Hz, {needed} Hz is needed; let its source resample it, as by "
            f"ffmpeg -i IN -ar {needed} -f wav -, or resample it here, which adds to the latency (--resample)"
        )
    stream, samples = _stream(model, form.channels, form.sample_rate), _samples(arguments, model, form.sample_rate)
    with _output(arguments, source) as target:
        writer = pipes.Writer(target, form.as_wav() if _is_wav(arguments.enhanced) else form)
        # Samples that a hop and a block begin with at once are the last to come out; a resampler keeps no such order.
        wait = samples - math.gcd(samples, model.hop_length) if form.sample_rate == needed else samples
        _say(form, (stream.latency + wait) / form.sample_rate)
        try:
            _pump(reader, stream, writer, samples)
        finally:
            if writer.clipped:
                _warn(f"{writer.clipped} samples beyond full scale were clipped; lower the input's level")
    for line in reader.warnings():
        _warn(line)
    return 0


def _say(form, latency):
    channels = f"{form.channels} channel{'s' if form.channels > 1 else ''}"
    _warn(f"{form.sample_rate} Hz, {channels}, latency {math.ceil(1000 * latency)} ms")


def _warn(line):
    print(f"zoo: {line}", file=sys.stderr, flush=True)


def _pump(reader, stream, writer, samples):
    """Write each block as soon as it is final, until the recording ends or a signal ends it, and what follows then."""
    with SignalsAfterABlock() as signals:
        try:
            for block in _blocks(reader, samples, signals):
                _write(writer, stream.push(block), signals)
            _write(writer, stream.finish().reshape(-1, stream.channels), signals)
        except Stopped:  # nobody takes what would be written
            pass
        finally:
            writer.close()


def _blocks(reader, samples, signals):
    """Blocks of a recording; the last, before its end or where a signal came, may be shorter."""
    while signals.number is None:
        try:
            with signals.waiting():
                if signals.number is None:  # again: one that came just before would not end the wait
                    reader.fill(samples)
        except Stopped:
            pass
        block = reader.take()
        if not len(block):
            return
        yield block


def _write(writer, audio, signals):
    if len(audio):
        # A file takes its block at once: to leave in the middle would lose what its header then counts.
        with signals.waiting() if writer.may_wait else contextlib.nullcontext():
            writer.write(audio)


@contextlib.contextmanager
def _input(path: str) -> Iterator[BinaryIO]:
    """The open file that a recording comes from."""
    if path == "-":
        yield _standard(sys.stdin, "rb")
        return
    try:
        file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed below
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    with file:
        yield file


@contextlib.contextmanager
def _output(arguments, source: BinaryIO) -> Iterator[BinaryIO]:
    """The open file that a recording goes to; what is there is replaced if that is wanted, and never the source."""
    path = arguments.enhanced or "-"
    if path == "-":
        yield _standard(sys.stdout, "wb")
        return
    if walk.is_audio(path) and not _is_wav(path):
        raise InputError(
            f"{path}: a stream is written as WAV, or as samples alone; name it .wav, or give it to an encoder: "
            f"zoo enhance --stream IN | ffmpeg -i - {path}"
        )
    if not os.path.exists(path) or os.path.isfile(path):
        files.check_output(path)
    if os.path.isfile(path):
        if os.path.samestat(os.stat(path), os.fstat(source.fileno())):
            raise InputError(f"{path}: is the input, which is never overwritten; give another OUT")
        if not arguments.overwrite:
            raise InputError(f"{path}: exists; replace it by --overwrite, or give another OUT")
    with open(path, "wb", buffering=0) as file:
        yield file


def _is_wav(path):
    return Path(path or "").suffix.lower() == ".wav"


def _standard(stream, mode):
    """stdin or stdout as a binary file without a buffer, which waits where a process before it did not want to."""
    number = stream.fileno()
    with contextlib.suppress(OSError):
        os.set_blocking(number, True)
    return io.FileIO(number, mode, closefd=False)


def _check_terminals(arguments):
    """Refuse a terminal as the source or the place of sound."""
    for name, path, stream, fix in (
        ("stdin", arguments.noisy, sys.stdin, "pipe sound into it, or give IN"),
        ("stdout", arguments.enhanced, sys.stdout, "send it on by | or >, or give OUT"),
    ):
        if path in (None, "-"):
            if stream is None:
                raise InputError(f"{name} is closed; {fix}")
            if stream.isatty():
                raise InputError(f"{name} is a terminal, which takes no sound; {fix}")
