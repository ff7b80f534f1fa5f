"""The bundled audio and the demo page made from it."""

import base64
import io as memory
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import zoo
from examples.demo import __main__ as demo
from examples.demo import page as demo_page
from examples.demo import separation as demo_separation
from examples.demo import texture as demo_texture
from zoo.audio import io
from zoo.metrics import speech

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "zoo" / "data" / "audio"
NAMES = ["speech_reference", "speech_degraded", "speech_enhanced", "speech_mild"]


def audio(name):
    return io.read(DATA / f"{name}.flac", demo_page.SAMPLE_RATE)[0]


@pytest.fixture(scope="module", autouse=True)
def few_iterations():
    """Of the texture: the demo's own take half a minute."""
    before = demo_texture.ITERATIONS
    demo_texture.ITERATIONS = 3
    yield
    demo_texture.ITERATIONS = before


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    demo.main(["--output", str(folder)])
    assert [path.name for path in folder.iterdir()] == ["report.html"]
    return (folder / "report.html").read_text()


def enhanced():
    return np.clip(zoo.load(demo.ENHANCER).enhance(audio("speech_degraded"), 16000), -1, 1)


def embedded(page, kind):
    return [base64.b64decode(text) for text in re.findall(rf"data:{kind};base64,([^\"]+)", page)]


NUMBER = r"<td class=\"number\">([^<]*)</td>"


def table(page):
    """Rows of the table of scores: (metric, checkpoint, predicted, measured)."""
    return re.findall(rf"<tr><td>([^<]*) <small>([^<]*)</small></td>{NUMBER}{NUMBER}<td><div", page)


def gains(page):
    """Rows of the table before and after enhancement: (metric, note, noisy, enhanced, gain)."""
    return re.findall(rf"<tr><td>([^<]*) <small>([^<]*)</small></td>{NUMBER}{NUMBER}{NUMBER}<td><div", page)


def test_bundled_audio_is_aligned_small_and_ordered_by_quality():
    clips = {name: audio(name) for name in NAMES}
    assert len({clip.shape for clip in clips.values()}) == 1
    assert max(np.abs(clip).max() for clip in clips.values()) < 1
    assert sum((DATA / f"{name}.flac").stat().st_size for name in NAMES) < 400_000
    reference = clips["speech_reference"]
    noise = clips["speech_degraded"] - reference
    assert 10 * np.log10(np.mean(reference**2) / np.mean(noise**2)) == pytest.approx(5, abs=0.01)
    degraded, enhanced, mild = (speech.pesq(reference, clips[name], 16000)[0] for name in NAMES[1:])
    assert degraded < enhanced < mild


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs the program espeak-ng")
def test_bundled_audio_is_made_again_the_same():
    version = subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=True).stdout
    if " 1.51 " not in version:
        pytest.skip("the bundled audio is from espeak-ng 1.51")
    command = [sys.executable, str(DATA / "make_audio.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_page_needs_nothing_outside_itself(page):
    links = re.findall(r"(?:src|srcset|href)=\"([^\"]*)\"", page)
    assert links and all(link.startswith("data:") for link in links)
    written = re.sub(r"data:[^\"]*", "", page)  # in a megabyte of base64 any four letters may stand
    assert "http" not in written and "url(" not in written and "<script" not in written


def test_page_holds_pictures_and_the_audio_that_was_scored(page):
    pictures = embedded(page, "image/png")
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    players = embedded(page, "audio/flac")
    assert len(pictures) == 2 * len(players)  # light and dark
    mixture = io.resample(sum(demo_separation.song().values()), demo_separation.RATE, 16000)
    shown = [*map(audio, NAMES), audio("speech_degraded"), enhanced(), mixture, *[None] * 4, demo_texture.drops()]
    assert len(players) == len(shown) + 1  # the texture that was made of the last one
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


def test_table_holds_the_measured_and_predicted_scores(page):
    rows = table(page)
    reference = audio("speech_reference")
    checkpoints = {name: zoo.load(name) for name in zoo.list() if zoo.info(name)["family"] == "quality_net"}
    size = len(rows) // len(NAMES[1:])
    for name, first in zip(NAMES[1:], range(0, len(rows), size), strict=True):
        degraded = audio(name)
        measured = {
            "PESQ wb": speech.pesq(reference, degraded, 16000)[0],
            "PESQ nb": speech.pesq(reference, degraded, 16000, mode="nb")[0],
            "STOI": speech.stoi(reference, degraded, 16000)[0],
        }
        own = rows[first : first + size]
        assert {row[0] for row in own} == set(measured)
        assert sorted(row[1] for row in own if row[1] != "no checkpoint") == sorted(checkpoints)
        for metric, checkpoint, predicted, value in own:
            assert value == f"{measured[metric]:.3f}"
            if checkpoint in checkpoints:
                expected = checkpoints[checkpoint].score(reference, degraded, 16000)[0]
                assert float(predicted) == pytest.approx(expected, abs=2e-3)
            else:
                assert predicted == "-"


def test_table_holds_the_scores_before_and_after_enhancement(page):
    reference, pair = audio("speech_reference"), (audio("speech_degraded"), enhanced())
    surrogate = zoo.load(demo.SURROGATE)
    expected = {
        ("PESQ wb", ""): [speech.pesq(reference, each, 16000)[0] for each in pair],
        ("PESQ wb", f"predicted by {demo.SURROGATE}"): [surrogate.score(reference, each, 16000)[0] for each in pair],
        ("PESQ nb", ""): [speech.pesq(reference, each, 16000, mode="nb")[0] for each in pair],
        ("STOI", ""): [speech.stoi(reference, each, 16000)[0] for each in pair],
        ("SI-SDR (dB)", ""): [speech.si_sdr(reference, each)[0] for each in pair],
    }
    found = {(metric, note): [*map(float, numbers)] for metric, note, *numbers in gains(page)}
    assert list(found) == list(expected)
    for row, (before, after) in expected.items():
        np.testing.assert_allclose(found[row], [before, after, after - before], atol=2e-3, err_msg=str(row))


def test_the_enhanced_recording_is_better(page):
    measured = [row for row in gains(page) if not row[1]]
    gained = {row[0]: float(row[4]) for row in measured}
    assert gained.pop("STOI") > -0.02  # of one recording: it may fall a little where PESQ is what was learned
    assert len(gained) == 3 and min(gained.values()) > 0


def test_spectrogram_of_a_full_scale_sine_is_0_db():
    sine = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    level = demo_page.level_db(sine)[:, 5:-5]
    np.testing.assert_allclose(level[32], 0, atol=0.01)  # bin 32 of 512 is 1000 Hz
    assert np.all(level[40:] < -50)


def test_snippet_on_the_page_runs():
    if "quality-net-lite-pesq-wb-16k" not in zoo.list():
        pytest.skip("the checkpoint is not bundled yet")
    assert len(demo.SNIPPET.splitlines()) == 8
    command = [sys.executable, "-c", demo.SNIPPET]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    predicted, measured = re.findall(r"\[(.*?)\]", done.stdout)
    pair = audio("speech_reference"), audio("speech_degraded")
    assert float(measured) == pytest.approx(speech.pesq(*pair, 16000)[0], abs=1e-6)
    assert float(predicted) == pytest.approx(zoo.load("quality-net-lite-pesq-wb-16k").score(*pair, 16000)[0], abs=1e-3)


def test_own_pair_at_another_rate(tmp_path):
    rate = 44100
    for name in ("clean", "noisy"):
        source = audio("speech_reference" if name == "clean" else "speech_mild")
        io.write(tmp_path / f"{name} <1>.wav", io.resample(source, 16000, rate), rate)
    pair = ["--reference", str(tmp_path / "clean <1>.wav"), "--degraded", str(tmp_path / "noisy <1>.wav")]
    demo.main([*pair, "--output", str(tmp_path / "out")])
    text = (tmp_path / "out" / "report.html").read_text()
    assert "noisy &lt;1&gt;.wav" in text and "<1>" not in text
    expected = speech.pesq(audio("speech_reference"), audio("speech_mild"), 16000)[0]
    assert float(table(text)[0][3]) == pytest.approx(expected, abs=0.02)


def test_bad_input_is_one_line_and_leaves_the_old_page(tmp_path, capsys):
    io.write(tmp_path / "short.wav", audio("speech_mild")[:20000], 16000)
    (tmp_path / "report.html").write_text("old")
    pair = ["--reference", str(DATA / "speech_reference.flac"), "--degraded", str(tmp_path / "short.wav")]
    with pytest.raises(SystemExit) as stop:
        demo.main([*pair, "--output", str(tmp_path)])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("demo: ") and error.count("\n") == 1
    assert (tmp_path / "report.html").read_text() == "old"
    with pytest.raises(SystemExit):
        demo.main(["--reference", "only.wav"])
    assert "both" in capsys.readouterr().err
