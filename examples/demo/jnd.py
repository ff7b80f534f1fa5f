"""JND: would a listener hear the difference?"""

import numpy as np

import zoo
from examples.demo.cards import grid
from examples.demo.recordings import SAMPLE_RATE, Recording, read_recordings
from examples.demo.tables import html_table, named, number, scale, text_table
from zoo.audio import io
from zoo.jnd import effects

CHECKPOINT = "jnd-22k"
SECONDS = 2.5  # as listeners judged


def section(arguments):
    """Measure how far changed recordings sound from their reference."""
    reference, degraded = read_recordings(arguments)
    changed = _changes(reference.audio[: int(SECONDS * SAMPLE_RATE)])
    rows = [(each.name, *_judge(reference.audio, each.audio)) for each in (reference, *degraded, *changed)]
    print(f"\ndistance from {reference.name} by {CHECKPOINT}, and probability that a listener hears a difference")
    text = [(name, number(distance, 4), number(probability, 2)) for name, distance, probability in rows]
    print(text_table(("recording", "distance", "probability"), text))
    return f"""
<h2>JND: would a listener hear the difference?</h2>
<p><b>{CHECKPOINT}</b> learned from listeners who were asked whether two recordings are the same. It gives a distance,
which can be a loss, and the probability that a listener answers "different". It is above 0 even for
a recording and itself, as it is with people. The changes below are of the first {SECONDS} s of the reference.</p>
{_table(rows)}
{grid(changed)}"""


def _changes(audio):
    """Recordings of the reference with a change each, from one that is hard to hear to one that is plain."""
    rate, rng = effects.SAMPLE_RATE, np.random.default_rng(0)
    clip = io.resample(audio, SAMPLE_RATE, rate)
    changes = {
        "MP3 at 64 kb/s": effects.mp3(clip, 64),
        "MP3 at 8 kb/s": effects.mp3(clip, 8),
        "dull": effects.equalise(clip, (0, 0, 80)),
        "dropouts": effects.dropouts(clip, 0.05, rng),
    }
    captions = {
        "MP3 at 64 kb/s": "Coded and decoded.",
        "MP3 at 8 kb/s": "The lowest rate of the format.",
        "dull": "What is above 1 kHz is 16 dB softer.",
        "dropouts": "5 % of it, in pieces of 10 ms, is silent.",
    }
    return [
        Recording(name, captions[name], np.clip(io.resample(changed, rate, SAMPLE_RATE), -1, 1)[: len(audio)])
        for name, changed in changes.items()
    ]


def _judge(reference, audio):
    """Distance, and probability of the answer "different"."""
    pair = reference[: len(audio)], audio
    return [float(values[0]) for values in zoo.load(CHECKPOINT).judge(*pair, SAMPLE_RATE, resample=True)]


def _table(rows):
    header = "Recording", "Distance", '<span><i class="dot"></i> "different", 0 to 1</span>'
    return html_table(
        header,
        [
            [named(name, ""), number(distance, 4), scale((0, 1), np.nan, probability)]
            for name, distance, probability in rows
        ],
    )
