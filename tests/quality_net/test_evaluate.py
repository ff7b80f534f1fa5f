"""The evaluation of surrogates, and how the bundled ones agree with their metric."""

import gc
import itertools
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import zoo
from tests.support.checkpoints import load, of_family, swept
from tests.support.harness import REPOSITORY, data_path, predict
from tests.support.quality_net import RATE, TARGET, known_pair
from zoo import scoring
from zoo.audio import io, mix, pairs
from zoo.data.speech import read_corpus
from zoo.quality_net import evaluate, examples
from zoo.quality_net.model import QualityNetLite
from zoo.quality_net.train import Recipe


def test_pairs_say_whether_their_reference_is_clean():
    rng = np.random.default_rng(0)
    audio = np.repeat([1.0, 0.001], 4000) * rng.integers(-9000, 9000, (2, 2, 8000))
    audio[1, 0] += rng.integers(-3000, 3000, 8000)
    chunks = SimpleNamespace(audio=[audio], facts=[{"kind": "noisy", "snr_db": 5.0}] * 2)
    facts = evaluate.with_references(chunks, 30)
    assert [pair["clean_reference"] for pair in facts] == [True, False]
    counts = {group: results["n"] for group, results in evaluate.report(facts, np.ones(2), np.ones(2)).items()}
    assert counts["clean references"] == counts["noisy references"] == 1


def test_report_groups():
    facts = [{"kind": "noisy", "snr_db": snr} for snr in (-5.0, 5.0, 15.0, 29.0)]
    facts += [{"kind": kind, "snr_db": None} for kind in ("enhanced", "clean", "codec")]
    facts += [{"kind": "unknown", "snr_db": None, "variety": ["shift", "rooms"], "seconds": 10.0}]
    truth = np.arange(8.0)
    truth[1] = np.nan
    report = evaluate.report(facts, truth, truth + 1)
    counts = {group: (results["n"], results["n_failed"]) for group, results in report.items()}
    assert counts["all"] == (7, 1)
    assert counts["noisy"] == (3, 1)
    assert counts["other"] == (2, 0) and counts["codec"] == (1, 0)
    assert counts["variety shift"] == counts["variety rooms"] == (1, 0)
    assert counts["10 s"] == (1, 0) and "1 s" not in counts
    assert not counts.keys() & {"unknown", "reverb", "variety babble"}
    assert counts["snr 0..10"] == (0, 1)
    assert report["all"]["rmse"][0] == pytest.approx(1.0)


def test_agreement_needs_no_more_than_is_kept_of_a_row():
    rng = np.random.default_rng(0)
    edges = [-10.0, 0.0, 10.0, 30.0, -10.1, 40.0, np.nan]
    kinds = ["noisy"] * len(edges) + list(rng.choice(["noisy", "enhanced", "clean", "codec", "rir"], 293))
    snrs = [*edges, *rng.uniform(-15, 35, 293)]
    facts = [{"kind": kind, "snr_db": snr_db} for kind, snr_db in zip(kinds, snrs, strict=True)]
    truth = rng.uniform(1, 4, 300)
    predicted = np.where(rng.random(300) < 0.05, np.nan, truth + rng.normal(0, 0.2, 300))
    kept = [pairs.Pair("", "", "", facts=(kind, str(snr_db))) for kind, snr_db in zip(kinds, snrs, strict=True)]
    scores = [{"truth": x, "predicted": y} for x, y in zip(truth, predicted, strict=True)]
    rows = [scoring.Row(pair, both, "") for pair, both in zip(kept, scores, strict=True)]
    kept, expected = evaluate.report(*evaluate.summed(rows)), evaluate.report(facts, truth, predicted)
    assert kept.keys() == expected.keys() and len(kept) == 10
    for group, values in expected.items():
        for name, value in values.items():
            np.testing.assert_array_equal(kept[group][name], value)


def test_rows_are_not_kept(tmp_path, monkeypatch):
    def count_rows():
        return sum(type(thing) is scoring.Row for thing in gc.get_objects())  # isinstance asks dead weak references

    scored, before = [], count_rows()  # those of other tests may be alive

    def score(directory, recipe, pair):
        scored.append(1)
        return scoring.Row(pair, {"truth": 1.0, "predicted": 2.0}, "")

    def watched(rows):
        for number, row in enumerate(rows, start=1):
            if number == 2000:
                alive.append(count_rows() - before)
            yield row

    monkeypatch.setattr(evaluate, "_score", score)
    with open(tmp_path / "pairs.csv", "w") as file:
        file.write("reference,degraded,kind,snr_db\n")
        file.writelines(f"reference{i}.wav,degraded{i}.wav,kind{i},{i / 50}\n" for i in range(2000))
    for resume in (False, True):
        alive = []
        rows = evaluate.evaluate_pairs(
            "", Recipe("x", "QualityNetLite", "stoi"), tmp_path / "pairs.csv", tmp_path / "o.csv", resume, n_jobs=1
        )
        facts, truth, predicted = evaluate.summed(watched(rows))
        assert len(facts) == len(truth) == len(predicted) == 2000 and len(scored) == 2000
        assert alive[0] <= 2 and len(set(map(id, facts))) == 4  # one a band


def test_a_plot_of_very_many_pairs_is_drawn_of_a_few(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(evaluate, "_save", lambda figure, path: figures.append(figure))
    scores = np.linspace(1, 4, 50_000)
    evaluate.scatter([{"kind": "noisy"}, {"kind": "clean"}] * 25_000, scores, scores, "x", tmp_path / "x.png")
    (axes,) = figures[0].axes
    drawn = [len(points.get_offsets()) for points in axes.collections]
    assert sum(drawn) == evaluate._DRAWN and min(drawn[0], drawn[2]) > 1500
    assert axes.get_legend().get_texts()[0].get_text() == "noisy (25000)"


def test_ascent_raises_what_the_surrogate_says(monkeypatch):
    monkeypatch.setattr(evaluate, "_ASCENT_STEPS", (0, 4))
    keras.utils.set_random_seed(0)
    model = QualityNetLite(target_range=(0.0, 1.0))
    reference, noisy = (np.random.default_rng(i).standard_normal((2, 9000)).astype("float32") * 0.1 for i in (0, 1))
    before = [weight.copy() for weight in model.get_weights()]
    ascent = evaluate.ascend(model, reference, noisy, TARGET, n_jobs=1)
    assert (ascent["predicted"][1] > ascent["predicted"][0]).all()
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_ascent_report():
    truth = np.array([[1.0, 2.0], [2.0, 3.0], [1.5, np.nan]])
    report = evaluate.ascent_report({"steps": [0, 1, 5], "truth": truth, "predicted": truth + 1})
    assert report["best_step"] == 1
    assert report["gain_at_best"][0] == 1.0
    assert report["fooled_at_step"] == 5


@pytest.mark.parametrize("name", swept(of_family("quality_net")))
def test_checkpoints_agree_with_the_metric_on_a_known_pair(name):
    reference, degraded, rate = known_pair()
    metric = zoo.info(name)["metric"]
    known = {("pesq", "wb"): (1.0832, 0.3), ("pesq", "nb"): (1.6072, 0.5), ("stoi", None): (0.6739, 0.08)}
    truth, tolerance = known[metric["name"], metric["mode"]]
    model = load(name)
    perfect, scored = (model.score(*model.of_pair(reference, x), rate)[0] for x in (reference, degraded))
    assert scored == pytest.approx(truth, abs=tolerance) and perfect > scored


@pytest.mark.parametrize("name", swept(of_family("quality_net")))
def test_scores_rise_with_snr(name):
    # Without a reference, the bundled synthetic voice is no clean speech.
    own = io.read(REPOSITORY / "zoo" / "data" / "audio" / "speech_reference.flac", RATE)
    reference = (own if load(name).needs_reference else known_pair())[0]
    noise = mix.colored_noise(len(reference), 1.0, np.random.default_rng(0))
    degraded = np.stack([mix.mix_at_snr(reference, noise, snr) for snr in (-5, 5, 15, 25, 35)])
    recordings = load(name).of_pair(np.tile(reference, (5, 1)), degraded)
    predicted = predict(load(name), recordings)  # `score` clips what is below PESQ's least
    assert (np.diff(predicted) > 0).all(), predicted


@pytest.fixture(scope="module")
def mixtures():
    """Eight clean and noisy recordings of real speech, (8, samples) each."""
    corpus = read_corpus(data_path("MANIFEST.csv").parent, "test")
    drawn = (examples.draw(corpus, 2 * RATE, np.random.default_rng(seed)) for seed in itertools.count())
    noisy = (pair for *pair, facts in drawn if facts["kind"] == "noisy" and 0 <= facts["snr_db"] < 15)
    return [np.stack(side) for side in zip(*itertools.islice(noisy, 8), strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize("name", swept(of_family("quality_net")))
def test_a_few_steps_up_the_gradient_raise_the_true_metric(name, mixtures, monkeypatch):
    monkeypatch.setattr(evaluate, "_ASCENT_STEPS", (0, 3))
    reference, noisy = mixtures
    target = Recipe(**zoo.info(name)["training"]["recipe"]).target()
    ascent = evaluate.ascend(load(name), reference, noisy, target, n_jobs=1)
    assert np.mean(ascent["truth"][1] - ascent["truth"][0]) > 0
