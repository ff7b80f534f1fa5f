"""The bundled example recordings are where `zoo.examples()` says, aligned and at the SNR that it names."""

import numpy as np
import pytest

from zoo.audio import io
from zoo.data.examples import examples


@pytest.fixture(scope="module")
def recordings():
    return {name: io.read(path) for name, path in examples().items()}


def test_there_are_four_at_16_khz_of_one_length(recordings):
    assert sorted(recordings) == ["degraded", "enhanced", "mild", "reference"]
    assert {rate for _, rate in recordings.values()} == {16000}
    assert len({audio.shape for audio, _ in recordings.values()}) == 1
    assert all(audio.ndim == 1 for audio, _ in recordings.values())


@pytest.mark.parametrize(("name", "snr_db"), [("degraded", 5), ("mild", 30)])
def test_the_noise_is_as_loud_as_the_docstring_says(recordings, name, snr_db):
    reference, noisy = (recordings[key][0].astype(np.float64) for key in ("reference", name))
    noise = noisy - reference
    assert 10 * np.log10(np.mean(reference**2) / np.mean(noise**2)) == pytest.approx(snr_db, abs=0.5)
