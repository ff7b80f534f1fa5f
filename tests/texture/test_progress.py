"""The bar of a synthesis: a stage each, from where the stage starts."""

import tqdm

from zoo.texture.progress import Bar


def test_each_stage_has_a_bar_whose_clock_starts_after_the_compilation(monkeypatch):
    bars = []

    class Stub:
        def __init__(self, total, desc, initial, **_):
            self.n, self.facts = initial, [desc, total, initial]
            bars.append(self.facts)

        def update(self, more):
            self.n += more
            self.facts.append(self.n)

        def set_postfix_str(self, text, refresh):
            self.text = text

        def close(self):
            self.facts.append("closed")

    monkeypatch.setattr(tqdm, "tqdm", Stub)
    with Bar() as bar:
        for done in range(3):
            bar("spectrogram", done, 2, 0.5)
        bar("phases", 1, 1, 0.1)
    assert bars == [["spectrogram", 2, 0, 0, 1, 2, "closed"], ["phases", 1, 0, 1, "closed"]]
