"""Bundled checkpoints for tests: loaded once a session, and one of each architecture for the fast suite."""

import functools

import numpy as np
import pytest

import zoo
from zoo.checkpoint import registry

NAMES = zoo.list()
CARDS = {name: zoo.info(name) for name in NAMES}


def of_family(family):
    """Names of a family's checkpoints."""
    return [name for name in NAMES if CARDS[name]["family"] == family]


def _smallest_of_each_architecture():
    smallest = {}
    for name in sorted(NAMES, key=lambda name: (CARDS[name]["parameters"], name)):
        smallest.setdefault(CARDS[name]["architecture"], name)
    return set(smallest.values())


REPRESENTATIVES = _smallest_of_each_architecture()


def one_of_each(names):
    """The smallest of each architecture: for what depends on a model's code and not on its weights."""
    return [name for name in names if name in REPRESENTATIVES]


# One of each family, whose network compiles in little time.
QUICKEST = ("quality-net-tiny-pesq-wb-16k", "jnd-22k", "dnn-mse-16k", "chandna-4stem-44k", "texture-ensemble-16k")


def swept_architectures(names):
    """Parameters of a test over `one_of_each`: the fast suite takes one of each family."""
    return _parameters(one_of_each(names), QUICKEST)


def swept(names):
    """Parameters of a test over checkpoints, for what weights can change: the fast suite takes `one_of_each`."""
    return _parameters(names, REPRESENTATIVES)


def _parameters(names, fast):
    return [pytest.param(name, marks=() if name in fast else pytest.mark.slow) for name in names]


@functools.cache
def load(name):
    """A bundled checkpoint, frozen, whose golden output is computed again."""
    return zoo.load(name, verify=True)


def golden_inputs(name):
    """The waveforms of the golden, each (batch, samples): reference and degraded, or noisy alone."""
    with np.load(registry.resolve(name) / "golden.npz") as golden:
        return [golden[f"input_{i}"] for i in range(len(golden.files) - 1)]
