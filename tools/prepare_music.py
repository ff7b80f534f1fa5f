"""Prepare the music that the separators are trained on: real songs, MIDI songs rendered to stems, drums, bass, voices.

    python tools/prepare_music.py --data ../shared/data --output runs/music

After an interruption the same command continues. It needs the programs fluidsynth and ffmpeg, SoundFonts (Debian:
fluid-soundfont-gm, musescore-general-soundfont-lossless, timgm6mb-soundfont, avldrums.lv2-soundfont), and the extra music.
"""

import argparse
import os
import sys
from pathlib import Path

from zoo.errors import InputError
from zoo.separation import fluidsynth
from zoo.separation.render import Recipe, prepare
from zoo.separation.tracks import SOURCES


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=os.environ.get("ZOO_DATA", "../shared/data"), help="recordings (ZOO_DATA)")
    parser.add_argument("--output", default="runs/music", help="folder of the tracks (default: runs/music)")
    for name, default, what in (
        ("--soundfonts", fluidsynth.SOUNDFONTS, "of General MIDI, for training and validation"),
        ("--test-soundfonts", fluidsynth.TEST_SOUNDFONTS, "of General MIDI, for test songs"),
        ("--kits", fluidsynth.KITS, "of a drum kit each, for training and validation"),
        ("--test-kits", fluidsynth.TEST_KITS, "of a drum kit each, for test songs"),
    ):
        names = ", ".join(Path(path).name for path in default)
        parser.add_argument(name, nargs="+", default=default, metavar="SF2", help=f"{what} (default: {names})")
    parser.add_argument("--takes", type=int, default=2, help="renders of each song for training (default: 2)")
    parser.add_argument("--seconds", type=float, default=80.0, help="longest rendered song (default: 80)")
    parser.add_argument("--few", type=int, help="at most so many tracks of each kind and split")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: one a core)")
    return parser.parse_args()


def main():
    options = arguments()
    sounds = [tuple(getattr(options, name)) for name in ("soundfonts", "test_soundfonts", "kits", "test_kits")]
    recipe = Recipe(options.data, *sounds, options.takes, options.seconds, options.seed)
    rows = prepare(recipe, options.output, options.few, options.jobs)
    for split, kind in sorted({(row["split"], row["kind"]) for row in rows}):
        tracks = [row for row in rows if (row["split"], row["kind"]) == (split, kind)]
        hours = (
            f"{source} {sum(row.get(f'{source}_seconds', 0) for row in tracks) / 3600:.2f} h" for source in SOURCES
        )
        print(f"{split:10} {kind:6} {len(tracks):3} tracks, sounding: {', '.join(hours)}")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"prepare_music: {error}")
