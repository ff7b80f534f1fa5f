"""Enhancement: noise removed from speech."""

from html import escape
from typing import NamedTuple

import numpy as np

import zoo
from examples.demo.cards import grid
from examples.demo.recordings import MEASURED, SAMPLE_RATE, Recording, read_recordings, timed
from examples.demo.tables import html_table, named, number, scale, text_table
from zoo.metrics import speech

ENHANCER = "qrnn-quality-net-16k"
SURROGATE = "quality-net-lite-pesq-wb-16k"  # predicts the PESQ of enhanced speech


class Gain(NamedTuple):
    metric: str
    note: str
    before: float
    after: float
    ends: tuple  # of the metric's scale on the page


def section(arguments):
    """Enhance the noisy recording and score it before and after."""
    reference, (noisy, *_) = read_recordings(arguments)
    samples, milliseconds = timed(zoo.load(ENHANCER).enhance, noisy.audio, SAMPLE_RATE)
    enhanced = Recording(f"{noisy.name}, enhanced", f"By {ENHANCER}.", np.clip(samples, -1, 1))
    gains = _gains(reference, noisy, enhanced)
    print(f"\n{noisy.name}, enhanced by {ENHANCER} in {milliseconds:.0f} ms")
    print(text_table(("metric", "noisy", "enhanced", "gain", ""), [(g.metric, *_numbers(g), g.note) for g in gains]))
    name = escape(noisy.name)
    return f"""
<h2>Enhancement: the noise taken out</h2>
<p><a href="#{name.replace(" ", "-")}">{name}</a>, before and after {ENHANCER}: {len(noisy.audio) / SAMPLE_RATE:.1f} s
of audio in {milliseconds:.0f} ms on this machine (the second call). The network never saw the reference, which only
the scores need.</p>
{_table(gains)}
{grid([enhanced])}"""


def _gains(reference, noisy, enhanced):
    """A Gain for each true metric, and for PESQ as a surrogate predicts it."""
    predict = zoo.load(SURROGATE).score
    measures = [(metric, "", *how) for metric, how in MEASURED.items()]
    ends = MEASURED["PESQ wb"][1]
    measures.insert(1, ("PESQ wb", f"predicted by {SURROGATE}", lambda *pair: predict(*pair, SAMPLE_RATE), ends))
    measures.append(("SI-SDR (dB)", "", speech.si_sdr, (-10.0, 30.0)))
    return [
        Gain(metric, note, *(float(measure(reference.audio, each.audio)[0]) for each in (noisy, enhanced)), ends)
        for metric, note, measure, ends in measures
    ]


def _numbers(gain):
    """The scores before and after, and their difference, as text."""
    difference = gain.after - gain.before
    change = "-" if np.isnan(difference) else f"{difference:+.3f}"
    return number(gain.before, 3), number(gain.after, 3), change


def _table(gains):
    header = (
        "Metric",
        "Noisy",
        "Enhanced",
        "Gain",
        '<span><i class="bar"></i> noisy</span> <span><i class="dot"></i> enhanced</span>',
    )
    rows = [[named(g.metric, g.note), *_numbers(g), scale(g.ends, bar=g.before, dot=g.after)] for g in gains]
    return html_table(header, rows)
