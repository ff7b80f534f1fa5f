"""A training process of `test_distribution.py`: small recipes, whose losses it prints as JSON.

python tests/support/distributed_training.py none|devices|workers FOLDER RECIPE...
"""

import dataclasses
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

if os.environ["KERAS_BACKEND"] == "tensorflow":
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, 2 * [tf.config.LogicalDeviceConfiguration()])

import numpy as np

import zoo.enhancement.train
import zoo.jnd.train
import zoo.quality_net.train
import zoo.separation.train
import zoo.texture.train
from tests.support.enhancement import RATE, voice
from tests.support.harness import labelled_sounds
from tests.support.jnd_training import TINY, judged, ladders
from tests.support.separation import SMALL
from zoo.audio import mix
from zoo.enhancement import examples
from zoo.separation.tracks import find_tracks
from zoo.training.distribution import distribute


def quality_net(folder, **how):
    module, rng = zoo.quality_net.train, np.random.default_rng(1)

    def prepare(recipe, data, runs, split, n_jobs):
        audio = [rng.integers(-3000, 3000, (8, 2, samples)).astype("int16") for samples in (8000, 9000)]
        return SimpleNamespace(audio=audio), rng.uniform(0, 1, 16)

    module.prepare = prepare  # drawing and labelling have tests of their own
    options = {"dropout": 0.0, "bands": 24, "convolutions": [[8, 1, 2], [8, 2, 2]]}
    recipe = module.Recipe("run", "QualityNetLite", "stoi", options, batch_size=4, epochs=2, learning_rate=1e-5)
    module.train(recipe, None, folder, **how)


def jnd(folder, **how):
    recipe = dataclasses.replace(TINY, name="run", shifts=2, ladders=2, learning_rate=1e-3)
    zoo.jnd.train.train(recipe, judged(), judged(8, seed=5), ladders(), folder, **how)


def texture(folder, **how):
    recipe = zoo.texture.train.Recipe(
        "run", {"channels": [8, 8], "bands": 32, "dropout": 0.0}, seconds=0.1, batch_size=6, steps=3, epochs=2,
        n_validation=4,
    )  # fmt: skip
    zoo.texture.train.train(recipe, *labelled_sounds(RATE), folder, **how)


def separation(folder, **how):
    tracks = [find_tracks(folder / "songs", split) for split in ("train", "validation")]
    recipe = zoo.separation.train.Recipe(
        "run", SMALL, optimizer="Adam", learning_rate=1e-3, batch_size=4, steps=3, epochs=2, n_validation=8
    )
    zoo.separation.train.train(recipe, *tracks, folder, **how)


def enhancement(folder, **how):
    speech, noise = {"talker": [voice(4.0, seed=1)]}, [mix.colored_noise(48000, 1.0, np.random.default_rng(9))]
    refresh = {"examples": 8, "steps": 2, "learning_rate": 1e-3}
    surrogate = f"{folder / 'surrogate'}/"
    recipe = zoo.enhancement.train.Recipe(
        "run", "DNNEnhancer", {surrogate: 1.0, "magnitude-mse": 0.1}, {"units": 8}, refresh=refresh, seconds=1.0,
        batch_size=4, steps=2, epochs=2, watch=surrogate,
    )  # fmt: skip
    validation = examples.validation_set(speech, noise, 5, seconds=1.0)
    zoo.enhancement.train.train(recipe, examples.Mixtures(speech, noise, (0, 5)), validation, folder, 1, **how)


def main():
    how, folder, *names = sys.argv[1:]
    distribution = distribute(None if how == "none" else how)
    for name in names:
        runs = Path(folder) / name
        globals()[name](runs, verbose=0, distribution=distribution)
    print(json.dumps({"replicas": distribution.replicas, "leads": distribution.leads}))


if __name__ == "__main__":
    main()
