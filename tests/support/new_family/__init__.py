"""A toy family: how much louder a recording is than its reference. tests/architecture/test_new_family.py adds it."""

from zoo.base.lazy import lazy

__getattr__, __dir__ = lazy(__name__, __path__)
