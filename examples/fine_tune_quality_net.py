"""Fine-tune a Quality-Net on scores of your own, up to a checkpoint that can be published and served: a worked example.

    python tools/fine_tune_quality_net.py ratings.csv my-mos/ --metric mos --range 1 5 --freeze 2 --words words.toml
    zoo push my-mos/ my-lab/my-mos --dry-run
    zoo export my-mos/ models/my-mos

ratings.csv has the columns reference, degraded (paths beside it), score, and split: "train"; "test", rows that are kept out
and say in the end how good it is; and if one likes "validation", to choose epochs and rates by. words.toml has a [card] table with description, data, licence, departures and limits, as those in
tools/configs have. KERAS_BACKEND=jax fine-tunes on JAX, and --dtype-policy mixed_bfloat16 multiplies in bfloat16. All
recordings are held in memory: some thousand pairs.
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
from zoo.checkpoint.card import read_words
from zoo.errors import InputError
from zoo.nn.layers import SpectralNormalization
from zoo.quality_net import evaluate


@dataclass
class Rated:
    """Rated pairs: waveforms float32 (pairs, samples), zero after their lengths, and scores float32 (pairs,)."""

    reference: np.ndarray
    degraded: np.ndarray
    lengths: np.ndarray
    scores: np.ndarray
    facts: list


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ratings", help="CSV with the columns reference, degraded, score and split")
    parser.add_argument("output", help="directory of the new checkpoint")
    parser.add_argument("--base", default="quality-net-pesq-wb-16k", help="what to start from, as for zoo.load")
    parser.add_argument("--metric", required=True, help="name of what the scores measure: mos, pesq, ...")
    parser.add_argument("--range", type=float, nargs=2, required=True, metavar=("LOW", "HIGH"), help="of the scores")
    parser.add_argument("--freeze", type=int, default=0, help="convolutions, from the first, that stay as they are")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--dtype-policy", default="float32", help="float32 or mixed_bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--words", help="TOML file with a [card] table; zoo push wants its licences")
    return parser.parse_args()


def read(path, sample_rate, low, high):
    """{split: Rated} of a CSV; a row without a split trains."""
    rows = pairs.read_table(path, ("reference", "degraded", "score"))
    found = {}
    for pair, row in zip(pairs.find(path), rows, strict=True):
        if pair.error:
            raise InputError(pair.error)
        reference, degraded, _ = pairs.read(pair, (sample_rate,), resample=True)
        found.setdefault(row.get("split") or "train", []).append((reference, degraded, row))
    if not {"train", "test"} <= found.keys() <= {"train", "validation", "test"}:
        raise InputError(f"{path} has the splits {', '.join(found)}; give train and test, and validation if you like")
    return {split: rated(members, low, high) for split, members in found.items()}


def rated(members, low, high):
    references, degraded, rows = zip(*members, strict=True)
    both = checks.padded(*references, *degraded)
    facts = [
        {"kind": row.get("kind") or "other", "snr_db": float(row["snr_db"]) if row.get("snr_db") else None}
        for row in rows
    ]
    try:
        scores = np.array([float(row["score"]) for row in rows], "float32")
    except ValueError as error:
        raise InputError(f"a score is no number: {error}") from None
    if not ((low <= scores) & (scores <= high)).all():
        raise InputError(f"scores are {scores.min():g} to {scores.max():g}, not within the --range {low:g} to {high:g}")
    lengths = np.array([len(x) for x in references], "int32")
    return Rated(np.stack(both[: len(rows)]), np.stack(both[len(rows) :]), lengths, scores, facts)


def freeze(core, count):
    """Freeze every layer of a core up to a convolution, the first being 1."""
    inner = [layer.layer if isinstance(layer, SpectralNormalization) else layer for layer in core.layers]
    convolutions = [i for i, layer in enumerate(inner) if isinstance(layer, keras.layers.Conv2D)]
    if not 0 <= count <= len(convolutions):
        raise InputError(f"--freeze is {count}; the network has {len(convolutions)} convolutions")
    for layer in core.layers[: convolutions[count - 1] + 1 if count else 0]:
        layer.trainable = False


def fine_tune(given, ratings):
    """The network after `compile` and `fit`, in float32; what it learned, by epoch; and minutes."""
    keras.utils.set_random_seed(given.seed)
    keras.config.set_dtype_policy(given.dtype_policy)
    metric = zoo.load(given.base, trainable=True)
    metric.target_range = tuple(given.range)
    freeze(metric.core, given.freeze)
    metric.compile(keras.optimizers.Adam(given.learning_rate), loss="mse")
    start = time.perf_counter()
    train, *held = (ratings[split] for split in ("train", "validation") if split in ratings)
    history = metric.fit(
        (train.reference, train.degraded, train.lengths),
        train.scores,
        validation_data=((held[0].reference, held[0].degraded, held[0].lengths), held[0].scores) if held else None,
        batch_size=given.batch_size,
        epochs=given.epochs,
        verbose=2,
    )
    keras.config.set_dtype_policy("float32")
    tuned = type(metric).from_config(metric.get_config())
    tuned.set_weights(metric.get_weights())
    return tuned, history.history, (time.perf_counter() - start) / 60


def card(given, model, curve, minutes, test):
    """The facts of the new checkpoint, as those of the bundled ones."""
    command = f"KERAS_BACKEND={keras.backend.backend()} {shlex.join(['python', *sys.argv])}"
    base = zoo.info(given.base)
    measured = {"name": given.metric, "mode": None, "range": given.range, "higher_is_better": True}
    name = os.path.basename(os.path.normpath(given.output))
    # What the weights have of those they start from, which its licences are about too.
    facts = {"base": {key: base.get(key) for key in ("name", "files", "licence", "data")}, "curve": curve}
    recipe = SimpleNamespace(name=name, seed=given.seed)  # all that the card asks of one
    about = provenance.training_card(
        "quality_net", recipe, model, facts, minutes, command, provenance.commit(), metric=measured
    )
    predicted = model.score(test.reference, test.degraded, model.sample_rate, lengths=test.lengths)
    results = evaluate.report(test.facts, test.scores.astype("float64"), predicted)
    evaluation = {
        "command": command,
        "commit": provenance.commit(),
        "data": f"rows of the split test of {given.ratings}",
    }
    words = read_words(given.words) if given.words else {}
    return words | about | {"evaluation": evaluation | {"results": results}}


def main():
    given = arguments()
    ratings = read(given.ratings, zoo.info(given.base)["sample_rate"], *given.range)
    model, curve, minutes = fine_tune(given, ratings)
    about = card(given, model, curve, minutes, ratings["test"])
    zoo.save(model, given.output, card=about, golden=golden.voices_in_noise(model.sample_rate, (5, 20)))
    found = about["evaluation"]["results"]["all"]
    print(f"{given.output}: Pearson {found['pearson'][0]:.3f}, RMSE {found['rmse'][0]:.3f}, n {found['n']}")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"fine_tune_quality_net: {error}")
