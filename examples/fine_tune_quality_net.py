"""Fine-tune a Quality-Net on your own ratings and save a checkpoint that can be published and served: a worked example.

    python examples/fine_tune_quality_net.py ratings.csv my-mos/ --metric mos --range 1 5 --freeze 2 --words words.toml
    zoo push my-mos/ my-lab/my-mos --dry-run
    zoo export my-mos/ models/my-mos

ratings.csv has the columns reference and degraded (paths relative to its folder), score, and split: "train", or "test" for
rows that are held back and measure the result. A third split, "validation", is optional: its loss is logged after each
epoch. words.toml has a [card] table with description, data, licence, departures and limits, like those in tools/configs.

KERAS_BACKEND=jax fine-tunes on JAX, and --dtype-policy mixed_bfloat16 multiplies in bfloat16. All recordings are held
in memory, which is enough for some thousand pairs.
"""

import argparse
import os
import shlex
import sys
import time
from dataclasses import dataclass
from types import SimpleNamespace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

import zoo
from zoo.audio import checks, pairs
from zoo.checkpoint import golden, provenance
from zoo.checkpoint.card import evaluated_card, read_words, training_card
from zoo.errors import InputError
from zoo.nn.layers import SpectralNormalization
from zoo.quality_net import evaluate


@dataclass
class RatedPairs:
    """Rated pairs.

    Attributes:
        reference, degraded: float32 (pairs, samples), zero after `lengths`.
        lengths: int32 (pairs,), samples that count.
        scores: float32 (pairs,).
        facts: {"kind", "snr_db"} of each pair, for the report.
    """

    reference: np.ndarray
    degraded: np.ndarray
    lengths: np.ndarray
    scores: np.ndarray
    facts: list


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ratings", help="CSV with the columns reference, degraded, score and split")
    parser.add_argument("output", help="folder of the new checkpoint")
    parser.add_argument("--base", default="quality-net-pesq-wb-16k", help="checkpoint to start from, as for zoo.load")
    parser.add_argument("--metric", required=True, help="what the scores measure: mos, pesq, ...")
    parser.add_argument("--range", type=float, nargs=2, required=True, metavar=("LOW", "HIGH"), help="of the scores")
    parser.add_argument("--freeze", type=int, default=0, help="how many convolutions, from the first, stay fixed")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--dtype-policy", default="float32", help="float32 or mixed_bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--words", help="TOML file with a [card] table; zoo push needs its licences")
    return parser.parse_args()


def read_ratings(path, sample_rate, low, high):
    """{split: RatedPairs} of a CSV; a row without a split is for training."""
    splits = {}
    rows = pairs.read_table(path, ("reference", "degraded", "score"))
    for pair, row in zip(pairs.find(path), rows, strict=True):
        if pair.error:
            raise InputError(pair.error)
        reference, degraded, _ = pairs.read(pair, (sample_rate,), resample=True)
        splits.setdefault(row.get("split") or "train", []).append((reference, degraded, row))
    if not {"train", "test"} <= splits.keys() <= {"train", "validation", "test"}:
        raise InputError(f"{path} has the splits {', '.join(splits)}; give train and test, and validation if you like")
    return {split: rated_pairs(members, low, high) for split, members in splits.items()}


def rated_pairs(members, low, high):
    """RatedPairs of (reference, degraded, row) triples, whose scores must lie in low..high."""
    references, degraded, rows = zip(*members, strict=True)
    waveforms = np.stack(checks.padded(*references, *degraded))
    lengths = np.array([len(reference) for reference in references], "int32")
    facts = [
        {"kind": row.get("kind") or "other", "snr_db": float(row["snr_db"]) if row.get("snr_db") else None}
        for row in rows
    ]
    scores = read_scores(rows, low, high)
    return RatedPairs(waveforms[: len(rows)], waveforms[len(rows) :], lengths, scores, facts)


def read_scores(rows, low, high):
    try:
        scores = np.array([float(row["score"]) for row in rows], "float32")
    except ValueError as error:
        raise InputError(f"a score is no number: {error}") from None
    if not ((low <= scores) & (scores <= high)).all():
        raise InputError(f"scores are {scores.min():g} to {scores.max():g}, not within the --range {low:g} to {high:g}")
    return scores


def freeze(core, count):
    """Freeze the layers of a core up to its `count`-th convolution."""
    inner = [layer.layer if isinstance(layer, SpectralNormalization) else layer for layer in core.layers]
    convolutions = [i for i, layer in enumerate(inner) if isinstance(layer, keras.layers.Conv2D)]
    if not 0 <= count <= len(convolutions):
        raise InputError(f"--freeze is {count}; the network has {len(convolutions)} convolutions")
    for layer in core.layers[: convolutions[count - 1] + 1 if count else 0]:
        layer.trainable = False


def fine_tune(options, ratings):
    """The trained network in float32, its losses by epoch, and the minutes it took."""
    keras.utils.set_random_seed(options.seed)
    keras.config.set_dtype_policy(options.dtype_policy)
    metric = zoo.load(options.base, trainable=True)
    metric.set_target_range(*options.range)
    freeze(metric.core, options.freeze)
    metric.compile(keras.optimizers.Adam(options.learning_rate), loss="mse")
    start = time.perf_counter()
    examples = {
        split: ((rated.reference, rated.degraded, rated.lengths), rated.scores) for split, rated in ratings.items()
    }
    history = metric.fit(
        *examples["train"],
        validation_data=examples.get("validation"),
        batch_size=options.batch_size,
        epochs=options.epochs,
        verbose=2,
    )
    # Built again: the layers of a mixed policy keep it, and a checkpoint is in float32.
    keras.config.set_dtype_policy("float32")
    tuned = type(metric).from_config(metric.get_config())
    tuned.set_weights(metric.get_weights())
    return tuned, history.history, (time.perf_counter() - start) / 60


def describe(options, model, losses, minutes, test):
    """The card of the new checkpoint, with its figures on the pairs that were held back."""
    command = f"KERAS_BACKEND={keras.backend.backend()} {shlex.join(['python', *sys.argv])}"
    commit, base = provenance.commit(), zoo.info(options.base)
    recipe = SimpleNamespace(name=os.path.basename(os.path.normpath(options.output)), seed=options.seed)
    # The weights descend from those of the base, and so do their licences.
    facts = {"base": {key: base.get(key) for key in ("name", "files", "licence", "data")}, "curve": losses}
    metric = {"name": options.metric, "mode": None, "range": options.range, "higher_is_better": True}
    words = read_words(options.words) if options.words else {}
    card = training_card("quality_net", recipe, model, facts, minutes, command, commit, words, {"metric": metric})
    predicted = model.score(test.reference, test.degraded, model.sample_rate, lengths=test.lengths)
    results = evaluate.report(test.facts, test.scores.astype("float64"), predicted)
    return evaluated_card(card, command, commit, f"rows of the split test of {options.ratings}", {"results": results})


def main():
    options = arguments()
    ratings = read_ratings(options.ratings, zoo.info(options.base)["sample_rate"], *options.range)
    model, losses, minutes = fine_tune(options, ratings)
    card = describe(options, model, losses, minutes, ratings["test"])
    zoo.save(model, options.output, card=card, golden=golden.voices_in_noise(model.sample_rate, (5, 20)))
    results = card["evaluation"]["results"]["all"]
    print(f"{options.output}: Pearson {results['pearson'][0]:.3f}, RMSE {results['rmse'][0]:.3f}, n {results['n']}")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"fine_tune_quality_net: {error}")
