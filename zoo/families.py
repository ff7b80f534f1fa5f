"""The families of the zoo, one row each: the only place that lists them. Imports nothing of the zoo.

A family's modules lie in its folder under fixed names, and `module` imports them: `card` (how its card reads),
`report` (its evaluation), `train` (its recipe).
"""

import importlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """A family's row.

    Attributes:
        name: of its folder, and as cards write it.
        title: heading of its part of pages.
        task: the Hub's name of the task; None where the Hub has none.
        loss: name of the loss class in its `loss` module; None where its models are no losses.
    """

    name: str
    title: str
    task: str | None = None
    loss: str | None = None

    def module(self, name):
        """The family's module of that name, such as "card"."""
        return importlib.import_module(f"zoo.{self.name}.{name}")


FAMILIES = {
    family.name: family
    for family in (
        Family("quality_net", "Learned metrics", loss="QualityNetLoss"),
        Family("jnd", "Perceptual distances", loss="JNDLoss"),
        Family("enhancement", "Speech enhancers", task="audio-to-audio"),
        Family("separation", "Separators", task="audio-to-audio"),
        Family("texture", "Textures"),
    )
}
