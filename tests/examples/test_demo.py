"""The demo: its page, the tables and recordings on it, and what it says of bad input."""

import base64
import contextlib
import functools
import io as memory
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import zoo
from examples.demo import __main__ as demo
from examples.demo import cards, enhancement, jnd, quality_net, separation, texture
from examples.demo.recordings import SAMPLE_RATE
from zoo.audio import io
from zoo.families import FAMILIES, Family
from zoo.metrics import speech

pytestmark = pytest.mark.slow  # the demo runs once for them all

ROOT = Path(__file__).resolve().parents[2]
FILES = zoo.examples()
NAMES = ["reference", "degraded", "enhanced", "mild"]


def audio(name):
    return io.read(FILES[name], SAMPLE_RATE)[0]


@pytest.fixture(scope="module", autouse=True)
def models_loaded_once():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zoo, "load", functools.cache(zoo.load))
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The demo's page, and what the demo printed."""
    folder = tmp_path_factory.mktemp("demo")
    with contextlib.redirect_stdout(memory.StringIO()) as printed:
        demo.main(["--output", str(folder)])
    assert sorted(path.name for path in folder.iterdir()) == ["listening", "report.html"]
    return (folder / "report.html").read_text(), printed.getvalue()


@pytest.fixture
def page(made):
    return made[0]


def enhanced():
    return np.clip(zoo.load(enhancement.ENHANCER).enhance(audio("degraded"), 16000), -1, 1)


def embedded(page, kind):
    return [base64.b64decode(text) for text in re.findall(rf"data:{kind};base64,([^\"]+)", page)]


def table(page, heading):
    """Rows of a section's table: texts of the cells, and of a heading over rows its text alone."""
    section = next(part for part in page.split("<section>") if f"<h2>{heading}" in part)
    body = re.search(r"<tbody>(.*?)</tbody>", section, re.DOTALL)[1]
    rows = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in body.split("<tr>")[1:]]
    return [[tuple(re.split(r" ?<[^>]*>", cell.strip())) for cell in row] for row in rows]


def test_bundled_audio_is_aligned_small_and_ordered_by_quality():
    clips = {name: audio(name) for name in NAMES}
    assert len({clip.shape for clip in clips.values()}) == 1
    assert max(np.abs(clip).max() for clip in clips.values()) < 1
    assert sum(FILES[name].stat().st_size for name in NAMES) < 400_000
    reference = clips["reference"]
    noise = clips["degraded"] - reference
    assert 10 * np.log10(np.mean(reference**2) / np.mean(noise**2)) == pytest.approx(5, abs=0.01)
    degraded, enhanced, mild = (speech.pesq(reference, clips[name], 16000)[0] for name in NAMES[1:])
    assert degraded < enhanced < mild


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs the program espeak-ng")
def test_bundled_audio_is_made_again_the_same():
    version = subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=True).stdout
    if " 1.51 " not in version:
        pytest.skip("the bundled audio is from espeak-ng 1.51")
    command = [sys.executable, str(ROOT / "tools" / "make_example_audio.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_every_family_has_a_section_and_one_without_a_module_is_listed(page, capsys):
    assert re.findall(r"<section>\s*<h2>(\S+?):", page) == [
        "Quality-Net", "JND", "Enhancement", "Separation", "Textures", "Listening",
    ]  # fmt: skip
    assert page.count("<section>") == len(FAMILIES) + 1
    arguments = None  # a listing needs none
    assert demo.family_section(Family("toy", "Toys & more", "score"), arguments) == "<h2>Toys &amp; more</h2><ul></ul>"
    assert "no checkpoints" in capsys.readouterr().out
    listed = demo._listing(FAMILIES["jnd"])
    assert listed.count("<li>") == len([name for name in zoo.list() if zoo.info(name)["family"] == "jnd"]) > 0


def test_page_is_small_and_holds_no_recording_twice(page):
    assert len(page.encode()) < 3e6
    players = embedded(page, "audio/flac")
    assert len(set(players)) == len(players)


def test_page_needs_nothing_outside_itself(page):
    links = re.findall(r"(?:src|srcset|href)=\"([^\"]*)\"", page)
    anchors = {f"#{name}" for name in re.findall(r' id="([^"]*)"', page)}
    anchors.add("listening/index.html")  # the report of the listening test
    assert links and all(link.startswith("data:") or link in anchors for link in links)
    written = re.sub(r"data:[^\"]*", "", page)  # in a megabyte of base64 any four letters may stand
    assert "http" not in written and "url(" not in written and "<script" not in written


def test_page_holds_pictures_and_the_audio_that_was_scored(page):
    pictures = embedded(page, "image/png")
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    players = embedded(page, "audio/flac")
    assert len(pictures) == len(players) == page.count('<svg class="wave"')
    mixture = io.resample(sum(separation.song().values()), separation.RATE, 16000)
    changed = [each.audio for each in jnd._changes(audio("reference")[:40000])]
    shown = [*map(audio, NAMES), *changed, enhanced(), mixture, *[None] * 4, texture.rain()]
    assert len(players) == len(shown) + 2  # noise, and the texture that was made of the last one
    separated = []
    for expected, player in zip(shown, players, strict=False):
        clip, rate = soundfile.read(memory.BytesIO(player), dtype="float32")
        assert rate == 16000
        if expected is None:
            separated.append(clip)
        else:
            np.testing.assert_allclose(clip, expected, atol=2 / 32768)
    np.testing.assert_allclose(sum(separated), mixture, atol=1e-3)
    assert all(np.std(clip) > 1e-3 for clip in separated)


def test_table_holds_the_measured_and_predicted_scores_with_their_times(page):
    rows = table(page, "Quality-Net")
    reference = audio("reference")
    checkpoints = {name: zoo.load(name) for name in zoo.list() if zoo.info(name)["family"] == "quality_net"}
    size = len(rows) // len(NAMES[1:])
    for name, first in zip(NAMES[1:], range(0, len(rows), size), strict=True):
        degraded = audio(name)
        measured = {
            "PESQ wb": speech.pesq(reference, degraded, 16000)[0],
            "PESQ nb": speech.pesq(reference, degraded, 16000, mode="nb")[0],
            "STOI": speech.stoi(reference, degraded, 16000)[0],
        }
        heading, *own = rows[first : first + size]
        assert heading == [(FILES[name].name,)]
        assert {row[0][0] for row in own} == set(measured)
        assert sorted(row[0][1] for row in own if row[0][1] != "no checkpoint") == sorted(checkpoints)
        for (metric, checkpoint, _), (predicted, its_time, _), (value, time, _), _ in own:
            assert value == f"{measured[metric]:.3f}"
            assert re.fullmatch(r"\d+ ms", time)
            if checkpoint in checkpoints:
                model = checkpoints[checkpoint]
                expected = model.score(*model.of_pair(reference, degraded), 16000)[0]
                assert float(predicted) == pytest.approx(expected, abs=2e-3)
                assert re.fullmatch(r"\d+ ms", its_time)
            else:
                assert predicted == "-"


def test_table_holds_the_distances_that_listeners_taught(page):
    reference, clip = audio("reference"), audio("reference")[:40000]
    pairs = {FILES[name].name: (reference, audio(name)) for name in NAMES[1:]}
    pairs |= {each.name: (clip, each.audio) for each in jnd._changes(clip)}
    (name, *_), *rows = table(page, "JND")
    assert name == ("speech_reference.flac (reference)",)
    assert [row[0][0] for row in rows] == [*pairs]
    distances = {row[0][0]: float(row[1][0]) for row in rows}
    metric = zoo.load(jnd.CHECKPOINT)
    for name, pair in pairs.items():
        assert distances[name] == pytest.approx(metric.distance(*pair, 16000, resample=True)[0], abs=1e-3)
    assert distances["MP3 at 64 kb/s"] < distances["MP3 at 8 kb/s"]
    assert distances["speech_mild.flac"] < distances["speech_degraded.flac"]


def test_table_holds_the_scores_before_and_after_enhancement(page):
    reference, pair = audio("reference"), (audio("degraded"), enhanced())
    surrogate = zoo.load(enhancement.SURROGATE)
    note = f"predicted by {enhancement.SURROGATE}"
    expected = {
        ("PESQ wb",): [speech.pesq(reference, each, 16000)[0] for each in pair],
        ("PESQ wb", note, ""): [surrogate.score(reference, each, 16000)[0] for each in pair],
        ("PESQ nb",): [speech.pesq(reference, each, 16000, mode="nb")[0] for each in pair],
        ("STOI",): [speech.stoi(reference, each, 16000)[0] for each in pair],
        ("SI-SDR (dB)",): [speech.si_sdr(reference, each)[0] for each in pair],
    }
    rows = {metric: [float(cell[0]) for cell in numbers] for metric, *numbers, _ in table(page, "Enhancement")}
    assert list(rows) == list(expected)
    for row, (before, after) in expected.items():
        np.testing.assert_allclose(rows[row], [before, after, after - before], atol=2e-3, err_msg=str(row))
    gained = {metric[0]: numbers[2] for metric, numbers in rows.items() if len(metric) == 1}
    assert gained.pop("STOI") > -0.02  # of one recording: it may fall a little where PESQ is what was learned
    assert len(gained) == 3 and min(gained.values()) > 0


def test_table_holds_the_gain_of_every_source(page):
    rows = table(page, "Separation")
    assert [row[0][0] for row in rows] == ["vocals", "drums", "bass", "other"]
    for _, before, after, gain in ([float(cell[0]) if i else 0 for i, cell in enumerate(row)] for row in rows):
        assert gain == pytest.approx(after - before, abs=0.11) and gain > 0


def test_the_listening_test_is_that_of_the_simulated_listeners(page):
    (row,) = table(page, "Listening")
    assert row[0] == ("enhanced over noisy",) and row[1] == ("24",)


def test_spectral_distance_is_of_levels_whenever_they_are():
    rain = texture.rain()
    assert texture.spectral_distance(rain, rain) == 0
    assert texture.spectral_distance(rain, rain[::-1]) < 0.5
    assert texture.spectral_distance(rain, 0.5 * rain) > 2


@pytest.mark.slow
def test_the_texture_sounds_like_its_target_and_the_noise_does_not(made):
    gram, distance = (
        next(line for line in made[1].splitlines() if line.strip().startswith(name))
        for name in ("Gram loss", "spectral distance (dB)")
    )
    noise, synthesised = (float(number) for number in gram.split()[-2:])
    assert synthesised < 1e-3 * noise
    noise, synthesised = (float(number) for number in distance.split()[-2:])
    assert synthesised < noise / 2 and synthesised < 4


def test_spectrogram_of_a_full_scale_sine_is_0_db():
    sine = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    level = cards.level_db(sine)[:, 5:-5]
    np.testing.assert_allclose(level[32], 0, atol=0.01)  # bin 32 of 512 is 1000 Hz
    assert np.all(level[40:] < -50)


def test_snippet_on_the_page_runs(tmp_path):
    assert len(quality_net.SNIPPET.splitlines()) == 8
    (tmp_path / "snippet.py").write_text(quality_net.SNIPPET)
    with contextlib.redirect_stdout(memory.StringIO()) as printed:
        runpy.run_path(str(tmp_path / "snippet.py"))
    predicted, measured = re.findall(r"\[(.*?)\]", printed.getvalue())
    pair = audio("reference"), audio("degraded")
    assert float(measured) == pytest.approx(speech.pesq(*pair, 16000)[0], abs=1e-6)
    assert float(predicted) == pytest.approx(zoo.load("quality-net-lite-pesq-wb-16k").score(*pair, 16000)[0], abs=1e-3)


def test_own_pair_at_another_rate(tmp_path, monkeypatch):
    of_speech = ("quality_net", "jnd", "enhancement")  # the others do not look at the pair
    monkeypatch.setattr(demo, "FAMILIES", {name: FAMILIES[name] for name in of_speech})
    rate = 44100
    for name in ("clean", "noisy"):
        source = audio("reference" if name == "clean" else "mild")
        io.write(tmp_path / f"{name} <1>.wav", io.resample(source, 16000, rate), rate)
    pair = ["--reference", str(tmp_path / "clean <1>.wav"), "--degraded", str(tmp_path / "noisy <1>.wav")]
    demo.main([*pair, "--output", str(tmp_path / "out")])
    text = (tmp_path / "out" / "report.html").read_text()
    assert "noisy &lt;1&gt;.wav" in text and "<1>" not in text
    expected = speech.pesq(audio("reference"), audio("mild"), 16000)[0]
    assert float(table(text, "Quality-Net")[1][2][0]) == pytest.approx(expected, abs=0.02)


def test_bad_input_is_one_line_and_leaves_the_old_page(tmp_path, capsys):
    io.write(tmp_path / "short.wav", audio("mild")[:20000], 16000)
    (tmp_path / "report.html").write_text("old")
    pair = ["--reference", str(FILES["reference"]), "--degraded", str(tmp_path / "short.wav")]
    with pytest.raises(SystemExit) as stop:
        demo.main([*pair, "--output", str(tmp_path)])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("demo: ") and error.count("\n") == 1
    assert (tmp_path / "report.html").read_text() == "old"
    with pytest.raises(SystemExit):
        demo.main(["--reference", "only.wav"])
    assert "both" in capsys.readouterr().err
