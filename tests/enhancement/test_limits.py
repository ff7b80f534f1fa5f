"""Measured limits of enhancers: the material, and each figure of systems whose effect is known."""

import numpy as np
import pytest

from zoo.audio import io
from zoo.audio.mix import colored_noise, rms
from zoo.enhancement import limits
from zoo.enhancement.examples import Example

RATE = 16000


def noise(seed, seconds=4.0):
    audio = colored_noise(int(seconds * RATE), 1.0, np.random.default_rng(seed))
    return (0.05 * audio / rms(audio)).astype("float32")


@pytest.fixture(autouse=True)
def no_pesq(monkeypatch):
    """SI-SDR in its place, which takes any sound."""
    score = limits.speech.score_or_nan
    monkeypatch.setattr(limits.speech, "score_or_nan", lambda _, *pair: score("si-sdr", *pair))


@pytest.fixture
def recordings():
    talkers = [(f"t{i % 3}", noise(i)) for i in range(6)]
    return limits.Material(talkers, [("a", noise(10)), ("b", noise(11))], [("u", noise(12)), ("v", noise(13))])


def value(measured, key):
    return measured[key]["value"][0]


def test_a_system_that_changes_nothing_has_no_limits(recordings):
    measured = limits.measure(lambda noisy: list(noisy), recordings)
    assert list(measured) == list(limits.ROWS)
    assert value(measured, "music") == pytest.approx(0, abs=1e-6)
    assert value(measured, "music-10db-si-sdr") == pytest.approx(10, abs=0.5)
    assert value(measured, "talker-0db-first") == pytest.approx(0, abs=0.5)
    assert value(measured, "talker-10db-first") == pytest.approx(10, abs=0.5)
    assert value(measured, "talker-0db-both") > 100
    assert value(measured, "talker-10db-second") == pytest.approx(0, abs=1e-3)
    assert value(measured, "peak-50db") < -100 and value(measured, "peak-0db") < -100
    assert -40 < value(measured, "offset") < 20  # the offset itself comes out
    assert measured["music"]["n"] == 2 and measured["talker-0db-first"]["n"] == 6
    low, high = measured["talker-0db-first"]["value"][1:]
    assert low <= 0.5 and high >= -0.5 and np.isnan(measured["offset"]["value"][1:]).all()


def test_what_a_system_does_to_the_second_talker_and_to_the_level_is_measured(recordings):
    mixtures = {audio[:20].tobytes(): audio for _, audio in recordings.music}

    def system(noisy):
        """Halves music alone, and clips at a fixed level, which is not the same at every level."""
        return [audio / 2 if audio[:20].tobytes() in mixtures else np.clip(audio, -0.1, 0.1) for audio in noisy]

    measured = limits.measure(system, recordings)
    assert value(measured, "music") == pytest.approx(-6.02, abs=0.01)
    assert value(measured, "peak-50db") > -20 and value(measured, "peak-0db") > -20
    first, second = recordings.talkers[0][1], recordings.talkers[1][1]
    assert limits._second_db(first, second, first + second, first + second / 10) == pytest.approx(-20, abs=0.01)
    assert limits._second_db(first, second, first + second, 0 * first) == pytest.approx(-200)  # in float32


def test_what_there_is_no_material_for_is_not_there(recordings):
    one = limits.Material(recordings.talkers[:1], [], recordings.noisy)
    assert set(limits.measure(lambda noisy: list(noisy), one)) == {"peak-50db", "peak-0db", "offset"}
    assert set(limits.measure(lambda noisy: list(noisy), limits.Material([], recordings.music, []))) == {"music"}


def test_silence_that_comes_out_fails_and_is_counted(recordings):
    measured = limits.measure(lambda noisy: [0 * audio for audio in noisy], recordings)
    assert measured["peak-0db"]["n_failed"] == 2 and np.isnan(value(measured, "peak-0db"))
    assert measured["talker-0db-first"]["n_failed"] == 6 and value(measured, "music") == -200
    row = next(row for row in limits.rows({"mine": measured})[1] if "peak of 0" in row[0])
    assert row[1:] == ["-", "2", "2"]


def test_material_is_of_all_talkers_in_turn_and_the_same_each_time():
    mixtures = [
        Example(f"t{i % 3}-{i}", 6, noise(i, seconds), noise(i + 20, seconds))
        for i, seconds in enumerate((5, 5, 2, 6, 5, 2))
    ]
    one, two = limits.material(mixtures, []), limits.material(mixtures, [])
    names = [name for name, _ in one.talkers]
    assert names[:4] == ["t0", "t1", "t0", "t1"] and len(names) == 21  # t2 has nothing of 4 s
    assert len(one.noisy) == 4 and all(len(audio) == 4 * RATE for _, audio in (*one.talkers, *one.noisy))
    np.testing.assert_array_equal(one.talkers[3][1], two.talkers[3][1])
    assert rms(one.talkers[0][1]) == pytest.approx(10 ** (-26 / 20), rel=1e-3)
    assert limits.material(mixtures[2:3], []) == limits.Material([], [], [])


def test_music_is_read_without_voices_and_silence(tmp_path):
    for name, level in (("loud", 1.0), ("silent", 0.0)):
        for stem, gain in (("drums", 1.0), ("bass", 1.0), ("vocals", 10.0), ("mixture", 12.0)):
            (tmp_path / "music" / "test" / name).mkdir(parents=True, exist_ok=True)
            stereo = np.stack([noise(1, 9.0)] * 2, axis=1)
            io.write(tmp_path / "music" / "test" / name / f"{stem}.wav", level * gain * 0.05 * stereo, RATE)
    (tmp_path / "music" / "MANIFEST.csv").write_text("")
    music = limits.read_music(tmp_path)
    assert [name for name, _ in music] == ["loud"] * 3
    assert all(len(audio) == 4 * RATE and rms(audio) == pytest.approx(0.0501, abs=1e-3) for _, audio in music)


def test_the_table_has_a_column_a_system_and_a_dash_for_what_is_not_known():
    figure = {"value": [-6.0, None, None], "n": 21, "n_failed": 1}
    header, table = limits.rows({"noisy": {"music": figure}, "mine": {"music": figure, "offset": figure}})
    assert header == ["Limit", "noisy", "mine", "n", "failed"]
    assert table[0] == [limits.ROWS["music"][0], "-6.0", "-6.0", "21", "2"]
    assert table[1][1:] == ["-", "-6.0", "21", "1"]
