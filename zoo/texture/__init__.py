"""More of a sound, from random networks (Antognini et al. 2019): `zoo.texture.synthesize`, and the losses behind it."""

from zoo.base.lazy import lazy

__all__ = ["Synthesis", "synthesize"]
__getattr__, __dir__ = lazy(
    __name__,
    __path__,
    {"Synthesis": "zoo.texture.synthesis:Synthesis", "synthesize": "zoo.texture.synthesis:synthesize"},
)
