"""Audio without learning: files, resampling, spectra, mixing."""

from zoo.base.lazy import lazy

__getattr__, __dir__ = lazy(__name__, __path__)
