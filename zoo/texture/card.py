"""How the cards of textures read: the random networks with the paper's table, and the classifier behind its score."""

from zoo.checkpoint.markdown import code, interval, link, section, table

SCORES = {"class": "class score", "autocorrelation": "autocorrelation", "diversity": "copying"}
SHOWN = ("Gram alone", "Gram, autocorrelation")  # in the README
_CLASSIFIER = "SoundClassifier"


def facts(card):
    """Rows of the table of facts that only this family has."""
    if card["architecture"] == _CLASSIFIER:
        return [["Gives", "probabilities of classes of sounds"], ["Classes", ", ".join(card["classes"])]]
    return [
        ["Gives", "features of log spectrograms, one list entry a network"],
        ["Weights", "drawn from the seed, not stored"],
    ]


def evaluation(card):
    found = card["evaluation"]
    if card["architecture"] == _CLASSIFIER:
        return section(
            "Accuracy", accuracy(found), f"{found['data']}; commit `{found['commit']}`.", code(found["command"])
        )
    caption = (
        f"{found['data']}. Lower is better, except that copying only says how near the nearest shift is: about 0.5 for "
        "strangers. Networks of another seed judge the audio after Griffin-Lim. Means over textures with 95 % bootstrap "
        f"intervals; commit `{found['commit']}`."
    )
    return "\n\n".join(
        [
            section(
                "Synthesis compared (Table 1 of the paper)", scores(found["results"]), caption, code(found["command"])
            ),
            section("Weight of the diversity term (Figure 2)", scores(found["trade_off"])),
            section("Networks compared (section 3.3)", scores(found["networks"])),
        ]
    )


def accuracy(found):
    """Accuracy over all clips, and by class."""
    rows = [["all", interval(found["accuracy"], 3), found["n"], found["n_failed"]]]
    rows += [[name, "-" if share is None else f"{share:.2f}", "", ""] for name, share in found["by_class"].items()]
    return table(["Class", "accuracy [95 %]", "n", "failed"], rows)


def scores(results):
    """Systems by group of textures."""
    rows = [
        [system, group, *(interval(figures[score], 4) for score in SCORES), figures["n"], figures["n_failed"]]
        for system, by_group in results.items()
        for group, figures in by_group.items()
    ]
    return table(["System", "textures", *SCORES.values(), "n", "failed"], rows)


def studies(_):
    """Sections of what was tried beside the training itself."""
    return []


def headlines(card):
    """Figures for the Hub's metadata: (data, metric, its name, value)."""
    found = card["evaluation"]
    if card["architecture"] == _CLASSIFIER:
        return [(f"{found['n']} clips", "accuracy", "accuracy", found["accuracy"][0])]
    return [
        (f"{figures['n']} {group} textures", "autocorrelation", f"rhythm lost, {system}", figures["autocorrelation"][0])
        for system, by_group in found["results"].items()
        for group, figures in by_group.items()
        if system in SHOWN
    ]


def summary(cards):
    """The README's table."""
    rows = []
    for card in cards:
        found = card["evaluation"]
        if card["architecture"] == _CLASSIFIER:
            rows.append(
                [link(card), f"{card['parameters']:,}", f"accuracy {interval(found['accuracy'], 3)}", found["n"]]
            )
            continue
        rhythm = {name: found["results"][name]["rhythmic"] for name in SHOWN if name in found["results"]}
        told = [f"{name} {interval(facts['autocorrelation'], 3)}" for name, facts in rhythm.items()]
        n = next(iter(rhythm.values()))["n"]
        rows.append([link(card), f"{card['parameters']:,}, of a seed", f"rhythm lost: {'; '.join(told)}", n])
    return table(["Checkpoint", "Parameters", "Measured", "n"], rows)
