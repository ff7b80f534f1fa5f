"""Scores and seconds of syntheses after 50 to 2000 iterations, as a table and a figure.

python tools/texture_iterations.py --data data/ --few 1 --counts 50 100 200 500 1000 2000

On two cores an iteration of 7 s of sound takes about a second, so this takes half an hour and more a texture.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from zoo.base import tables
from zoo.base.files import atomic_write
from zoo.checkpoint import preset
from zoo.errors import InputError
from zoo.texture import evaluate, figures
from zoo.texture.convergence import COUNTS, scores_by_iteration


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=os.environ.get("ZOO_DATA", "data"), help="folder with textures/")
    parser.add_argument("--few", type=int, default=1, help="textures of each group (default: 1)")
    parser.add_argument("--seconds", type=float, default=7.0, help="of each texture (default: 7)")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="iterations (default: 50 to 2000)")
    parser.add_argument("--phase-iterations", type=int, default=500, help="of Griffin-Lim (default: 500)")
    parser.add_argument("--classifier", default="texture-classifier-16k", help="of the class score")
    parser.add_argument("--output", default="runs/texture-iterations", help="NAME.json and NAME.png are written")
    return parser.parse_args()


def means(by_texture):
    """Rows of means over textures, one for each count of iterations: {name: value}."""
    return [{name: float(np.mean([row[name] for row in rows])) for name in rows[0]} for rows in zip(*by_texture)]


def main():
    options = arguments()
    if sorted(set(options.counts)) != list(options.counts):
        raise InputError(f"counts {options.counts}: give rising numbers")
    judge = evaluate.Judge(preset.load(options.classifier))
    textures, _ = evaluate.read_textures(Path(options.data) / "textures", options.seconds, options.few)
    by_texture, command = {}, " ".join(["python", *sys.argv])
    Path(options.output).parent.mkdir(parents=True, exist_ok=True)
    for name, target in textures.items():
        by_texture[name] = scores_by_iteration(target, judge, options.counts, options.phase_iterations)
        print(f"{name}: {by_texture[name][-1]['seconds']:.0f} s", flush=True)
        with atomic_write(Path(f"{options.output}.json")) as part:
            part.write_text(json.dumps({"command": command, "textures": by_texture}, indent=1))
    rows = means(by_texture.values())
    print(tables.table(list(rows[0]), [[f"{value:.4g}" for value in row.values()] for row in rows]))
    figures.by_iteration(rows, f"{options.output}.png")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"texture_iterations: {error}")
