"""What each loss buys on one network and data: fine-tunes a checkpoint briefly with each, and scores all alike.

    python tools/ablate_losses.py tools/configs/qrnn-quality-net-16k.toml --steps 50 --epochs 8
    python tools/ablate_losses.py tools/configs/qrnn-quality-net-16k.toml --steps 50 --epochs 8 --parts "signal" "+ pmsqe"

The config names the network, the checkpoint that all start from, and its mixtures; its learned loss is one of the rows.
A part is the signal losses of the config (its losses that need no checkpoint) with one loss more, whose weight makes its
gradient, at the start, as large as theirs; "SI-SDR alone" and "start", which is not trained, stand beside them. Parts are
kept when they are done, so that the same command goes on after an interruption; --table prints those that are done.
"""

import argparse
import dataclasses
import json
import os
import re
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from keras import ops

from zoo.base.files import atomic_write
from zoo.base.tables import markdown_table
from zoo.checkpoint import preset, provenance
from zoo.checkpoint.markdown import interval
from zoo.data.speech import SAMPLE_RATE
from zoo.enhancement import evaluate, examples, sources, train
from zoo.enhancement.measures import FREE, LISTENER, METRICS, measured
from zoo.errors import InputError
from zoo.losses.weighted import LOSSES, build
from zoo.texture.optimize import value_and_gradient
from zoo.training.config import read_config

# Losses of the rows, beside the config's learned one; jnd-fin-22k compares deep features of the waveform.
ADDED = ("waveform-l1", "multi-resolution-stft", "pmsqe", "jnd-fin-22k", LISTENER, "jnd-quality-22k", FREE)


def parse(command=None):
    first, _, text = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        description=first, epilog=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="TOML file of an enhancer with a start and a learned loss")
    parser.add_argument("--parts", nargs="+", metavar="PART", help='such as signal, "+ pmsqe" (default: all)')
    parser.add_argument("--steps", type=int, required=True, help="batches in an epoch, and between two refreshes")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--size", type=int, default=60, help="mixtures of the test at most (default: 60)")
    parser.add_argument("--data", default=os.environ.get("ZOO_DATA", "../shared/data"), help="recordings (ZOO_DATA)")
    parser.add_argument("--runs", default="runs", help="training states and parts (default: runs)")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: one a core)")
    parser.add_argument("--table", action="store_true", help="print what is done, and train nothing")
    return parser.parse_args(command)


def variants(recipe):
    """{part: (names of its losses, whether the learned one is refreshed)}; None for the start."""
    signal = tuple(name for name in recipe.loss if name in LOSSES)
    learned = [name for name in recipe.loss if name not in LOSSES]
    if recipe.start is None or not signal or len(learned) != 1:
        raise InputError(f"{recipe.name} needs a start, signal losses and one learned loss in its config")
    parts = {"start": None, "SI-SDR alone": (("negative-si-sdr",), False), "signal": (signal, False)}
    parts |= {f"+ {name}": ((*signal, name), False) for name in (*ADDED, *learned)}
    return parts | {f"+ {learned[0]}, refreshed": ((*signal, *learned), True)}


def balanced(recipe, names, noisy, reference):
    """{loss: weight}: those of the recipe; one that it lacks, or learned, gets a gradient as large as the signal's.

    The gradients are those in the enhanced waveforms of a batch, by their norms.
    """
    enhanced = recipe.model().enhance(noisy, SAMPLE_RATE)
    signal = {name: weight for name, weight in recipe.loss.items() if name in LOSSES}

    def norm(terms):
        loss = build(terms, sample_rate=SAMPLE_RATE)
        _, slopes = value_and_gradient(lambda x: (loss(reference, x), x))(enhanced)
        return float(np.linalg.norm(ops.convert_to_numpy(slopes)))

    return {name: signal[name] if name in signal else norm(signal) / norm({name: 1.0}) for name in names}


def measure(recipe, part, options):
    """A part's weights, minutes, and results on the mixtures: {metric: [mean, low, high], "n", "n_failed"}."""
    mixtures = examples.evenly(sources.test_on_data(options.data), options.size)
    source, held = sources.train_on_data(
        options.data, recipe.snr_db, recipe.n_validation, recipe.variety, recipe.clean_share
    )
    weights, minutes, model = {}, 0.0, recipe.model()
    if part is not None:
        names, refreshes = part
        batch = examples.Batches(source, int(recipe.seconds * SAMPLE_RATE), 32, 1, recipe.seed)[0]
        weights = balanced(recipe, names, *batch)
        changes = {"loss": weights, "refresh": recipe.refresh if refreshes else None}
        # The weights after the last epoch: chosen by PESQ, every loss would be shown at its best by that.
        changes |= {"monitor": "epochs"}
        model, _, minutes = train.train(
            dataclasses.replace(recipe, **changes), source, held, options.runs, options.jobs, verbose=2
        )
    rows = evaluate.score(model, mixtures, preset.load(LISTENER), preset.load(FREE), options.jobs)
    return weights, minutes, evaluate.results(rows)[evaluate.AVERAGE]


def table(done):
    """The parts that are done as a table in Markdown."""
    metrics = measured(facts["results"] for facts in done.values())
    header = ["Loss", *(METRICS[metric][0] for metric in metrics), "n"]
    lines = []
    for part, facts in done.items():
        cells = [interval(facts["results"][metric], METRICS[metric][1]) for metric in metrics]
        lines.append([part, *cells, facts["results"]["n"]])
    return markdown_table(header, lines)


def _path(folder, part):
    plain = re.sub(r"[^\w.+-]+", "-", part)
    return folder / f"{plain}.json"


def _plain(recipe):
    """A recipe as JSON gives it back."""
    return json.loads(json.dumps(dataclasses.asdict(recipe)))


def _check(path, recipe):
    """Refuse a part of another recipe of that name, so that no table mixes them."""
    if json.loads(path.read_text())["recipe"] != _plain(recipe):
        raise InputError(f"{path} is of another recipe: delete its folder, or give another --runs")


def main(command=None):
    options = parse(command)
    recipe = read_config(options.config).recipe(train.Recipe, {"steps": options.steps, "epochs": options.epochs})
    parts = variants(recipe)
    unknown = set(options.parts or ()) - set(parts)
    if unknown:
        raise InputError(f"no part is called {min(unknown)!r}: use {', '.join(parts)}")
    prefix = f"{recipe.name}-losses-{options.steps}x{options.epochs}-{options.size}"
    folder = Path(options.runs) / prefix
    for path in sorted(folder.glob("*.json")):
        _check(path, recipe)
    for part in () if options.table else (options.parts or parts):
        path = _path(folder, part)
        if path.exists():
            continue
        print(f"{part}:", flush=True)
        renamed = dataclasses.replace(recipe, name=f"{prefix}/{path.stem}")
        weights, minutes, results = measure(renamed, parts[part], options)
        facts = {"weights": weights, "minutes": round(minutes, 1), "commit": provenance.commit(), "results": results}
        facts |= {"recipe": _plain(recipe)}
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(facts, indent=1), encoding="utf-8")
    done = {part: json.loads(_path(folder, part).read_text()) for part in parts if _path(folder, part).exists()}
    if not done:
        raise InputError(f"no part is done in {folder}: leave out --table")
    print(table(done))


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"ablate_losses: {error}")
