"""Noises and rooms to draw from: seeded, at rms 1, of their colour; splits share nothing but validation its rooms."""

import numpy as np
import pytest

from tests.support.harness import data_path
from zoo.audio import mix
from zoo.errors import InputError
from zoo.jnd import noises
from zoo.jnd.effects import SAMPLE_RATE
from zoo.jnd.noises import NOISES, Material


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def material():
    recordings = {name: [rng(i).standard_normal(9000).astype("float32")] for i, name in enumerate(noises._RECORDED)}
    return Material(recordings, [])


@pytest.mark.parametrize("name", NOISES)
def test_every_noise(name, material):
    noise = material.noise(name, 20001, rng())
    assert noise.shape == (20001,) and noise.dtype == np.float32
    assert mix.rms(noise) == pytest.approx(1, rel=1e-5)
    np.testing.assert_array_equal(noise, material.noise(name, 20001, rng()))
    assert not np.array_equal(noise, material.noise(name, 20001, rng(1)))


@pytest.mark.parametrize(("name", "slope"), [("white", 0.0), ("pink", -3.01), ("brown", -6.02), ("blue", 3.01)])
def test_colours(name, slope, material):
    power = np.abs(np.fft.rfft(material.noise(name, 2**18, rng()))) ** 2
    hertz = np.fft.rfftfreq(2**18, 1 / SAMPLE_RATE)
    octave = [power[(hertz >= low) & (hertz < 2 * low)].mean() for low in (100, 3200)]
    assert 10 * np.log10(octave[1] / octave[0]) / 5 == pytest.approx(slope, abs=0.15)
    assert power[hertz < 19.9].sum() < 1e-9 * power.sum()


def test_sirens_lie_in_their_band_and_differ():
    hertz = np.fft.rfftfreq(2 * SAMPLE_RATE, 1 / SAMPLE_RATE)
    peaks = []
    for seed in range(20):
        power = np.abs(np.fft.rfft(noises.siren(2 * SAMPLE_RATE, rng(seed)))) ** 2
        assert power[(hertz > 350) & (hertz < 10000)].sum() > 0.99 * power.sum()
        peaks.append(hertz[np.argmax(power)])
    assert np.std(peaks) > 50


def test_what_is_missing_says_so(tmp_path):
    with pytest.raises(InputError, match="no noise 'applause'"):
        Material({}, []).noise("applause", 100, rng())
    with pytest.raises(InputError, match="no noise 'rain'"):
        Material({}, []).noise("rain", 100, rng())
    with pytest.raises(InputError, match="Material.read"):
        Material({}, []).room(rng())
    with pytest.raises(InputError, match="split 'dev'"):
        Material.read(tmp_path, "dev")
    with pytest.raises(InputError, match="applause"):
        Material.read(tmp_path)


@pytest.mark.slow
def test_splits_of_the_real_data_share_nothing():
    data = data_path("MANIFEST.csv").parent
    data_path("textures", "applause.flac")
    train, test = Material.read(data, "train"), Material.read(data, "test")
    assert not {room.tobytes() for room in train.rooms} & {room.tobytes() for room in test.rooms}
    assert len(train.rooms) > len(noises.shoebox_rooms(16, 0, SAMPLE_RATE))
    for name in train.recordings:
        for one, other in zip(train.recordings[name], test.recordings[name], strict=True):
            assert len(one) == pytest.approx(3 * len(other), abs=5)
        assert mix.rms(train.noise(name, SAMPLE_RATE, rng())) == pytest.approx(1, rel=1e-5)
    place = data / "noise" / "train" / "running_tap"
    (whole,) = [noises.io.read(file, SAMPLE_RATE, resample=True)[0] for file in place.glob("*.flac")]
    (start,), (end,) = train.recordings["water_drops"], test.recordings["water_drops"]
    np.testing.assert_array_equal(whole[: len(start)], start)
    np.testing.assert_array_equal(whole[-len(end) :], end)
