"""Losses on waveforms: of signals, PMSQE, and weighted sums."""

from zoo.lazy import lazy

__getattr__, __dir__ = lazy(__name__, __path__)
