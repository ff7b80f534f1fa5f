"""What each change to a Quality-Net was worth: trains its variants on the same few pairs, writes them on its card.

python tools/ablate_quality_net.py quality-net-pesq-wb-16k --n-train 1024 --epochs 1 --batch-size 8
"""

import argparse
import dataclasses
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from zoo.checkpoint import preset, provenance, registry
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


def measure(recipe, given):
    """Train one variant and set it beside the true metric on the test pairs: agreement, and minutes of training."""
    model, _, minutes = train(recipe, given.data, given.runs, verbose=2)
    chunks, truth = prepare(recipe, given.data, given.runs, "test")
    return agreement(truth, evaluate.predict(model, chunks, batch_size=8)), minutes


def main():
    given = arguments()
    directory, about = registry.resolve(given.checkpoint), registry.info(given.checkpoint)
    recipe = Recipe(**about["training"]["recipe"])
    sizes = {"n_train": given.n_train, "n_validation": 256, "n_test": given.n_test}
    rows = []
    for number, (change, options) in enumerate(VARIANTS[recipe.network]):
        variant = dataclasses.replace(
            recipe,
            name=f"{recipe.name}-ablation-{number}",
            options=recipe.options | options,
            epochs=given.epochs,
            batch_size=given.batch_size,
            **sizes,
        )
        result, minutes = measure(variant, given)
        rows.append({"change": change, "minutes": round(minutes, 1), **result})
        print(
            f"{change}: Pearson {result['pearson'][0]:.3f}, RMSE {result['rmse'][0]:.3f}, {minutes:.1f} min", flush=True
        )
    told = {"command": " ".join(["python", *sys.argv]), "commit": provenance.commit(), "n_train": given.n_train}
    preset.write_card(directory, about | {"ablation": told | {"epochs": given.epochs, "rows": rows}})


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"ablate_quality_net: {error}")
