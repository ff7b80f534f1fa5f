"""The audio contract at every door: what is refused, in one line that says what came and what to give, and what passes.

Doors are the methods on arrays of every checkpoint, calls of models, losses by their names, and streaming metrics.
"""

from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile
from keras import ops

import zoo
from tests.support.checkpoints import CARDS, NAMES, load, of_family, one_of_each
from tests.support.quality_net import known_pair
from zoo.errors import InputError
from zoo.losses import LOSSES
from zoo.metrics import speech, streaming
from zoo.texture.loss import GramLoss, SendikLoss
from zoo.texture.model import RandomConvEnsemble
from zoo.texture.synthesis import synthesize

ENSEMBLES = [name for name in NAMES if CARDS[name]["architecture"] == "RandomConvEnsemble"]
METRICS, DISTANCES = of_family("quality_net"), of_family("jnd")
ON_WAVEFORMS = [name for name in NAMES if name not in ENSEMBLES]
NOISE = 0.1 * np.random.default_rng(0).standard_normal((2, 16000)).astype("float32")


def method(name):
    """The checkpoint's method on arrays, as a function of (audio, sample_rate, options); a pair is twice the audio."""
    model = load(name)
    if name in METRICS:
        return lambda audio, rate, **options: model.score(*model.of_pair(audio, audio), rate, **options)
    if name in DISTANCES:
        return lambda audio, rate, **options: model.distance(audio, audio, rate, **options)
    return next(getattr(model, verb) for verb in ("enhance", "separate", "probabilities") if hasattr(model, verb))


def refused(door, *arguments, match, **options):
    with pytest.raises(InputError, match=match) as raised:
        door(*arguments, **options)
    assert "\n" not in str(raised.value)


@pytest.fixture(params=one_of_each(ON_WAVEFORMS))
def name(request):
    return request.param


def test_samples_of_16_bits_are_refused(name):
    door, rate = method(name), load(name).sample_rate
    whole = np.round(NOISE[0] * 32768)
    refused(door, whole.astype("int16"), rate, match="audio is int16; give float")
    refused(door, whole, rate, match=r"peaks at [\d.]+; give float in \[-1, 1\]: divide 16-bit samples by 32768")
    refused(door, NOISE[0] * 32768, rate, match="divide 16-bit samples by 32768")  # resampled, say: no whole numbers
    refused(door, np.round(NOISE[0] * 20), rate, match="divide 16-bit samples by 32768")  # 70 dB below full scale


def test_a_little_over_full_scale_passes(name):
    assert method(name)(2.5 * NOISE[0] / np.abs(NOISE[0]).max(), load(name).sample_rate) is not None


def test_other_axes_are_refused(name):
    door, rate = method(name), load(name).sample_rate
    channels_first = NOISE[:1, None]
    if name in METRICS or hasattr(load(name), "probabilities"):
        refused(door, channels_first, rate, match=r"shape \(1, 1, 16000\); give \(samples,\) or \(batch, samples\)")
        refused(door, NOISE[..., None], rate, match=r"shape \(2, 16000, 1\); give \(samples,\)")
    else:
        refused(door, channels_first, rate, match=r"shape \(1, 1, 16000\) has 16000 channels.*channels come last")
    microphones = np.repeat(NOISE.T, 4, axis=1)  # as soundfile reads 8
    if hasattr(load(name), "separate"):
        refused(door, microphones.T, rate, match=r"shape \(8, 16000\) has 16000 channels of 8 samples.*by audio\.T")
        assert door(microphones[:, :2], rate)["vocals"].shape == (16000, 2)
    else:
        refused(door, microphones, rate, match=r"shape \(16000, 8\) looks like \(samples, channels\).*audio\.T")


@pytest.mark.parametrize("rate", [0, -16000, np.nan, np.inf, "16000", True, None, 16000.5])
def test_a_rate_that_is_none_is_refused(name, rate):
    refused(method(name), NOISE[0], rate, match=r"the sample rate is .*a whole number in Hz, above 0")


def test_a_rate_of_any_type_passes(name):
    door, rate = method(name), load(name).sample_rate
    expected = door(NOISE[0], rate)
    for same in (float(rate), np.float64(rate), np.int64(rate), np.array(rate)):
        value = door(NOISE[0], same)
        for ours, theirs in zip(*(x.values() if isinstance(x, dict) else [x] for x in (value, expected)), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_what_is_no_array_of_samples_is_refused(name):
    door, rate = method(name), load(name).sample_rate
    for path in ("a.wav", Path("a.wav"), ["a.wav", "b.wav"]):
        refused(door, path, rate, match=r"audio is .*not samples; .*zoo\.audio\.io\.read\(path\)")
    refused(door, [NOISE[0], NOISE[0, :-1]], rate, match="several lengths are no array; pad them and give lengths")


def test_lengths_are_refused_for_what_is_wrong_with_them(name):
    door, rate = method(name), load(name).sample_rate
    if hasattr(load(name), "separate"):
        pytest.skip("takes no lengths")
    expected = door(NOISE, rate, lengths=[16000, 15000])
    np.testing.assert_array_equal(door(NOISE, rate, lengths=np.array([16000.0, 15000.0])), expected)
    refused(door, NOISE, rate, lengths=[1.5, 9000.0], match="of float64; give 2 integers")
    refused(door, NOISE, rate, lengths=[True, True], match="of bool; give 2 integers")
    refused(door, NOISE, rate, lengths=[9000], match=r"lengths has shape \(1,\); give 2 integers")


def test_a_call_refuses_other_shapes_in_and_out_of_a_graph(name):
    model = load(name)
    count = len(model.serving_inputs)

    def call(*waveforms, lengths=None):
        arguments = [*waveforms, *([] if lengths is None else [lengths])]
        return model(arguments if len(arguments) > 1 else arguments[0])

    for wave in (NOISE[0], NOISE[:, None], NOISE[..., None]):
        refused(call, *[wave] * count, match=r"has shape .*; give \(batch, samples\)")
        symbolic = [keras.KerasTensor((None, *wave.shape[1:])) for _ in range(count)]
        refused(call, *symbolic, match=r"has shape .*; give \(batch, samples\)")
    refused(call, *[NOISE] * count, lengths=np.array([16000]), match=r"lengths has shape \(1,\); give 2 integers")
    refused(call, *[NOISE * 32768] * count, match="divide 16-bit samples by 32768")
    refused(model, [NOISE] * (count + 2), match=r"a call has \d inputs; give \[")
    refused(model, {"x": NOISE}, match="the inputs are named x; give ")
    if count == 2:
        refused(model, NOISE, match=r"a call has 1 inputs; give \[reference, degraded\]")
        refused(call, NOISE, NOISE[:, :-1], match=r"shape \(2, 16000\) and degraded has shape \(2, 15999\)")
        refused(call, NOISE, NOISE[:1], match=r"shape \(2, 16000\) and degraded has shape \(1, 16000\)")
        np.testing.assert_array_equal(model({"degraded": NOISE, "reference": 0.5 * NOISE}), call(0.5 * NOISE, NOISE))


@pytest.fixture(scope="module")
def clips():
    reference, degraded, _ = known_pair()
    return reference[None], degraded[None]


# Of the known pair at 16 kHz; learned losses are those of the cards' checkpoints.
VALUES = {
    "magnitude-mse": 0.30595,
    "multi-resolution-stft": 2.44607,
    "negative-si-sdr": -0.10379,
    "pmsqe": 2.90374,
    "waveform-l1": 0.0342602,
    "quality-net-tiny-pesq-wb-16k": None,
    "quality-net-lite-pesq-wb-16k": 0.44503,
    "quality-net-free-pesq-wb-16k": None,
    "jnd-22k": 7.72544,
    "jnd-quality-22k": None,
}


def loss_of(name):
    return zoo.loss(name, sample_rate=None if name in LOSSES else 16000)


@pytest.mark.parametrize("name", VALUES)
def test_a_last_axis_of_1_does_not_change_a_loss(clips, name):
    loss, (reference, estimate) = loss_of(name), clips
    expected = float(loss(reference, estimate))
    if VALUES[name] is not None:
        assert expected == pytest.approx(VALUES[name], rel=1e-3)
    for a in (reference, reference[..., None]):
        for b in (estimate, estimate[..., None]):
            assert float(loss(a, b)) == expected


@pytest.mark.parametrize("batch", [pytest.param(1, marks=pytest.mark.slow), 4])
@pytest.mark.parametrize("name", VALUES)
def test_a_convolutions_output_is_trained_as_it_comes(name, batch):
    """`Conv1D` gives (batch, samples, 1); targets have no such axis, or have it."""
    wave = np.resize(NOISE, (batch, 9000))
    model = keras.Sequential([keras.Input((9000, 1)), keras.layers.Conv1D(1, 3, padding="same")])
    model.compile("sgd", loss=loss_of(name))
    expected = float(loss_of(name)(wave, model(wave[..., None])[..., 0]))
    for targets in (wave, wave[..., None]):
        value = model.evaluate(wave[..., None], targets, batch_size=batch, verbose=0)
        assert value == pytest.approx(expected, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("name", VALUES)
def test_losses_refuse_other_shapes_alike(name):
    loss, (one, two) = loss_of(name), (NOISE, 0.5 * NOISE)
    pairs = [
        (one[:, None], two[:, None]),
        (one, two[:, None]),
        (one[..., None], two[:, None]),
        (one, two[:, :-1]),
        (one, two[:1]),
        (one[0], two[0]),
    ]
    if name not in DISTANCES:  # which hear channels one after the other
        pairs.append((np.stack([one, one], -1), np.stack([two, two], -1)))
    for reference, estimate in pairs:
        refused(loss.call, reference, estimate, match=r"has shape .*; give \(batch, samples\), of one shape")
        refused(loss, reference, estimate, match=r"give \(batch, samples\), of one shape")
    refused(loss.call, one, two, np.array([16000]), match=r"lengths has shape \(1,\); give 2 integers")
    refused(loss, 32768 * one, 32768 * two, match="divide 16-bit samples by 32768")
    # What a network gives in training may be of any size.
    assert np.isfinite(float(loss(one, 100 * two)))


@pytest.mark.parametrize("name", VALUES)
def test_a_compiled_step_refuses_other_shapes(name):
    model = keras.Sequential([keras.Input((1, 9000)), keras.layers.Rescaling(1.0)])
    model.compile("sgd", loss=loss_of(name))
    refused(model.evaluate, NOISE[:, None, :9000], NOISE[:, None, :9000], verbose=0, match=r"give \(batch, samples\)")


@pytest.mark.parametrize("rate", [0, -1, "16000", True, np.nan])
@pytest.mark.parametrize("name", ["waveform-l1", "pmsqe", "quality-net-tiny-pesq-wb-16k", "jnd-22k"])
def test_losses_refuse_a_rate_that_is_none(name, rate):
    refused(zoo.loss, name, sample_rate=rate, match=r"the sample rate is .*above 0")
    refused(zoo.loss, {name: 1.0}, sample_rate=rate, match=r"the sample rate is .*above 0")


@pytest.mark.parametrize("rate", [16000.0, np.float64(16000), np.int64(16000)])
def test_losses_take_a_rate_of_any_type(rate):
    for name in ("pmsqe", "jnd-22k"):
        assert np.isfinite(float(zoo.loss(name, sample_rate=rate)(NOISE, 0.5 * NOISE)))


def test_losses_of_textures_follow_the_same_rule():
    ensemble = RandomConvEnsemble(widths=(2, 4), filters=8)
    for loss in (GramLoss(ensemble, waveform=True), SendikLoss(ensemble, waveform=True)):
        expected = ops.convert_to_numpy(loss.call(NOISE, 0.5 * NOISE))
        np.testing.assert_array_equal(loss.call(NOISE[..., None], 0.5 * NOISE[..., None]), expected)
        refused(loss.call, NOISE[:, None], NOISE[:, None], match=r"give \(batch, samples\)")
        refused(loss.call, NOISE[0], NOISE[0], match=r"give \(batch, samples\)")
        refused(loss.call, NOISE * 32768, NOISE * 32768, match="divide 16-bit samples by 32768")


@pytest.mark.parametrize("metric", [streaming.SISDR, lambda: streaming.STOI(16000.0)])
def test_streaming_metrics_follow_the_same_rule(metric):
    expected = metric()
    expected.update_state(NOISE, 0.5 * NOISE + NOISE[::-1])
    other = metric()
    other.update_state(NOISE[..., None], (0.5 * NOISE + NOISE[::-1])[..., None])
    assert float(other.result()) == float(expected.result())
    for a, b in ((NOISE[:, None], NOISE[:, None]), (NOISE, NOISE[:, :-1]), (NOISE[0], NOISE[0])):
        refused(metric().update_state, a, b, match=r"give \(batch, samples\), of one shape")
    refused(metric().update_state, 32768 * NOISE, NOISE, match="divide 16-bit samples by 32768")


def test_true_metrics_follow_the_same_rule():
    for rate in (0, "16000", True, np.nan):
        for score in (speech.pesq, speech.stoi, speech.estoi):
            refused(score, NOISE, NOISE, rate, match=r"the sample rate is .*above 0")
    refused(speech.stoi, 32768 * NOISE, NOISE, 16000, match="divide 16-bit samples by 32768")
    refused(speech.stoi, NOISE, NOISE[:, None], 16000, match="differ in shape")
    np.testing.assert_array_equal(
        speech.stoi(NOISE, NOISE[::-1], np.float64(16000)), speech.stoi(NOISE, NOISE[::-1], 16000)
    )


def test_synthesis_follows_the_same_rule():
    for rate in (0, "16000", True, np.nan):
        refused(synthesize, NOISE[0], rate, match=r"the sample rate is .*above 0")
    refused(synthesize, 32768 * NOISE[0], 16000, match="divide 16-bit samples by 32768")
    refused(synthesize, "rain.wav", 16000, match=r"zoo\.audio\.io\.read")


@pytest.mark.slow
def test_synthesis_takes_a_rate_of_any_type():
    ensemble = RandomConvEnsemble(widths=(2, 4), filters=8)
    result = synthesize(NOISE[0], 16000.0, iterations=1, phase_iterations=1, ensemble=ensemble)
    assert result.audio.shape == (16000,)


@pytest.mark.parametrize("command", ["score", "distance", "enhance", "separate", "texture"])
def test_the_command_line_refuses_files_that_are_not_scaled(run, tmp_path, command):
    """A float WAV may hold samples of 16 bits as they are."""
    paths = [tmp_path / "one.wav", tmp_path / "two.wav"]
    for path, wave in zip(paths, 32768 * NOISE, strict=True):
        soundfile.write(path, wave, 44100 if command == "separate" else 16000, subtype="FLOAT")
    if command in ("score", "distance"):
        status, out, err = run(command, *paths, "--resample")
    elif command == "separate":
        status, out, err = run(command, paths[0], tmp_path / "stems")
    else:
        status, out, err = run(command, paths[0], tmp_path / "out.wav", "--resample")
    assert status != 0 and "divide 16-bit samples by 32768" in out + err
    assert sorted(tmp_path.glob("*.wav")) == paths
