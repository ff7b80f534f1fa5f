"""The families of the zoo, one row each: the only place that lists them. Imports nothing of the zoo.

A family's modules are in its folder under fixed names, and `Family.module` imports them:

- `model`: model classes, which config.json files name;
- `train`: its recipe, and `report`: its evaluation;
- `loss`: the loss class of its row, if it has one;
- `card`: how the page of a checkpoint reads. Functions of a card, or of a list of cards, that return Markdown except as
  noted: `facts(card)`, rows of the table of facts; `papers(card)`, a list of `zoo.checkpoint.papers.Paper`;
  `usage(card, source)`, Python code that runs after `import zoo`; `evaluation(card)`; `headlines(card)`, a list of
  (data, metric, its name, value) for the Hub; `summary(cards)`, the family's table. It may also have `studies(card)`, a
  list of sections, and `comparison(cards)`, what is compared beyond that table.
"""

import importlib
from dataclasses import dataclass
from types import ModuleType


@dataclass(frozen=True)
class Family:
    """A family's row.

    Attributes:
        name: of its folder, and as cards write it.
        title: heading of its part of pages.
        score: noun of what its models give.
        task: the Hub's name of the task; None where the Hub has none.
        loss: name of the loss class in its `loss` module; None where its models are no losses.
    """

    name: str
    title: str
    score: str
    task: str | None = None
    loss: str | None = None

    def module(self, name: str) -> ModuleType:
        """The family's module of that name, such as "card"."""
        return importlib.import_module(f"zoo.{self.name}.{name}")


FAMILIES = {
    family.name: family
    for family in (
        Family("quality_net", "Learned metrics", "predicted PESQ or STOI", loss="QualityNetLoss"),
        Family("jnd", "Perceptual distances", "distance", loss="JNDLoss"),
        Family("enhancement", "Speech enhancers", "enhanced speech", task="audio-to-audio"),
        Family("separation", "Separators", "sources", task="audio-to-audio"),
        Family("texture", "Textures", "texture"),
    )
}
