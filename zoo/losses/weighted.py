"""Losses by name, and weighted sums of them."""

import difflib
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from zoo.audio import checks
from zoo.checkpoint import registry
from zoo.errors import InputError
from zoo.families import FAMILIES
from zoo.losses.learned import LearnedLoss, learned_loss
from zoo.losses.pmsqe import PMSQE
from zoo.losses.signal import CompressedSpectrum, MagnitudeMSE, MultiResolutionSTFT, NegativeSISDR, WaveformL1

LOSSES = {
    "compressed-spectrum": CompressedSpectrum,
    "magnitude-mse": MagnitudeMSE,
    "multi-resolution-stft": MultiResolutionSTFT,
    "negative-si-sdr": NegativeSISDR,
    "pmsqe": PMSQE,
    "waveform-l1": WaveformL1,
}  # those that need no checkpoint, by name


@keras.saving.register_keras_serializable(package="zoo")
class WeightedSum(keras.losses.Loss):
    """Sum of losses, each times its weight.

    Args:
        terms: pairs (weight, loss); a loss takes (reference, estimate, lengths) in its `call`.
        reduction: as for any Keras loss; those of the terms do not count.
        name: of the loss.

    Call:
        As for `zoo.losses.signal.MagnitudeMSE`.

    Example:
        >>> loss = WeightedSum([(1.0, MagnitudeMSE()), (0.1, NegativeSISDR())])
        >>> speech = np.random.default_rng(0).normal(size=(1, 4000)).astype("float32")
        >>> round(float(loss(speech, speech)))
        -8
    """

    def __init__(
        self,
        terms: Sequence[tuple[float, keras.losses.Loss]],
        reduction: str = "sum_over_batch_size",
        name: str = "weighted_sum",
    ):
        super().__init__(name=name, reduction=reduction)
        self.terms = [(float(weight), loss) for weight, loss in terms]

    def call(self, reference: Any, estimate: Any, lengths: Any = None) -> Any:
        return sum(weight * loss.call(reference, estimate, lengths) for weight, loss in self.terms)

    def get_config(self):
        terms = [[weight, keras.saving.serialize_keras_object(loss)] for weight, loss in self.terms]
        return {**super().get_config(), "terms": terms}

    @classmethod
    def from_config(cls, config):
        terms = [(weight, keras.saving.deserialize_keras_object(loss)) for weight, loss in config["terms"]]
        return cls(**{**config, "terms": terms})


def build(terms: str | os.PathLike | Mapping[str, float], sample_rate: float | None = None) -> keras.losses.Loss:
    """A loss by its name, or the weighted sum of several.

    Args:
        terms: one of `LOSSES`, or the source of a learned loss as for `zoo.load`; or a dict {name or source: weight}.
        sample_rate: of the waveforms, in Hz. Learned losses resample from it to their metric's own; None takes that.

    Returns:
        The loss, on (reference, estimate) waveforms; of a dict, a `WeightedSum`.

    Raises:
        InputError: no term, a weight that is no number above 0, an unknown name, a checkpoint without a loss, or
            terms of different sample rates, or a sample rate that is none.

    Example:
        >>> loss = build({"magnitude-mse": 1.0, "pmsqe": 0.5})
        >>> [(weight, term.name) for weight, term in loss.terms]
        [(1.0, 'magnitude_mse'), (0.5, 'pmsqe')]
    """
    sample_rate = None if sample_rate is None else checks.whole_rate(sample_rate)
    if not isinstance(terms, Mapping):
        return _by_name(terms, sample_rate)
    if not terms:
        raise InputError(f"the loss has no terms; give weights by name: {_known_names()}")
    for name, weight in terms.items():
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 < weight < math.inf:
            raise InputError(f"the weight of {name!r} is {weight!r}; give a number above 0")
    losses = {name: _by_name(name, sample_rate) for name in terms}
    if sample_rate is None:
        _check_one_rate(losses)
    return WeightedSum([(terms[name], loss) for name, loss in losses.items()])


def _by_name(name, sample_rate):
    if isinstance(name, str) and name in LOSSES:
        loss = LOSSES[name]()
        if sample_rate not in (None, _rate(loss) or sample_rate):
            raise InputError(f"{name} takes waveforms of {_rate(loss)} Hz, not {sample_rate} Hz; resample them")
        return loss
    # A directory of that name has a message of its own.
    if isinstance(name, str) and not {"/", os.sep} & set(name) and not Path(name).is_dir():
        _check_known(name)
    return learned_loss(name, sample_rate)


def _check_known(name):
    """Raise an InputError unless a name is that of a bundled checkpoint."""
    known = registry.names()
    if name not in known:
        close = difflib.get_close_matches(name, [*LOSSES, *known])
        hint = f" did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise InputError(f"unknown loss {name!r};{hint} Give one of {_known_names()}")


def _known_names():
    families = [name for name, family in FAMILIES.items() if family.loss is not None]
    learned = [name for name in registry.names() if registry.info(name)["family"] in families]
    return f"{', '.join(LOSSES)}, or a learned loss: {', '.join(learned)}, hf://org/name or a directory"


def _rate(loss):
    """The sample rate of the waveforms that a loss takes as they are, in Hz; None for any."""
    if isinstance(loss, LearnedLoss):
        return loss.metric.sample_rate
    return getattr(loss, "sample_rate", None)


def _check_one_rate(losses):
    rates = {name: _rate(loss) for name, loss in losses.items() if _rate(loss) is not None}
    if len(set(rates.values())) > 1:
        text = ", ".join(f"{name} {rate} Hz" for name, rate in rates.items())
        raise InputError(f"the terms are of different sample rates ({text}); give sample_rate, that of your waveforms")
