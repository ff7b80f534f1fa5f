"""Listening tests in a browser: preference, just noticeable differences and ratings, and what listeners answered."""

from zoo.base.lazy import lazy

__getattr__, __dir__ = lazy(__name__, __path__)
