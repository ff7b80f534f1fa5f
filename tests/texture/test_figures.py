"""Figures of textures are small PNG files."""

import numpy as np
from PIL import Image

from zoo.texture import figures


def test_figures_are_small_png(tmp_path):
    results = {f"x {beta:g}": {"rhythmic": {"class": [beta, 0, 1], "diversity": [1, 0.5, 2]}} for beta in (0.1, 0.2)}
    figures.trade_off(results, "rhythmic", tmp_path / "a.png")
    figures.by_shift({"one": np.random.default_rng(0).random(500)}, "rain", tmp_path / "b.png")
    figures.by_iteration([{"iterations": n, "seconds": n, "loss": 1 / n} for n in (50, 100)], tmp_path / "c.png")
    for path in tmp_path.glob("*.png"):
        assert Image.open(path).format == "PNG" and path.stat().st_size < 300_000
