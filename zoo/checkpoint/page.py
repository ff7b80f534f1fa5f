"""The page of one checkpoint, in MODEL_CARDS.md and on the Hub."""

from zoo.checkpoint.markdown import bullets, code, section, table
from zoo.families import FAMILIES


def page(card, source, images):
    """A checkpoint's page: what it is, how to load it, its figures, training, limits and files.

    Args:
        card: facts of a checkpoint, a dict.
        source: what loads it, as for `zoo.load`.
        images: {title: path or address}.

    Returns:
        Markdown, from the description on, without the name as heading.

    Example:
        >>> page(zoo.info("jnd-22k"), "hf://my-lab/jnd-22k", {})
    """
    family = FAMILIES[card["family"]].module("card")
    parts = [
        card["description"],
        f'```python\nmodel = zoo.load("{source}")\n```',
        _facts(card),
        family.evaluation(card),
        "\n\n".join(f"![{card['name']}: {title}]({path})" for title, path in images.items()),
        _training(card),
        section("Departures from the paper", bullets(card["departures"])),
        *family.studies(card),
        section("Limits", bullets(card["limits"])),
        _served(card),
        section("Files", table(["File", "sha256"], [[file, f"`{digest}`"] for file, digest in card["files"].items()])),
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
        ["Data", card["data"]],
    ]
    return table(["Fact", ""], rows)


def _served(card):
    """Size and latency of the SavedModel, with XLA and in bfloat16; "" where they were not measured."""
    found = card.get("served")
    if not found:
        return ""
    median, late = found["milliseconds"]
    text = (
        f"{found['megabytes']:.1f} MB as a SavedModel with warm-up requests. One recording of 2.5 s, or a spectrogram of "
        f"250 frames, takes {median:.1f} ms (95 % of {found['n']} calls below {late:.1f} ms) on {found['machine']}; "
        f"commit `{found['commit']}`."
    )
    if "xla" in found:
        median, first = found["xla"]["milliseconds"][0], found["xla"]["first_milliseconds"] / 1000
        text += f" Compiled by XLA it takes {median:.1f} ms, after {first:.1f} s for each new length or batch size."
    if "bfloat16" in found:
        low, difference = found["bfloat16"]["milliseconds"][0], found["bfloat16"]["difference"]
        text += (
            f" In `mixed_bfloat16` the Keras model takes {low:.1f} ms, and its output differs by {difference:.2g} of"
        )
        text += " the largest."
    return section("ServingModel", text, code(found["command"]))


def _training(card):
    found = card["training"]
    versions = ", ".join(f"{package} {version}" for package, version in found["versions"].items())
    text = (
        f"{found['minutes']:.0f} minutes on {found['machine']}, seed {found['seed']}, "
        f"commit `{found['commit']}`; {versions}."
    )
    kept = f"Kept: iteration {found['best_iteration']}." if "best_iteration" in found else ""
    return section("Training", code(found["command"]), text, kept)
