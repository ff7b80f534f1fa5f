"""Figures of enhancers are PNG files, wider with every training."""

import numpy as np
from PIL import Image

from tests.support.harness import REPOSITORY
from zoo.audio import io, mix
from zoo.data.speech import SAMPLE_RATE
from zoo.enhancement import figures

CURVE = {"iteration": [0, 10, 20, 30], "pesq-wb": [1.5, 1.6, 1.7, 1.4], "predicted": [1.5, None, 2.0, 2.6]}
TRAINING = {"curve": CURVE, "best_iteration": 20}


def test_figures_are_png(tmp_path):
    figures.learning({"mse": TRAINING, "fixed": TRAINING, "refresh": TRAINING}, tmp_path / "three.png")
    figures.learning({"mse": TRAINING}, tmp_path / "one.png")
    clean = io.read(REPOSITORY / "zoo" / "data" / "audio" / "speech_reference.flac", SAMPLE_RATE)[0][8000:25000]
    noise = mix.colored_noise(len(clean), 1.0, np.random.default_rng(0))
    noisy = mix.mix_at_snr(clean, noise, 6)
    figures.spectrograms(clean, {"noisy": noisy, "half": noisy / 2}, SAMPLE_RATE, tmp_path / "spectrograms.png")
    sizes = {path.stem: Image.open(path).size for path in tmp_path.iterdir()}
    assert sorted(sizes) == ["one", "spectrograms", "three"]
    assert sizes["three"][0] > 1.5 * sizes["one"][0]


def test_lines_over_snr_are_of_the_measures_that_there_are(tmp_path):
    row = {"pesq-wb": [2.0, 1.5, 2.5], "stoi": [0.8, None, None], "n": 2}
    older = {snr: row for snr in ("-6", "6", "average")}
    newer = {snr: row | {"dnsmos-ovrl": [3.0, 2.5, 3.5], "si-sdr": [3.0, 2.0, 4.0]} for snr in older}
    assert figures.levels({"noisy": older}) == ["-6", "6"]
    figures.over_snr({"noisy": older, "one": older}, tmp_path / "two.png")
    figures.over_snr({"noisy": older} | {f"system {i}": newer for i in range(20)}, tmp_path / "four.png")
    two, four = (Image.open(tmp_path / f"{name}.png").size for name in ("two", "four"))
    assert two[0] == four[0] and four[1] > 1.5 * two[1]
