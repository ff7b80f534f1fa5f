"""Write MODEL_CARDS.md and the README's table of checkpoints from checkpoints/*/card.json.

Usage: python tools/make_cards.py [--check]
"""

import argparse
import re
import sys
from pathlib import Path

import zoo
from zoo import registry

REPOSITORY = Path(__file__).resolve().parent.parent
MARKERS = re.compile(r"(<!-- checkpoints -->\n).*?(<!-- /checkpoints -->)", re.DOTALL)


def table(header, rows):
    """A Markdown table; "" where there are no rows."""
    if not rows:
        return ""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell(value) for value in line) + " |" for line in lines)


def cell(value):
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def interval(triple):
    """A figure with its 95 % interval: 0.9912 [0.9900, 0.9923]."""
    if None in triple:
        return "undefined"
    value, low, high = triple
    return f"{value:.4f} [{low:.4f}, {high:.4f}]"


def bullets(lines):
    return "\n".join(f"- {line}" for line in lines)


def metric_name(metric):
    return " ".join(filter(None, [metric["name"].upper(), metric.get("mode")]))


def section(title, *parts):
    body = "\n\n".join(part for part in parts if part)
    return f"### {title}\n\n{body}" if body else ""


def code(text):
    return f"```\n{text}\n```"


def facts(card):
    metric, licence = card["metric"], card["licence"]
    low, high = metric["range"]
    direction = "higher" if metric["higher_is_better"] else "lower"
    rows = [
        ["Architecture", card["architecture"]],
        ["Predicts", f"{metric_name(metric)}, {low} to {high}, {direction} is better"],
        ["Sample rate", f"{card['sample_rate']} Hz"],
        ["Parameters", f"{card['parameters']:,}"],
        ["Licence", f"code {licence['code']}; weights {licence['weights']}; data {licence['data']}"],
        ["Data", card["data"]],
    ]
    return table(["Fact", ""], rows)


def training(card):
    facts_ = card["training"]
    versions = ", ".join(f"{package} {version}" for package, version in facts_["versions"].items())
    text = (
        f"{facts_['minutes']:.0f} minutes on {facts_['machine']}, seed {facts_['seed']}, "
        f"commit `{facts_['commit']}`; {versions}."
    )
    return section("Training", code(facts_["command"]), text)


def evaluation(card):
    found = card["evaluation"]
    statistics = ["pearson", "spearman", "rmse", "mae"]
    rows = [
        [group, *(interval(result[name]) for name in statistics), result["n"], result["n_failed"]]
        for group, result in found["results"].items()
    ]
    header = ["Pairs", "Pearson", "Spearman", "RMSE", "MAE", "n", "failed"]
    caption = f"{found['data']}. 95 % bootstrap intervals; commit `{found['commit']}`."
    return section("Agreement with the true metric", table(header, rows), caption, code(found["command"]))


def gradient(card):
    """What steps along the gradient did to the true score."""
    found = card.get("gradient")
    if not found:
        return ""
    rows = [found["steps"], *([f"{score:.3f}" for score in found[key]] for key in ("predicted", "truth"))]
    lines = [[title, *row] for title, row in zip(("Steps", "Predicted", "True"), rows, strict=True)]
    fooled, best = found["fooled_at_step"], found["steps"].index(found["best_step"])
    told = (
        f"{found['data']}; n {found['n']}, failed {found['n_failed']}. The mean true score gains "
        f"{interval(found['gain_at_best'])} at step {found['best_step']}, the best, where the surrogate promises "
        f"{found['predicted'][best] - found['predicted'][0]:.4f}; "
        + (f"by step {fooled} it falls again." if fooled else "more steps were not tried.")
        + f" Commit `{found['commit']}`."
    )
    return section("Ascending the gradient", table(lines[0], lines[1:]), told, code(found["command"]))


def ablation(card):
    """Variants of the network after the same small training."""
    found = card.get("ablation")
    if not found:
        return ""
    header = ["Variant", "Pearson", "RMSE", "n", "failed", "minutes of training"]
    rows = [
        [row["change"], interval(row["pearson"]), interval(row["rmse"]), row["n"], row["n_failed"], row["minutes"]]
        for row in found["rows"]
    ]
    told = (
        f"Each trained on the same {found['n_train']} pairs, epochs: {found['epochs']}, and tested on unseen "
        f"talkers and noises: far less than the checkpoint had, enough to compare. Commit `{found['commit']}`."
    )
    return section("What each change was worth", table(header, rows), told, code(found["command"]))


def images(name):
    found = sorted((registry.root() / name).glob("*.png"))
    return "\n\n".join(f"![{name}: {path.stem}](checkpoints/{name}/{path.name})" for path in found)


def card_page(card):
    name = card["name"]
    parts = [
        f"## {name}\n\n{card['description']}",
        f'```python\nmodel = zoo.load("{name}")\n```',
        facts(card),
        evaluation(card),
        images(name),
        training(card),
        section("Departures from the paper", bullets(card["departures"])),
        ablation(card),
        gradient(card),
        section("Limits", bullets(card["limits"])),
        section(
            "Files",
            table(["File", "sha256"], [[file, f"`{digest}`"] for file, digest in card["files"].items()]),
        ),
    ]
    return "\n\n".join(part for part in parts if part)


def model_cards(cards):
    """Text of MODEL_CARDS.md."""
    head = "# Model cards\n\nGenerated by `make cards` from `checkpoints/*/card.json`: edit those."
    contents = bullets(f"[{card['name']}](#{card['name']}): {card['description']}" for card in cards)
    return "\n\n".join(part for part in [head, contents, *map(card_page, cards)] if part) + "\n"


def readme_table(cards):
    """The README's table of checkpoints."""
    rows = []
    for card in cards:
        result = card["evaluation"]["results"]["all"]
        link = f"[`{card['name']}`](MODEL_CARDS.md#{card['name']})"
        figures = [interval(result["pearson"]), interval(result["rmse"]), result["n"]]
        rate = f"{card['sample_rate'] / 1000:g} kHz"
        rows.append([link, metric_name(card["metric"]), rate, f"{card['parameters']:,}", *figures])
    header = ["Checkpoint", "Predicts", "Rate", "Parameters", "Pearson [95 %]", "RMSE [95 %]", "n"]
    return table(header, rows)


def generated():
    """{path: text as it should be} of both files."""
    cards = [zoo.info(name) for name in zoo.list()]
    readme = REPOSITORY / "README.md"
    text, found = MARKERS.subn(
        lambda match: f"{match[1]}{readme_table(cards)}\n{match[2]}", readme.read_text(encoding="utf-8")
    )
    if found != 1:
        sys.exit("README.md needs the lines <!-- checkpoints --> and <!-- /checkpoints --> once.")
    return {REPOSITORY / "MODEL_CARDS.md": model_cards(cards), readme: text}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    check = parser.parse_args().check
    stale = [
        (path, text)
        for path, text in generated().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        if not check:
            path.write_text(text, encoding="utf-8")
        print(f"{path.name} {'is stale: run make cards' if check else 'written'}")
    sys.exit(bool(check and stale))


if __name__ == "__main__":
    main()
