"""The authors' TensorFlow 1 checkpoints, converted: parity, exactness against NumPy, broken files, the command."""

import itertools
import json
import sys

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests.support.harness import data_path
from tools import convert_dpam
from zoo.audio import io, mix
from zoo.errors import InputError
from zoo.metrics import speech

CHANNELS = [32] * 5 + [64] * 5 + [128] * 4
SHAPES = {
    "jnd": {
        **{f"loss_conv_{i}/weights": (1, 3, *c) for i, c in enumerate(itertools.pairwise([1, *CHANNELS]))},
        **{f"loss_conv_{i}/BatchNorm/beta": (c,) for i, c in enumerate(CHANNELS)},
        **{f"weights_{i}": (c,) for i, c in enumerate(CHANNELS)},
        "dense/kernel": (1, 16),
        "dense/bias": (16,),
        "dense_1/kernel": (16, 6),
        "dense_1/bias": (6,),
        "dense_2/kernel": (6, 2),
        "dense_2/bias": (2,),
    },
    "enhancer": {
        **{f"se_conv_{i}/weights": (1, 3, 64 if i else 1, 64) for i in (*range(13), "last")},
        **{f"se_conv_{i}/BatchNorm/beta": (64,) for i in (*range(13), "last")},
        **{f"se_conv_{i}/{name}": () for i in (*range(13), "last") for name in ("w0", "w1")},
        "se_fc_last/weights": (1, 1, 64, 1),
        "se_fc_last/biases": (1,),
    },
}
# Distances that the authors' weights give between their sample recordings: ref and 2, ref and 4, 2 and 4.
PARITY = {
    "scratch_loss": [0.19294776, 0.88854563, 1.0358762],
    "finetune_loss": [0.19619861, 2.1410851, 2.0900128],
    "linear_layer_loss": [0.04784535, 0.98806571, 0.98393944],
}


def drawn(kind, seed=0):
    """A network of one kind, {name: values} as upstream names and shapes them, that keeps its signal's level."""
    rng = np.random.default_rng(seed)
    values = {name: rng.standard_normal(shape).astype("float32") for name, shape in SHAPES[kind].items()}
    for name, value in values.items():
        if name.endswith(("/weights", "/kernel")):
            value /= np.sqrt(np.prod(value.shape[:-1]))
    return values


def write(folder, values, name="my_test_model"):
    """A checkpoint as TensorFlow 1 writes it; returns its prefix."""
    folder.mkdir(exist_ok=True)
    tensors = [tf.constant(value) for value in values.values()]
    tf.raw_ops.SaveV2(
        prefix=str(folder / name), tensor_names=list(values), shape_and_slices=[""] * len(values), tensors=tensors
    )
    return folder / name


# --- upstream's networks on one recording, in NumPy -----------------------------------------------------------


def convolution(x, kernel, stride=1, dilation=1):
    """(time, inputs) -> (time, outputs), three taps, TensorFlow's "same"."""
    before = 0 if stride == 2 and len(x) % 2 == 0 else dilation
    padded = np.pad(x, [(before, 2 * dilation), (0, 0)])
    return sum(padded[i * dilation :][: len(x)] @ kernel[0, i] for i in range(3))[::stride]


def normal(x):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-3)


def leaky(x):
    return np.maximum(0.2 * x, x)


def distance_and_answer(values, reference, degraded):
    distances, pair = [], [32768 * x[:, None].astype("float64") for x in (reference, degraded)]
    for i in range(14):
        kernel, beta = values[f"loss_conv_{i}/weights"], values[f"loss_conv_{i}/BatchNorm/beta"]
        pair = [leaky(normal(convolution(x, kernel, 2 if i < 13 else 1)) + beta) for x in pair]
        distances.append(np.abs(values[f"weights_{i}"] * (pair[0] - pair[1])).mean())
    x = np.array([1 / (1 + np.exp(-np.mean(distances)))])
    for name in ("dense", "dense_1"):
        x = np.maximum(x @ values[f"{name}/kernel"] + values[f"{name}/bias"], 0)
    same, different = np.exp(x @ values["dense_2/kernel"] + values["dense_2/bias"])
    return np.sum(distances), different / (same + different)


def enhanced(values, noisy):
    x = noisy[:, None].astype("float64")
    for i, dilation in [*((i, 2**i) for i in range(13)), ("last", 1)]:
        x = convolution(x, values[f"se_conv_{i}/weights"], dilation=dilation)
        w0, w1, beta = (values[f"se_conv_{i}/{name}"] for name in ("w0", "w1", "BatchNorm/beta"))
        x = leaky(w0 * x + w1 * (normal(x) + beta))
    return (x @ values["se_fc_last/weights"][0, 0] + values["se_fc_last/biases"])[:, 0]


@pytest.mark.slow
def test_a_distance_is_that_of_the_same_network_in_numpy(tmp_path):
    values, rng = drawn("jnd"), np.random.default_rng(1)
    convert_dpam.convert(write(tmp_path / "source", values), tmp_path / "out", "by hand")
    metric = zoo.load(tmp_path / "out")
    for samples in (5000, 4097):
        reference = 0.1 * rng.standard_normal(samples)
        degraded = reference + 0.02 * rng.standard_normal(samples)
        distance, answer = distance_and_answer(values, reference, degraded)
        assert metric.distance(reference, degraded, 22050) == pytest.approx(distance, rel=1e-4)
        assert metric.probability(reference, degraded, 22050) == pytest.approx(answer, rel=1e-3)


def test_an_enhancer_is_the_same_network_in_numpy(tmp_path):
    values = drawn("enhancer")
    convert_dpam.convert(write(tmp_path / "source", values, "se_model.ckpt"), tmp_path / "out", "by hand")
    noisy = 0.1 * np.random.default_rng(1).standard_normal(9001)  # all dilations reach something
    actual, expected = zoo.load(tmp_path / "out").enhance(noisy, 16000), enhanced(values, noisy)
    np.testing.assert_allclose(actual, expected, atol=1e-4 * np.abs(expected).max())


# --- the authors' files ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recordings():
    paths = [data_path("upstream_dpam", "sample_audio", f"{name}.wav") for name in ("ref", "2", "4")]
    return [io.read(path, 22050)[0] for path in paths]


@pytest.mark.slow
@pytest.mark.parametrize("regime", PARITY)
def test_parity_and_the_limits_that_the_card_names(regime, recordings, tmp_path):
    ref, two, four = recordings
    convert_dpam.convert(data_path("upstream_dpam", regime), tmp_path / "out", "by hand")
    metric = zoo.load(f"{tmp_path}/out/")
    together = metric.distance(np.stack([ref, ref, two, ref]), np.stack([two, four, four, ref]), 22050)
    # A pair of identical recordings is 0 but for the last bit, in which two rows of a batch may differ.
    np.testing.assert_allclose(together, [*PARITY[regime], 0], rtol=1e-4, atol=1e-5)
    assert metric.distance(ref, four, 22050) == pytest.approx(together[1], rel=1e-5)
    assert metric.distance(ref[1:], ref[:-1], 22050) > together[0]
    assert 0 < metric.probability(ref, four, 22050) < 0.5
    if regime == "scratch_loss":
        levels = mix.rms(ref) * 10 ** (-np.array([[20.0], [10.0], [0.0]]) / 20)
        louder = ref + levels * np.random.default_rng(2).standard_normal((3, len(ref)))
        assert np.diff(metric.distance(np.stack([ref] * 3), louder, 22050)).min() < 0


@pytest.mark.slow
def test_the_authors_denoiser_cleans_speech_in_minus_1_to_1(tmp_path):
    """It was trained on that scale: tenfold quieter or as 16-bit integers it does worse."""
    clips = sorted(data_path("speech", "test", "vctk_p228").glob("*.flac"))[:2]
    noises = [data_path("noise", "train", name) for name in ("computer_fan", "street_cars")]
    noises = [io.read(min(folder.glob("*.flac")), 16000)[0] for folder in noises]
    clean = [io.read(clip, 16000)[0][8192 : 8192 + 32768] for clip in clips]
    rng = np.random.default_rng(0)
    noisy = [mix.mix_at_snr(x, mix.loop_to(n, len(x), rng), 5.0) for x, n in zip(clean, noises, strict=True)]
    convert_dpam.convert(data_path("upstream_dpam", "se_model"), tmp_path / "out", "by hand")
    enhancer = zoo.load(tmp_path / "out")
    # By `predict`, since `enhance` refuses integers that are not scaled.
    enhanced = [enhancer.predict(scale * np.stack(noisy), verbose=0) for scale in (1.0, 0.1, 32768.0)]
    gains = [speech.si_sdr(np.stack(clean), estimate) - 5.0 for estimate in enhanced]
    assert (gains[0] > 2).all()
    assert gains[0].mean() > max(gains[1].mean(), gains[2].mean()) + 1


# --- what is refused, and the card ----------------------------------------------------------------------------


def broken(tmp_path, values, message):
    prefix = write(tmp_path / "source", values)
    with pytest.raises(InputError, match=message):
        convert_dpam.convert(prefix, tmp_path / "out", "by hand")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("kind", "name"),
    [("jnd", "loss_conv_0/weights"), ("jnd", "weights_13"), ("jnd", "dense_1/bias"), ("enhancer", "se_conv_3/w1")],
)
def test_a_missing_variable(kind, name, tmp_path):
    values = drawn(kind)
    del values[name]
    broken(tmp_path, values, f"lacks {name};")


@pytest.mark.parametrize(
    ("kind", "name", "shape"),
    [
        ("jnd", "loss_conv_3/weights", (3, 32, 32)),
        ("jnd", "weights_5", (32,)),
        ("enhancer", "se_conv_0/weights", (1, 3, 64, 1)),
        ("enhancer", "se_conv_2/w0", (1,)),
    ],
)
def test_a_wrong_shape(kind, name, shape, tmp_path):
    broken(tmp_path, {**drawn(kind), name: np.zeros(shape, "float32")}, f"{name} has shape")


def test_a_superfluous_variable(tmp_path):
    broken(tmp_path, {**drawn("jnd"), "more": np.zeros(1, "float32")}, "holds more, which")


def test_features_without_a_metric_and_other_networks(tmp_path):
    values = {name: value for name, value in drawn("jnd").items() if name.startswith("loss_conv")}
    broken(tmp_path, values, "lacks dense/bias and 19 more;")
    broken(tmp_path, {"kernel": np.zeros(1, "float32")}, "give a checkpoint of DPAM")


def test_a_damaged_file(tmp_path):
    prefix = write(tmp_path / "source", drawn("enhancer"))
    data = prefix.with_name(f"{prefix.name}.data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:1000])
    with pytest.raises(InputError, match="cannot be read .* get its .index and .data files again"):
        convert_dpam.convert(prefix, tmp_path / "out", "by hand")


def test_where_the_checkpoint_is(tmp_path):
    folder = tmp_path / "source"
    prefix = write(folder, {"x": np.zeros(1)}, "se_model.ckpt")
    assert convert_dpam.find(folder) == convert_dpam.find(prefix) == convert_dpam.find(str(prefix)) == str(prefix)
    write(folder, {"x": np.zeros(1)}, "another")
    for source, message in (
        (folder, "found another, se_model.ckpt; give"),
        (tmp_path, "found none; give"),
        (tmp_path / "nowhere", "no such folder"),
    ):
        with pytest.raises(InputError, match=message):
            convert_dpam.find(source)


def test_the_state_of_the_optimizer_may_be_there_and_another_folder_is_left_alone(tmp_path):
    values = drawn("jnd")
    extra = {"beta1_power": 0.9, "beta2_power_1": 0.9}
    for name, value in values.items():
        extra |= {f"{name}/Adam": value, f"{name}/Adam_1": value}
        if name.endswith("BatchNorm/beta"):
            extra |= {name.replace("beta", "moving_mean"): value, name.replace("beta", "moving_variance"): value}
    extra = {name: np.zeros_like(value, "float32") for name, value in extra.items()}
    prefix = write(tmp_path / "source", values | extra)
    model = convert_dpam.convert(prefix, tmp_path / "out", "by hand")
    size = sum(value.size for value in values.values())
    assert size == sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    before = sorted(path.name for path in prefix.parent.iterdir())
    with pytest.raises(InputError, match="is not a saved model"):
        convert_dpam.convert(prefix, prefix.parent, "by hand")
    assert sorted(path.name for path in prefix.parent.iterdir()) == before


def test_the_command(tmp_path, monkeypatch, capsys):
    write(tmp_path / "se_model", drawn("enhancer"), "se_model.ckpt")
    arguments = ["tools/convert_dpam.py", str(tmp_path / "se_model"), str(tmp_path / "denoiser")]
    monkeypatch.setattr(sys, "argv", arguments)
    convert_dpam.main()
    assert (
        capsys.readouterr().out == f'ContextAggregationEnhancer, 160,925 parameters: zoo.load("{tmp_path}/denoiser/")\n'
    )
    card = zoo.info(tmp_path / "denoiser")
    assert (card["name"], card["family"], card["sample_rate"]) == ("denoiser", "enhancement", 16000)
    assert card["licence"]["weights"].startswith("MIT")
    assert card["conversion"]["command"] == " ".join(["python", *arguments])
    assert sorted(card["conversion"]["files"]) == ["se_model.ckpt.data-00000-of-00001", "se_model.ckpt.index"]
    assert json.loads((tmp_path / "denoiser" / "card.json").read_text())["files"].keys() >= {"model.weights.h5"}


def test_a_mistake_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["convert_dpam.py", str(tmp_path), str(tmp_path / "out")])
    with pytest.raises(InputError, match="must hold one checkpoint"):
        convert_dpam.main()
    assert not (tmp_path / "out").exists() and not capsys.readouterr().out
