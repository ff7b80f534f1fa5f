"""How cards read as Markdown: a module a family, and the page that all share."""

from zoo.cards import enhancement, jnd, quality_net, separation, texture

# Each has TITLE and TASK (the Hub's name of the task, or None), facts, evaluation, studies, headlines and summary.
FAMILIES = {
    "quality_net": quality_net,
    "jnd": jnd,
    "enhancement": enhancement,
    "separation": separation,
    "texture": texture,
}
