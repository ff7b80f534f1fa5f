"""`zoo separate`: split a song into its sources."""

import argparse
import os
from pathlib import Path

from zoo.base import files
from zoo.cli import models
from zoo.errors import InputError

DEFAULT_CHECKPOINT = "chandna-4stem-44k"

_DESCRIPTION = """Split a song into its sources, one file each in OUTDIR: vocals, drums, bass, other.
Sample rate, channels and number of samples stay; a song at another rate than the
checkpoint's is resampled to it and back, and loses frequencies above half of it. The
sources of a song at the checkpoint's rate sum to the song. It is read and written
block by block, so a song of any length fits. Samples beyond full scale are clipped and
counted; wav (float) keeps them."""
_EXAMPLES = """examples:
  zoo separate song.mp3 stems/
  zoo separate song.flac stems/ --stems vocals,accompaniment --format flac
"""


def add(commands):
    """Add the command to the subparsers of `zoo`."""
    command = commands.add_parser(
        "separate",
        help="split a song into vocals, drums, bass and other",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("song", metavar="SONG", help="recording: wav, flac, ogg, mp3 ...")
    command.add_argument("folder", metavar="OUTDIR", help="folder of the stems; made where missing")
    command.add_argument(
        "--stems", help="some of the sources, and accompaniment (all but the vocals), by commas (default: all sources)"
    )
    command.add_argument("--format", default="wav", help="wav, flac, ogg or mp3 (default wav)")
    command.add_argument(
        "--checkpoint",
        default=DEFAULT_CHECKPOINT,
        help="name, hf://org/name, or directory with a slash (default %(default)s)",
    )
    models.add_argument(command)
    command.add_argument("--overwrite", action="store_true", help="replace stems in OUTDIR; never the song")
    command.set_defaults(run=_separate)


def _separate(arguments):
    # Late, so that the parser of a command line loads no audio library.
    from zoo.audio import io
    from zoo.separation.files import separate_file

    song, folder = Path(arguments.song), Path(arguments.folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; give a folder for the stems")
    files.check_folder(folder)
    checkpoint = models.Checkpoint(arguments.checkpoint, arguments.runtime, "separate")
    if song.is_file() or not song.exists():  # a pipe can be read only once, by the stream
        with io.open_audio(song):
            pass
    model = checkpoint.model
    stems = arguments.stems.split(",") if arguments.stems else model.sources
    targets = {stem.strip(): folder / f"{stem.strip()}.{arguments.format}" for stem in stems}
    for target in targets.values():
        if target.exists() and song.exists() and os.path.samefile(target, song):
            raise InputError(f"{target}: is the song, which is never overwritten; give another folder")
        if os.path.lexists(target) and not arguments.overwrite:
            raise InputError(f"{target}: exists; replace it by --overwrite, or give another folder")
    created = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _Bar() as bar:
            clipped = separate_file(model, song, targets, bar, arguments.overwrite)
    finally:
        if created and not any(folder.iterdir()):
            folder.rmdir()
    for stem, target in targets.items():
        print(f"{target}" + (f": {clipped[stem]} samples beyond full scale were clipped" if clipped[stem] else ""))
    return 0


class _Bar:
    """A bar on a terminal: seconds of music done, rate and time left."""

    def __enter__(self):
        self.bar = None
        return self

    def __exit__(self, *_):
        if self.bar is not None:
            self.bar.close()

    def __call__(self, done, total):
        from tqdm import tqdm

        if self.bar is None:
            self.bar = tqdm(total=round(total), unit="s", disable=None)
        self.bar.update(round(done) - self.bar.n)
