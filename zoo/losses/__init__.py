"""Losses on (reference, estimate) waveforms: of signals, PMSQE, learned ones, and weighted sums of them by name.

`zoo.loss` builds one from its name; `LOSSES` has the names that need no checkpoint.
"""

from zoo.base.lazy import lazy

_PUBLIC = {
    "learned": ["LearnedLoss", "learned_loss"],
    "pmsqe": ["PMSQE"],
    "signal": ["CompressedSpectrum", "MagnitudeMSE", "MultiResolutionSTFT", "NegativeSISDR", "WaveformL1"],
    "weighted": ["LOSSES", "WeightedSum", "build"],
}

__getattr__, __dir__ = lazy(
    __name__, __path__, {name: f"zoo.losses.{module}:{name}" for module, names in _PUBLIC.items() for name in names}
)
