"""What every training recipe shares: its folder, its callbacks, and its devices."""

from zoo.base.lazy import lazy

__getattr__, __dir__ = lazy(__name__, __path__)
