"""What the families' networks share: layers and segments."""

from zoo.base.lazy import lazy

__getattr__, __dir__ = lazy(__name__, __path__)
