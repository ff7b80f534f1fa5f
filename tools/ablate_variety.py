"""What each kind of variety is worth: trains a recipe briefly with all kinds, without one, and with one alone.

    python tools/ablate_variety.py tools/configs/quality-net-lite-pesq-wb-16k.toml --n-train 10240 --epochs 4
    python tools/ablate_variety.py tools/configs/blstm-mse-16k.toml --steps 100 --epochs 6
    python tools/ablate_variety.py tools/configs/blstm-mse-16k.toml --steps 100 --epochs 6 --parts none all "only rooms"

Each variant is a part, which is kept when it is done, so that the same command goes on after an interruption; --table
prints those that are done and trains nothing. All are scored on the same pairs or mixtures: of the validation split,
plain and with all the variety, and of both test splits. The parts and the summary are JSON files in a folder of RUNS.
"""

import argparse
import dataclasses
import json
import os
import sys
import zlib
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import joblib
import numpy as np

from zoo.base.files import atomic_write
from zoo.checkpoint import provenance
from zoo.checkpoint.integrity import sha256
from zoo.data.speech import SAMPLE_RATE, TEST_SPLITS, read_corpus
from zoo.data.variety import check
from zoo.errors import InputError
from zoo.metrics import speech
from zoo.metrics.agreement import grouped_mean
from zoo.training.config import read_config

SHOWN = {"quality_net": ("rmse", "RMSE"), "enhancement": ("pesq-wb", "gain in PESQ wb")}
TRUE = ("pesq-wb", "stoi", "si-sdr")
SECONDS = 3.0  # of a varied mixture


def parse(command=None):
    first, _, text = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        description=first, epilog=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="TOML file of a Quality-Net or an enhancer")
    parser.add_argument("--kinds", nargs="+", metavar="KIND", help="kinds of variety (default: all of the family)")
    parser.add_argument("--parts", nargs="+", metavar="PART", help='such as none, all, "without rooms" (default: all)')
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--n-train", type=int, help="training pairs of a Quality-Net")
    parser.add_argument("--steps", type=int, help="batches in an epoch of an enhancer")
    parser.add_argument("--size", type=int, default=256, help="pairs or mixtures of each set at most (default: 256)")
    parser.add_argument("--data", default=os.environ.get("ZOO_DATA", "../shared/data"), help="recordings (ZOO_DATA)")
    parser.add_argument("--runs", default="runs", help="pairs, labels, training states, parts (default: runs)")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: one a core)")
    parser.add_argument("--table", action="store_true", help="print what is done, and train nothing")
    return parser.parse_args(command)


def variants(kinds):
    """{part: kinds of variety that its training has}."""
    parts = {"none": (), "all": tuple(kinds)}
    parts |= {f"without {kind}": tuple(other for other in kinds if other != kind) for kind in kinds}
    return parts | {f"only {kind}": (kind,) for kind in kinds}


class QualityNets:
    """Trains and scores Quality-Nets."""

    def __init__(self, config, options):
        from zoo.quality_net import evaluate, examples, train

        if not options.n_train:
            raise InputError("a Quality-Net needs --n-train, its training pairs")
        self.evaluate, self.train, self.options = evaluate, train, options
        self.kinds = tuple(options.kinds or examples.VARIETY)
        check(self.kinds, examples.VARIETY)
        sizes = {"n_train": options.n_train, "n_validation": options.size, "n_test": options.size}
        self.recipe = config.recipe(train.Recipe, sizes | {"epochs": options.epochs})
        self.budget = f"{options.n_train}x{options.epochs}"

    def measure(self, name, variety):
        """Agreement on every set: {set: {group: `agreement`}}, and the minutes of the training."""
        options = self.options
        recipe = dataclasses.replace(self.recipe, name=name, variety=variety)
        model, _, minutes = self.train.train(recipe, options.data, options.runs, options.jobs, verbose=2)
        results = {}
        for title, split, kinds in self._sets():
            chunks, truth = self.train.prepare(recipe, options.data, options.runs, split, options.jobs, kinds)
            predicted = self.evaluate.predict(model, chunks)
            results[title] = self.evaluate.report(chunks.facts, truth, predicted)
        return results, minutes

    def _sets(self):
        plain = [("validation", "validation", ()), ("varied", "validation", self.kinds)]
        return [*plain, *((split, split, ()) for split in TEST_SPLITS)]


class Enhancers:
    """Trains and scores enhancers."""

    def __init__(self, config, options):
        from zoo.enhancement import evaluate, examples, sources, train

        if not options.steps:
            raise InputError("an enhancer needs --steps, the batches of an epoch")
        self.evaluate, self.examples, self.train, self.options = evaluate, examples, train, options
        self.sources = sources
        self.kinds = tuple(options.kinds or examples.VARIETY)
        check(self.kinds, examples.VARIETY)
        changes = {"steps": options.steps, "epochs": options.epochs}
        self.recipe = config.recipe(train.Recipe, changes)
        self.budget = f"{options.steps}x{options.epochs}"
        self.noisy = {}  # set -> true scores before enhancement, of this process

    def measure(self, name, variety):
        """Gains on every set: {set: {group: {metric: [mean, low, high], "n"}}}, and the minutes of the training."""
        recipe, options = dataclasses.replace(self.recipe, name=name, variety=variety), self.options
        source, held = self.sources.train_on_data(options.data, recipe.snr_db, recipe.n_validation, variety)
        model, _, minutes = self.train.train(recipe, source, held, options.runs, options.jobs, verbose=2)
        return {title: self._gains(model, title, *drawn) for title, drawn in self._sets(held).items()}, minutes

    def _sets(self, held):
        """{set: (examples, list of the kinds of variety of each)}."""
        sets = {"validation": held}
        sets |= {split: self.sources.test_on_data(self.options.data, split) for split in TEST_SPLITS}
        chosen = {title: self.examples.evenly(drawn, self.options.size) for title, drawn in sets.items()}
        return {"varied": self._varied()} | {title: (drawn, [[] for _ in drawn]) for title, drawn in chosen.items()}

    def _varied(self):
        corpus = read_corpus(self.options.data, "validation")
        mixtures = self.examples.Mixtures(corpus.speech, corpus.noise, self.recipe.snr_db, corpus.rooms, self.kinds)
        drawn, kinds = [], []
        for i in range(self.options.size):
            *pair, came = mixtures.draw_varied(int(SECONDS * SAMPLE_RATE), np.random.default_rng([3, i]))
            drawn.append(self.examples.Example(f"{i:03d}", None, *pair))
            kinds.append(came)
        return drawn, kinds

    def _gains(self, model, title, examples, kinds):
        if title not in self.noisy:
            self.noisy[title] = self._scores(examples, [example.noisy for example in examples])
        after = self._scores(examples, self.evaluate.enhance(model, [example.noisy for example in examples]))
        names = np.array([example.name for example in examples])
        groups = {"all": np.ones(len(examples), bool)}
        groups |= {f"variety {kind}": np.array([kind in came for came in kinds]) for kind in self.kinds}
        results = {}
        for group, chosen in groups.items():
            if chosen.any():
                gains = {m: grouped_mean((after[m] - self.noisy[title][m])[chosen], names[chosen]) for m in TRUE}
                results[group] = gains | {"n": int(chosen.sum())}
        return results

    def _scores(self, examples, recordings):
        """{metric: (examples,) true scores, NaN where there is none}."""
        tasks = (
            joblib.delayed(_true)(example.reference, audio) for example, audio in zip(examples, recordings, strict=True)
        )
        rows = joblib.Parallel(n_jobs=self.options.jobs)(tasks)
        return {metric: np.array([row[i] for row in rows]) for i, metric in enumerate(TRUE)}


FAMILIES = {"quality_net": QualityNets, "enhancement": Enhancers}


def _true(reference, audio):
    return [speech.score_or_nan(metric, reference, audio, SAMPLE_RATE) for metric in TRUE]


def run_parts(trainer, parts, folder, prefix):
    """Measure every part that is not done yet."""
    for part, variety in parts.items():
        path = _path(folder, part)
        if path.exists():
            print(f"{part}: done already", flush=True)
            continue
        print(f"{part}: trains", flush=True)
        commit = provenance.commit()
        results, minutes = trainer.measure(f"{prefix}-{path.stem}", variety)
        facts = {"part": part, "variety": variety, "minutes": round(minutes, 1), "commit": commit, "results": results}
        _write(path, facts)


def read_parts(parts, folder):
    """{part: facts} of those that are done."""
    return {part: json.loads(_path(folder, part).read_text()) for part in parts if _path(folder, part).exists()}


def tables(done, metric, kinds):
    """{title: lines of cells}: each part on every set, and on the varied set by kind of variety."""
    sets = list(next(iter(done.values()))["results"])
    groups = [f"variety {kind}" for kind in kinds]
    return {
        "by set": [
            ["", *sets],
            *([part, *(_cell(facts, s, "all", metric) for s in sets)] for part, facts in done.items()),
        ],
        "of the varied set, by kind": [
            ["", *kinds],
            *([part, *(_cell(facts, "varied", group, metric) for group in groups)] for part, facts in done.items()),
        ],
    }


def _cell(facts, title, group, metric):
    result = facts["results"][title].get(group)
    return "-" if result is None or result[metric][0] is None else f"{result[metric][0]:.3f}"


def _aligned(lines):
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def _path(folder, part):
    return folder / f"{part.replace(' ', '-')}.json"


def _write(path, facts):
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(_plain(facts), indent=2, allow_nan=False), encoding="utf-8")


def _plain(value):
    """The same in what JSON holds: NaN, of a correlation that is not defined, becomes None."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value


def main(command=None):
    options = parse(command)
    config = read_config(options.config)
    if config.family not in FAMILIES:
        raise InputError(f"{config.family} has no variety: give a config of {' or '.join(FAMILIES)}")
    trainer, (metric, words) = FAMILIES[config.family](config, options), SHOWN[config.family]
    parts = variants(trainer.kinds)
    unknown = set(options.parts or ()) - set(parts)
    if unknown:
        raise InputError(f"no part is called {min(unknown)!r}: use {', '.join(parts)}")
    chosen = {part: kinds for part, kinds in parts.items() if part in (options.parts or parts)}
    digest = sha256(Path(options.data) / "MANIFEST.csv")[:8]
    # Parts of other recordings, kinds or sizes lie elsewhere, so that no table mixes them.
    kinds = zlib.crc32(" ".join(trainer.kinds).encode())
    prefix = f"{trainer.recipe.name}-variety-{trainer.budget}-{options.size}-{digest}-{kinds:08x}"
    folder = Path(options.runs) / prefix / "parts"
    if not options.table:
        run_parts(trainer, chosen, folder, prefix)
    done = read_parts(parts, folder)
    if not done:
        raise InputError(f"no part is done in {folder}: leave out --table")
    shown = tables(done, metric, trainer.kinds)
    for title, lines in shown.items():
        print(f"\n{words} {title}\n{_aligned(lines)}")
    said = " ".join(["python", *sys.argv])
    _write(folder.parent / "summary.json", {"command": said, "metric": metric, "tables": shown, "parts": done})


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"ablate_variety: {error}")
