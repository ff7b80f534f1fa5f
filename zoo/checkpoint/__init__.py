"""Checkpoints: directories with a model, its card and its golden output; where they come from and go to."""

from zoo.base.lazy import lazy

__getattr__, __dir__ = lazy(__name__, __path__)
