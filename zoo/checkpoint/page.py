"""The page of one checkpoint: checkpoints/<name>/README.md, and the README of its repository on the Hub."""

from collections.abc import Sequence

from zoo.base.tables import markdown_table
from zoo.checkpoint import hub
from zoo.checkpoint.markdown import bullets, code, section
from zoo.families import FAMILIES

INSTALL = "pip install 'audio-zoo[tensorflow]'"


def readme(card: dict, source: str, pictures: Sequence[str]) -> str:
    """The page of a checkpoint under the metadata that the Hub reads.

    Args:
        card: facts of a checkpoint.
        source: what loads it, as for `zoo.load`.
        pictures: names of PNG files beside the page.

    Returns:
        The text of a README.md.

    Raises:
        ValueError: no figure of the evaluation has a value.

    Example:
        >>> from zoo.checkpoint import registry
        >>> "license: mit" in readme(registry.info("jnd-22k"), "hf://my-lab/jnd-22k", []).splitlines()
        True
    """
    family = FAMILIES[card["family"]]
    results = [headline for headline in family.module("card").headlines(card) if headline[3] is not None]
    if not results:
        raise ValueError("no figure has a value")
    tags = ["audio", "keras", "tensorflow", card["family"].replace("_", "-")]
    return hub.readme(
        f"# {card['name']}\n\n{page(card, source, pictures)}\n",
        card["name"],
        card["licence"]["weights"],
        family.task,
        tags,
        card.get("datasets", []),
        results,
    )


def page(card: dict, source: str, pictures: Sequence[str]) -> str:
    """A checkpoint's page: what it is, how to use it, its figures, training, limits and files.

    Args:
        card: facts of a checkpoint.
        source: what loads it, as for `zoo.load`.
        pictures: names of PNG files beside the page.

    Returns:
        Markdown, from the description on, without the name as heading.
    """
    family = FAMILIES[card["family"]].module("card")
    parts = [
        card["description"],
        code(INSTALL, "bash"),
        section("Usage", code(f"import zoo\n\n{family.usage(card, source)}", "python")),
        _facts(card),
        _links(card),
        family.evaluation(card),
        "\n\n".join(f"![{card['name']}: {name.removesuffix('.png')}]({name})" for name in pictures),
        _training(card),
        section("Departures from the paper", bullets(card["departures"])),
        *(family.studies(card) if hasattr(family, "studies") else []),
        section("Limits", bullets(card["limits"])),
        _serving(card),
        section("Citation", code("\n\n".join(paper.bibtex for paper in family.papers(card)), "bibtex")),
        section(
            "Files",
            markdown_table(["File", "sha256"], [[file, f"`{digest}`"] for file, digest in card["files"].items()]),
        ),
    ]
    return "\n\n".join(part for part in parts if part)


def _facts(card):
    licence = card["licence"]
    rows = [
        ["Architecture", card["architecture"]],
        *FAMILIES[card["family"]].module("card").facts(card),
        ["Sample rate", f"{card['sample_rate']} Hz"],
        ["Parameters", f"{card['parameters']:,}"],
        ["Licence", f"code {licence['code']}; weights {licence['weights']}; data {licence['data']}"],
        ["Data", _data(card)],
    ]
    return section("Facts", markdown_table(["Fact", ""], rows))


def _data(card):
    """What it was trained on, with the version of the manifest where the data folder has one."""
    version = card["training"].get("data_version")
    return f"{card['data']} ({version} of docs/data.md)" if version else card["data"]


def _links(card):
    """Papers, their authors' code, the code here, and data sets of the Hub."""
    papers = FAMILIES[card["family"]].module("card").papers(card)
    lines = [f"Paper: [{paper.title}]({paper.url})" for paper in papers]
    lines += [f"Code of its authors: <{paper.code}>" for paper in papers if paper.code]
    lines += [f"Code: `{card['architecture']}` in the folder `zoo/{card['family']}` of the package audio-zoo"]
    lines += [f"Data: [{name}](https://huggingface.co/datasets/{name})" for name in card.get("datasets", [])]
    return section("Links", bullets(lines))


def _serving(card):
    """Size and latency of the SavedModel, with XLA and in bfloat16; "" where they were not measured."""
    served = card.get("served")
    if not served:
        return ""
    median, late = served["milliseconds"]
    text = (
        f"{served['megabytes']:.1f} MB as a SavedModel with warm-up requests. One recording of 2.5 s, or a spectrogram of "
        f"250 frames, takes {median:.1f} ms (95 % of {served['n']} calls below {late:.1f} ms) on {served['machine']}; "
        f"commit `{served['commit']}`."
    )
    if "xla" in served:
        median, first = served["xla"]["milliseconds"][0], served["xla"]["first_milliseconds"] / 1000
        text += f" Compiled by XLA it takes {median:.1f} ms, after {first:.1f} s for each new length or batch size."
    if "bfloat16" in served:
        median, difference = served["bfloat16"]["milliseconds"][0], served["bfloat16"]["difference"]
        text += (
            f" In `mixed_bfloat16` the Keras model takes {median:.1f} ms, and its output differs by {difference:.2g} of"
            " the largest."
        )
    return section("Serving", text, code(served["command"]))


def _training(card):
    training = card["training"]
    versions = ", ".join(f"{package} {version}" for package, version in training["versions"].items())
    text = (
        f"{training['minutes']:.0f} minutes on {training['machine']}, seed {training['seed']}, "
        f"commit `{training['commit']}`; {versions}."
    )
    best = f"Best iteration: {training['best_iteration']}." if "best_iteration" in training else ""
    return section("Training", code(training["command"]), text, best)
