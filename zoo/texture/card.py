"""The pages of textures: the random networks with the paper's table, and the classifier behind its score."""

from zoo.base.tables import markdown_table
from zoo.checkpoint.markdown import code, interval, link, section
from zoo.checkpoint.papers import ANTOGNINI

SCORES = {
    "class": "class score", "autocorrelation": "autocorrelation", "diversity": "copying",
    "spectrogram autocorrelation": "autocorrelation of spectrograms", "spectrogram diversity": "copying of spectrograms",
}  # fmt: skip
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


def papers(_):
    """Papers that the page cites."""
    return [ANTOGNINI]


def usage(card, source):
    """Python that synthesizes more of a recording, or says what sounds it has."""
    if card["architecture"] == _CLASSIFIER:
        return f"""\
audio, sample_rate = zoo.audio.io.read(zoo.examples()["degraded"])

classifier = zoo.load("{source}")  # a keras.Model, frozen
probabilities = classifier.probabilities(audio, sample_rate=sample_rate)  # (batch, classes)
print(classifier.classes[probabilities[0].argmax()])"""
    return f"""\
target, sample_rate = zoo.audio.io.read(zoo.examples()["degraded"])  # or rain, a stream, applause

ensemble = zoo.load("{source}")  # a keras.Model of log spectrograms
# A quick try: without the last three options it takes minutes, and with quality="paper" it is the paper's synthesis.
result = zoo.texture.synthesize(
    target[:sample_rate], sample_rate, ensemble=ensemble, beta=0, iterations=2, phase_iterations=5
)
print(result.audio.shape)"""


def evaluation(card):
    evaluated = card["evaluation"]
    if card["architecture"] == _CLASSIFIER:
        return section(
            "Accuracy",
            accuracy(evaluated),
            f"{evaluated['data']}; commit `{evaluated['commit']}`.",
            code(evaluated["command"]),
        )
    caption = (
        f"{evaluated['data']}. Lower is better, except that copying only says how near the nearest shift is: about 0.5 for "
        "strangers. Networks of another seed judge the audio after Griffin-Lim. Means over textures with 95 % bootstrap "
        f"intervals; commit `{evaluated['commit']}`."
    )
    return "\n\n".join(
        [
            section(
                "Synthesis compared (Table 1 of the paper)",
                scores(evaluated["results"]),
                caption,
                code(evaluated["command"]),
            ),
            section("Weight of the diversity term (Figure 2)", scores(evaluated["trade_off"])),
            *(
                section("Weight of the rhythm (section 3.2.1)", scores(evaluated[name]))
                for name in evaluated
                if name == "rhythm"
            ),
            section("Networks compared (section 3.3)", scores(evaluated["networks"])),
        ]
    )


def accuracy(evaluated):
    """Accuracy over all clips, and by class."""
    rows = [["all", interval(evaluated["accuracy"], 3), evaluated["n"], evaluated["n_failed"]]]
    rows += [[name, "-" if share is None else f"{share:.2f}", "", ""] for name, share in evaluated["by_class"].items()]
    return markdown_table(["Class", "accuracy [95 %]", "n", "failed"], rows)


def scores(results):
    """Systems by group of textures, with the scores that the evaluation has."""
    groups = [(system, group, figures) for system, by_group in results.items() for group, figures in by_group.items()]
    shown = [score for score in SCORES if all(score in figures for _, _, figures in groups)]
    rows = [
        [system, group, *(interval(figures[score], 4) for score in shown), figures["n"], figures["n_failed"]]
        for system, group, figures in groups
    ]
    return markdown_table(["System", "textures", *(SCORES[score] for score in shown), "n", "failed"], rows)


def headlines(card):
    """Figures for the Hub's metadata: (data, metric, its name, value)."""
    evaluated = card["evaluation"]
    if card["architecture"] == _CLASSIFIER:
        return [(f"{evaluated['n']} clips", "accuracy", "accuracy", evaluated["accuracy"][0])]
    return [
        (f"{figures['n']} {group} textures", "autocorrelation", f"rhythm lost, {system}", figures["autocorrelation"][0])
        for system, by_group in evaluated["results"].items()
        for group, figures in by_group.items()
        if system in SHOWN
    ]


def summary(cards):
    """The table of the family's checkpoints."""
    rows = []
    for card in cards:
        evaluated = card["evaluation"]
        if card["architecture"] == _CLASSIFIER:
            rows.append(
                [
                    link(card),
                    f"{card['parameters']:,}",
                    f"accuracy {interval(evaluated['accuracy'], 3)}",
                    evaluated["n"],
                ]
            )
            continue
        rhythm = {name: evaluated["results"][name]["rhythmic"] for name in SHOWN if name in evaluated["results"]}
        figures = [f"{name} {interval(facts['autocorrelation'], 3)}" for name, facts in rhythm.items()]
        n = next(iter(rhythm.values()))["n"]
        rows.append([link(card), f"{card['parameters']:,}, of a seed", f"rhythm lost: {'; '.join(figures)}", n])
    return markdown_table(["Checkpoint", "Parameters", "Measured", "n"], rows)
