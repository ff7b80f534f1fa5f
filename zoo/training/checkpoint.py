"""From a training's TOML file to a checkpoint with its card: train, save, evaluate.

The `train` module of a family has:

    Recipe                            a dataclass: everything that a training depends on, besides the data
    add_arguments(parser)             adds the family's own options to tools/train.py
    train_config(config, options, distribution) -> Trained
                                      reads the data and trains; `config.recipe(Recipe, vars(options))` is the recipe
"""

import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.checkpoint import network, preset, provenance, registry
from zoo.checkpoint.card import card_words, training_card
from zoo.data.manifest import version_of
from zoo.errors import InputError
from zoo.families import FAMILIES
from zoo.training import distribution
from zoo.training.config import Config


@dataclass
class Trained:
    """What a training ends with.

    Attributes:
        recipe: with `name` and `seed`.
        model: the network, without its optimizer.
        facts: of the training, for the card.
        minutes: that it took.
        golden: inputs of the golden output, NumPy arrays.
        fields: what only cards of this family have.
        complete: called by the leading process alone, when the others have left; gives more facts.
    """

    recipe: Any
    model: keras.Model
    facts: dict
    minutes: float
    golden: list[np.ndarray]
    fields: dict = field(default_factory=dict)
    complete: Callable[[], dict] = dict


def train_checkpoint(config: Config, options: Namespace, command: str) -> None:
    """Train what a config describes, save the checkpoint, evaluate it in its family's standard setting.

    Args:
        config: as `zoo.training.config.read_config` gives it.
        options: `data`, `runs` and `output`, folders; `jobs`, processes; `distribution`, as for
            `zoo.training.distribution.distribute`; and those of the family.
        command: that repeats the training, for the card.

    Raises:
        InputError: what the family's `train_config` raises; or the checkpoint is saved, but cannot be evaluated.
    """
    family, commit = FAMILIES[config.family], provenance.commit()
    devices = distribution.distribute(options.distribution)
    trained = family.module("train").train_config(config, options, devices)
    if not devices.disband():
        return
    facts = trained.facts | trained.complete()
    version = version_of(options.data)
    if version:
        facts["data_version"] = version
    card = training_card(
        family.name,
        trained.recipe,
        trained.model,
        facts,
        trained.minutes,
        command,
        commit,
        card_words(config.card),
        trained.fields,
    )
    directory = Path(options.output) / trained.recipe.name
    preset.save(trained.model, directory, card=card, golden=trained.golden)
    _write_network(trained.model, directory)
    try:
        report = family.module("report")
        again = report.COMMAND.format(registry.source_of(directory))
        report.evaluate_checkpoint(directory, options.data, options.runs, options.jobs, again)
    except InputError as error:
        raise InputError(f"{directory} is saved, but cannot be evaluated: {error}") from None


def _write_network(model, directory):
    """Write a small network for onnxruntime too; a checkpoint without it is whole, so nothing is raised."""
    if not network.is_writable(model):
        return
    try:
        network.write(model, directory)
    except InputError as error:
        print(f"{directory} has no {network.FILE}: {error}", file=sys.stderr)
