"""What every layer may use: files written whole, tables of text, processes, imports at first use."""

from zoo.base.lazy import lazy

__getattr__, __dir__ = lazy(__name__, __path__)
