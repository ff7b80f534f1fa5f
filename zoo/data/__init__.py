"""Corpora: where recordings of speech, noise and rooms come from, and the bundled examples."""

from zoo.base.lazy import lazy

__getattr__, __dir__ = lazy(__name__, __path__)
