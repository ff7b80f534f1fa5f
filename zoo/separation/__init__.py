"""Music separation: Chandna et al. 2017."""

from zoo.base.lazy import lazy

__getattr__, __dir__ = lazy(__name__, __path__)
