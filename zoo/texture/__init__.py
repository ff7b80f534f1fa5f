"""More of a sound, from random networks: `zoo.texture.synthesize`, and the losses behind it."""

from zoo.texture.synthesis import Synthesis, synthesize

__all__ = ["Synthesis", "synthesize"]
