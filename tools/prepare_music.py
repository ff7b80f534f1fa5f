"""Prepare the music that the separators are trained on: real songs, MIDI songs rendered to stems, drums, bass, voices.

    python tools/prepare_music.py --data ../shared/data --output runs/music

After an interruption the same command continues. It needs the programs fluidsynth and ffmpeg, and a General MIDI
SoundFont (Debian: fluidsynth, ffmpeg, fluid-soundfont-gm).
"""

import argparse
import os
import sys

from zoo.errors import InputError
from zoo.separation import midi
from zoo.separation.render import Recipe, prepare
from zoo.separation.tracks import SOURCES


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=os.environ.get("ZOO_DATA", "../shared/data"), help="recordings (ZOO_DATA)")
    parser.add_argument("--output", default="runs/music", help="folder of the tracks (default: runs/music)")
    parser.add_argument("--soundfont", default=midi.SOUNDFONT, help=f"of General MIDI (default: {midi.SOUNDFONT})")
    parser.add_argument("--seconds", type=float, default=80.0, help="longest rendered song (default: 80)")
    parser.add_argument("--few", type=int, help="at most so many tracks of each kind and split")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: one a core)")
    return parser.parse_args()


def main():
    options = arguments()
    recipe = Recipe(options.data, options.soundfont, options.seconds, options.seed)
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
