"""True metrics of speech and of separated music, and how well predictions agree with them."""

from zoo.base.lazy import lazy

__getattr__, __dir__ = lazy(__name__, __path__)
