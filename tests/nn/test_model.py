"""The bases of waveform models, on toy models of one weight."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo import backend
from zoo.errors import InputError
from zoo.nn import segments
from zoo.nn.model import PairMetric, WaveformModel

RATE = 100
AUDIO = np.random.default_rng(0).standard_normal((2, 50)).astype("float32")


@keras.saving.register_keras_serializable(package="test model")
class Gain(WaveformModel):
    """Multiplies a waveform by a weight, 1 at first."""

    def __init__(self, sample_rate=RATE, name="gain"):
        waveform = keras.Input((None, 1))
        core = keras.Model(waveform, keras.layers.Conv1D(1, 1, use_bias=False, kernel_initializer="ones")(waveform))
        super().__init__(core, sample_rate, name)

    def call(self, inputs):
        (waveform,), _, _ = self.unpack(inputs)
        return self.core(waveform[:, :, None])[:, :, 0]

    def get_config(self):
        return {"sample_rate": self.sample_rate, "name": self.name}


class Difference(PairMetric):
    """Mean absolute difference over the samples that count."""

    def __init__(self):
        difference, lengths = keras.Input((None,)), keras.Input((), dtype="int32")
        total = ops.sum(ops.abs(difference), axis=1) / ops.cast(ops.maximum(lengths, 1), "float32")
        super().__init__(keras.Model([difference, lengths], total), RATE, "difference")

    def core_features(self, reference, degraded, lengths):
        return [reference - degraded, lengths]

    def call(self, inputs):
        return self.core(self.core_inputs(inputs))


@pytest.mark.parametrize("model", [Gain(), Difference()], ids=["gain", "difference"])
def test_a_model_is_built_and_computes_in_float32(model):
    assert model.built and model.compute_dtype == "float32"
    assert model.jit_compile == model.core.jit_compile == backend.jit()


def test_it_computes_in_float32_whatever_the_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = Gain()
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.compute_dtype == "float32" and model.core.layers[-1].compute_dtype == "bfloat16"


def test_a_call_takes_waveforms_with_or_without_lengths():
    model, lengths = Gain(), np.array([50, 20])
    masked = AUDIO * (np.arange(50) < lengths[:, None])
    for inputs, expected in ((AUDIO, AUDIO), ([AUDIO], AUDIO), ([AUDIO, lengths], masked), ((AUDIO, lengths), masked)):
        np.testing.assert_array_equal(ops.convert_to_numpy(model(inputs)), expected)


def test_unpack_returns_as_many_waveforms_as_are_served():
    waveforms, lengths, counted = Difference().unpack([AUDIO.astype("float64"), AUDIO, np.array([50, 20])])
    assert [keras.backend.standardize_dtype(x.dtype) for x in (*waveforms, lengths)] == ["float32", "float32", "int32"]
    assert ops.convert_to_numpy(counted).sum(axis=1).tolist() == [50, 20]


def test_output_shapes():
    assert Gain().compute_output_shape((None, 50)) == (None, 50)
    assert Gain().compute_output_shape([(2, 50), (2,)]) == (2, 50)
    assert Difference().compute_output_shape([(2, 50), (2, 50)]) == (2,)


def test_a_model_is_made_again_from_its_config():
    again = Gain.from_config(Gain(sample_rate=8, name="mine").get_config())
    assert type(again) is Gain and (again.sample_rate, again.name) == (8, "mine")


def test_saved_and_loaded(tmp_path):
    model = Gain()
    model.set_weights([np.full((1, 1, 1), 0.5, "float32")])
    model.save(tmp_path / "gain.keras")
    loaded = keras.saving.load_model(tmp_path / "gain.keras")
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded(AUDIO)), 0.5 * AUDIO)


def test_prepare_checks_and_resamples():
    audio, lengths = Gain().prepare(AUDIO[0], sample_rate=RATE)
    assert audio.shape == (1, 50) and audio.dtype == np.float32 and lengths.tolist() == [50]
    with pytest.raises(InputError, match="at 50 Hz and the model at 100 Hz: pass resample=True"):
        Gain().prepare(AUDIO[0], sample_rate=50)
    assert Gain().prepare(AUDIO[0], sample_rate=50, resample=True)[0].shape == (1, 100)
    with pytest.raises(InputError, match="differ in shape"):
        Difference().prepare(AUDIO, AUDIO[:, 1:], sample_rate=RATE)


def test_the_core_predicts_segments_in_any_batches(monkeypatch):
    monkeypatch.setattr(segments, "_SEGMENT_SECONDS", 0.2)
    model, other = Difference(), np.zeros_like(AUDIO)
    spans = segments.cut(np.array([50, 20]), RATE)
    expected = [np.abs(AUDIO[row, start:stop]).mean() for row, start, stop in spans]
    assert len(expected) == 4
    for batch_size in (1, 3, 16):
        np.testing.assert_allclose(model.predict_core([AUDIO, other], spans, batch_size), expected, rtol=1e-6)
    assert model.predict_core([AUDIO, other], spans[:0], 16).shape == (0,)


def test_features_of_a_pair_are_a_subclass_s():
    with pytest.raises(NotImplementedError):
        PairMetric(Difference().core, RATE, "abstract").core_inputs([AUDIO, AUDIO])
