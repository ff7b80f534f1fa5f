"""The table of scores by iteration."""

import json
import sys

import pytest

from tests.support.texture import RATE, Loudness, make_networks_small, noise
from tools import texture_iterations
from zoo.audio import io
from zoo.checkpoint import preset
from zoo.errors import InputError


def test_it_writes_a_table_and_a_figure(tmp_path, monkeypatch, capsys):
    rows = [{"iterations": count, "seconds": 1.0, "loss": 2.0 / count} for count in (1, 2)]
    make_networks_small(monkeypatch)
    monkeypatch.setattr(preset, "load", lambda _: Loudness())
    monkeypatch.setattr(texture_iterations, "scores_by_iteration", lambda *_: rows)
    (tmp_path / "textures").mkdir()
    for name in ("clock_tick_a", "rain_city"):
        io.write(tmp_path / "textures" / f"{name}.flac", noise(1.2), RATE)
    arguments = ["--data", str(tmp_path), "--output", str(tmp_path / "runs" / "table")]
    monkeypatch.setattr(sys, "argv", ["tools/texture_iterations.py", *arguments])
    texture_iterations.main()
    assert "rain_city: 1 s" in capsys.readouterr().out
    assert json.loads((tmp_path / "runs" / "table.json").read_text())["textures"]["clock_tick_a"] == rows
    assert (tmp_path / "runs" / "table.png").stat().st_size > 1000
    monkeypatch.setattr(sys, "argv", ["tools/texture_iterations.py", "--counts", "5", "2"])
    with pytest.raises(InputError, match="rising"):
        texture_iterations.main()
