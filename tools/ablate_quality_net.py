"""What each change to a Quality-Net was worth: trains its variants on the same few pairs, writes them on its card.

python tools/ablate_quality_net.py quality-net-pesq-wb-16k --n-train 1024 --epochs 1 --batch-size 8
"""

import argparse
import dataclasses
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from zoo.checkpoint import provenance, registry
from zoo.checkpoint.card import write_card
from zoo.errors import InputError
from zoo.metrics.agreement import agreement
from zoo.quality_net import evaluate
from zoo.quality_net.train import Recipe, prepare, train

VARIANTS = {  # network -> (what it is, options)
    "QualityNet": [
        ("the paper: plain magnitudes, spectral norm", {"features": "magnitude", "spectral_norm": True}),
        ("plain magnitudes, no spectral norm", {"features": "magnitude", "spectral_norm": False}),
        (
            "log power at equal level and its difference, spectral norm",
            {"features": "log-power", "spectral_norm": True},
        ),
        ("the same in mel bands, spectral norm: this checkpoint", {"features": "log-mel", "spectral_norm": True}),
        ("the same in mel bands, no spectral norm", {"features": "log-mel", "spectral_norm": False}),
    ],
    "QualityNetLite": [
        ("no spectral norm: this checkpoint", {"spectral_norm": False}),
        ("spectral norm on every convolution and dense layer", {"spectral_norm": True}),
    ],
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", help="a bundled name; its recipe is what the variants change")
    parser.add_argument("--n-train", type=int, required=True, help="training pairs of each variant")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--n-test", type=int, default=512, help="test pairs (default: 512)")
    parser.add_argument("--data", default=os.environ.get("ZOO_DATA", "../shared/data"), help="recordings (ZOO_DATA)")
    parser.add_argument("--runs", default="runs", help="pairs, labels and training states (default: runs)")
    return parser.parse_args()


def variants(recipe, options):
    """(what it is, recipe) of each variant."""
    sizes = {"n_train": options.n_train, "n_validation": 256, "n_test": options.n_test}
    for number, (change, network_options) in enumerate(VARIANTS[recipe.network]):
        yield (
            change,
            dataclasses.replace(
                recipe,
                name=f"{recipe.name}-ablation-{number}",
                options=recipe.options | network_options,
                epochs=options.epochs,
                batch_size=options.batch_size,
                **sizes,
            ),
        )


def measure(change, recipe, options):
    """Train one variant, compare it with the true metric on the test pairs, and give its row of the table."""
    model, _, minutes = train(recipe, options.data, options.runs, verbose=2)
    chunks, truth = prepare(recipe, options.data, options.runs, "test")
    result = agreement(truth, evaluate.predict(model, chunks, batch_size=8))
    pearson, rmse = result["pearson"][0], result["rmse"][0]
    print(f"{change}: Pearson {pearson:.3f}, RMSE {rmse:.3f}, {minutes:.1f} min", flush=True)
    return {"change": change, "minutes": round(minutes, 1), **result}


def main():
    options = arguments()
    card = registry.info(options.checkpoint)
    rows = [measure(*variant, options) for variant in variants(Recipe(**card["training"]["recipe"]), options)]
    table = {
        "command": " ".join(["python", *sys.argv]),
        "commit": provenance.commit(),
        "n_train": options.n_train,
        "epochs": options.epochs,
        "rows": rows,
    }
    write_card(registry.resolve(options.checkpoint), card | {"ablation": table})


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"ablate_quality_net: {error}")
