"""Notes played by recorded notes: pitch, length, level, and the pitch that a file's name states."""

import numpy as np
import pytest

from tests.support.music import frequency, sine
from zoo.audio import io
from zoo.errors import InputError
from zoo.separation import sampler
from zoo.separation.midi import Note
from zoo.separation.sampler import Sample
from zoo.separation.tracks import SAMPLE_RATE


def test_samples_play_a_line_at_its_pitch_and_length():
    samples = [Sample(sine(pitch, 2).astype("float32"), pitch) for pitch in (57, 65)]
    notes = [Note(0.5, 1.25, 63, 127), Note(1.5, 2.5, 84, 127), Note(3, 9, 57, 32)]
    sung = sampler.play(notes, samples, 4 * SAMPLE_RATE, np.random.default_rng(0))
    assert sung.shape == (4 * SAMPLE_RATE,) and sung.dtype == np.float32
    sounding = np.flatnonzero(sung) / SAMPLE_RATE
    starts = sounding[np.flatnonzero(np.diff(sounding, prepend=-1) > 0.1)]
    ends = sounding[np.flatnonzero(np.diff(sounding, append=9) > 0.1)]
    np.testing.assert_allclose(starts, [0.5, 1.5, 3.0], atol=1e-3)
    np.testing.assert_allclose(ends, [1.25, 2.5, 4.0], atol=1e-3)  # the last one is cut at the end of the song
    assert frequency(sung[24000:54000]) == pytest.approx(440 * 2 ** (-6 / 12), abs=0.3)
    assert frequency(sung[68000:108000]) == pytest.approx(440 * 2 ** (-9 / 12), abs=0.3)  # 84, two octaves lower
    assert np.abs(sung[: 2 * SAMPLE_RATE]).max() / np.abs(sung[3 * SAMPLE_RATE :]).max() == pytest.approx(2, rel=0.03)
    assert [sampler.fold(pitch, 53, 69) for pitch in (40, 53, 69, 70, 100)] == [64, 53, 69, 58, 64]


def test_samples_tell_their_pitch_and_start_with_the_note(tmp_path):
    late = np.concatenate([np.zeros(22050), sine(60)]) / 4
    for name in ("femalevoice_oo_femalevoice_oo_A3", "voices_oo2_c6", "sustain_db2_f_rr1", "malevoice_oo_Ds4"):
        io.write(tmp_path / f"{name}.wav", late, SAMPLE_RATE)
    samples = sampler.read_samples(sorted(tmp_path.glob("*.wav")))
    assert [sample.pitch for sample in samples] == [57, 63, 37, 84]
    assert sampler.read_samples([tmp_path / "sustain_db2_f_rr1.wav"], octaves=-1)[0].pitch == 25
    assert len(samples[0].audio) == pytest.approx(SAMPLE_RATE, abs=441) and np.abs(samples[0].audio).max() == 1
    io.write(tmp_path / "hum_1.wav", late, SAMPLE_RATE)
    with pytest.raises(InputError, match="states no pitch"):
        sampler.read_samples([tmp_path / "hum_1.wav"])
