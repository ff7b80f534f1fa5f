"""Perceptual distances trained on listeners' answers: Manocha et al. 2020."""

from zoo.base.lazy import lazy

__getattr__, __dir__ = lazy(__name__, __path__)
