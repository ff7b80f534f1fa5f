"""`zoo enhance`: take noise out of recordings, file by file, and score them before and after."""

import argparse
import glob
import itertools
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.audio import walk
from zoo.base import files
from zoo.cli import enhance_stream, gains, models
from zoo.cli.enhance_stream import DEFAULT_CHECKPOINT
from zoo.errors import InputError, describe

_CLIPPED = 1e-3  # share of flat samples at full scale above which a recording is called clipped
_DESCRIPTION = """Take noise out of recordings of speech. Sample rate, channels, number of samples,
container and sub-type stay (ADPCM becomes float); each channel is enhanced by
itself. OUT's suffix decides the container where it differs from IN's. What lies
beyond full scale is clipped, with a warning that counts; float files keep it.
Tags are not copied; a recording is held in memory whole. A batch goes on past
a bad file and then exits with 2."""
_EXAMPLES = """examples:
  zoo enhance noisy.wav enhanced.wav
  zoo enhance interview.mp3 interview.flac --resample
  zoo enhance recordings/ enhanced/
  zoo enhance 'recordings/**/take-?.wav' enhanced/ --checkpoint blstm-mse-16k
  zoo enhance noisy/ enhanced/ --reference clean/ --report scores.csv
  ffmpeg -i noisy.mp3 -ac 1 -ar 16000 -f wav - | zoo enhance --stream > out.wav
  zoo enhance --stream --device
"""


def add(commands):
    """Add the command to the subparsers of `zoo`."""
    command = commands.add_parser(
        "enhance",
        usage="zoo enhance [OPTIONS] IN OUT\n       zoo enhance --stream [OPTIONS] [IN [OUT]]",
        help="take noise out of recordings",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    noisy = command.add_argument(
        "noisy", metavar="IN", help="recording, folder (with those in it), or glob in quotes; wav, flac, ogg, mp3 ..."
    )
    enhanced = command.add_argument(
        "enhanced",
        metavar="OUT",
        help="file for one recording; else a folder, made where missing, which keeps the names below IN (of a glob: "
        "below the folder before its first wildcard)",
    )
    noisy.required = enhanced.required = False  # for argparse; a stream needs none, and `refuse` sees to files
    command.add_argument(
        "--checkpoint",
        help=f"name, or directory with a slash (default {DEFAULT_CHECKPOINT})",
    )
    models.add_argument(command)
    command.add_argument(
        "--resample",
        action="store_true",
        help="take other rates than the checkpoint's, and bring the result back; what lies above half "
        "the checkpoint's rate (8 kHz of 16) is lost",
    )
    command.add_argument("--overwrite", action="store_true", help="replace files at OUT; never the input")
    command.add_argument("--reference", help="clean recording, or folder with files of the same names")
    command.add_argument(
        "--report",
        nargs="?",
        const="-",
        metavar="CSV",
        help=f"print {', '.join(gains.METRICS)} against the reference, before and after (channels averaged); "
        "written as --report=CSV, to a file too",
    )
    enhance_stream.add_arguments(command)
    command.set_defaults(run=_enhance)


@dataclass(frozen=True)
class _Job:
    """A recording to enhance: the name to show, where it is, where it goes, its reference or None."""

    name: str
    noisy: Path
    enhanced: Path
    reference: Path | None


def _enhance(arguments):
    if arguments.stream:
        return enhance_stream.run(arguments)
    enhance_stream.refuse(arguments)
    jobs = _jobs(arguments)
    _check(jobs, arguments)
    checkpoint = models.Checkpoint(arguments.checkpoint or DEFAULT_CHECKPOINT, arguments.runtime, "enhance")
    reports, failed = _run(jobs, checkpoint, arguments)
    if arguments.report:
        gains.write(reports, arguments.report)
    if failed:
        print(f"zoo: {failed} of {len(jobs)} recordings were not enhanced; the lines above say why", file=sys.stderr)
    return 2 if failed or any(report.noisy.error or report.enhanced.error for report in reports) else 0


def _run(jobs, checkpoint, arguments):
    """Enhance every recording, and score it if that is asked for: the reports, and how many recordings failed."""
    from tqdm import tqdm

    meters = gains.meters() if arguments.report else {}
    bar = tqdm(jobs, unit="file", disable=None if len(jobs) > 1 else True)  # None shows the bar on a terminal only
    reports, failed = [], 0
    for job in bar:
        error = ""
        try:
            for warning in _enhance_file(job, checkpoint, arguments):
                bar.write(f"zoo: {warning}", file=sys.stderr)
        except models.UnusableModel:
            raise
        except Exception as caught:  # of whatever library: the other recordings go on
            message = str(caught) if isinstance(caught, (InputError, OSError)) else f"{job.noisy}: {describe(caught)}"
            if len(jobs) == 1:
                raise InputError(message) from caught
            bar.write(f"zoo: {message}", file=sys.stderr)
            error, failed = "was not enhanced", failed + 1
        if arguments.report:
            report = gains.measure_gain(
                job.name, job.reference, (job.noisy, job.enhanced), meters, arguments.resample, error
            )
            reports.append(report)
    return reports, failed


def _jobs(arguments):
    """One or more jobs; OUT is a file for one recording, a folder that keeps relative names for more."""
    source, target = arguments.noisy, Path(arguments.enhanced)
    reference = Path(arguments.reference) if arguments.reference else None
    root, names = _find(source)
    if root is None:
        if target.is_dir() or arguments.enhanced.endswith("/"):
            target = target / names[0].name
        if reference and reference.is_dir():
            reference = reference / names[0].name
        return [_Job(source, names[0], target, reference)]
    if target.is_file() or (not target.exists() and walk.is_audio(target)):
        raise InputError(f"{target} names a file, {source} more than one recording; give a folder")
    if reference and not reference.is_dir():
        raise InputError(f"{reference} is no folder, {source} more than one recording; give the references' folder")
    if root.resolve() in target.resolve().parents:  # results of an earlier run are no input
        names = [name for name in names if target.resolve() not in (root / name).resolve().parents]
    if not names:
        raise InputError(f"{source} holds no {walk.WANTED}; check the path")
    return [_Job(str(name), root / name, target / name, reference and reference / name) for name in names]


def _find(source):
    """(folder, names in it) that IN means, sorted; the folder is None for one recording."""
    path = Path(source)
    if path.is_dir():
        return path, sorted(map(Path, walk.recordings(path)))
    if path.exists() or not glob.has_magic(source):
        return None, [path]
    root = Path(*itertools.takewhile(lambda part: not glob.has_magic(part), path.parts))
    matches = map(Path, glob.iglob(source, recursive=True))
    names = sorted(file.relative_to(root) for file in matches if file.is_file())
    return root, walk.without_loops(root, names)


def _check(jobs, arguments):
    """Refuse arguments that cannot work, or outputs that would overwrite an input or a reference, before any work."""
    if bool(arguments.reference) != bool(arguments.report):
        raise InputError("--report needs --reference, and --reference needs --report; give both or neither")
    outputs = [job.enhanced for job in jobs]
    if arguments.report not in (None, "-"):
        files.check_output(arguments.report)
        outputs.append(Path(arguments.report))
    # By identity: symbolic and hard links are other names of one file.
    inputs = {_identity(path) for job in jobs for path in (job.noisy, job.reference) if path and path.exists()}
    for output in outputs:
        if output.exists() and _identity(output) in inputs:
            raise InputError(f"{output}: is an input or a reference, which is never overwritten; give another OUT")
    if len(jobs) > 1:
        files.check_folder(arguments.enhanced)
    else:  # a batch goes on past these errors
        (job,) = jobs
        _check_paths(job, arguments.overwrite)
        if job.enhanced == Path(arguments.enhanced):  # and not in a folder, which is made
            files.check_output(job.enhanced)


def _check_paths(job, overwrite):
    if not walk.is_file(job.noisy):
        raise InputError(f"{job.noisy}: no such file; check the path")
    if os.path.lexists(job.enhanced) and not overwrite:
        raise InputError(f"{job.enhanced}: exists; replace it by --overwrite, or give another OUT")
    _container(job, None)  # refuses an unknown suffix


def _identity(path):
    status = path.stat()
    return status.st_dev, status.st_ino


def _container(job, container):
    """The container of the result: that of the recording, or of the suffix where it differs."""
    from zoo.audio import io

    suffix = job.noisy.suffix.lower()
    same = suffix == job.enhanced.suffix.lower() and suffix not in walk.BY_FFMPEG  # which are read, not written
    return container if same else io.container_of(job.enhanced)


def _enhance_file(job, checkpoint, arguments):
    """Enhance one recording; returns warnings."""
    # Late, so that the parser of a command line loads no audio library.
    from zoo.audio import io

    _check_paths(job, arguments.overwrite)
    recording = io.read_channels(job.noisy)
    rate = recording.sample_rate
    needed = checkpoint.sample_rate
    if rate != needed and not arguments.resample:
        raise InputError(f"{job.noisy}: is at {rate} Hz, {needed} Hz is needed; resample it (--resample)")
    form = _container(job, recording.container), recording.subtype
    io.check_writable(job.enhanced, rate, recording.audio.shape[1], *form, parents=True)
    warnings = []
    flat = _count_flat(recording.audio)
    if flat > _CLIPPED * recording.audio.size:
        warnings.append(f"{job.noisy}: {flat} samples are clipped, which is not repaired; record it at a lower level")
    model = checkpoint.model  # late: what is wrong with a recording is said without a network
    try:
        audio = model.enhance(recording.audio[None], rate, resample=arguments.resample)[0]
    except InputError as error:
        raise InputError(f"{job.noisy}: {error}") from error
    job.enhanced.parent.mkdir(parents=True, exist_ok=True)
    clipped = io.write(job.enhanced, audio, rate, *form, clip=True, overwrite=arguments.overwrite)
    if clipped:
        warnings.append(f"{job.enhanced}: {clipped} samples beyond full scale were clipped; lower the input's level")
    return warnings


def _count_flat(audio):
    """Samples near full scale that equal the one before: the flat tops of clipping, at any number of bits."""
    return np.count_nonzero((np.abs(audio[1:]) > 0.99) & (audio[1:] == audio[:-1]))
