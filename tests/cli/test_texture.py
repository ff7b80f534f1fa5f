"""`zoo texture`: what it writes, what it says, and what it refuses."""

import numpy as np
import pytest
from PIL import Image

from zoo.audio import io
from zoo.texture import synthesis
from zoo.texture.model import RandomConvEnsemble


@pytest.fixture
def rain(tmp_path, monkeypatch):
    """A recording of noise, and small networks."""
    monkeypatch.setattr(synthesis, "RandomConvEnsemble", lambda: RandomConvEnsemble((2, 8), filters=8))
    noise = 0.1 * np.random.default_rng(0).standard_normal(16000)
    io.write(tmp_path / "rain.wav", noise, 16000)
    return tmp_path / "rain.wav"


QUICK = ("--iterations", "3", "--phase-iterations", "2")


def test_it_writes_audio_and_a_picture(run, rain, tmp_path):
    status, out, _ = run(
        "texture", rain, tmp_path / "more.flac", "--seconds", 1.5, *QUICK, "--plot", tmp_path / "a.png"
    )
    assert status == 0 and "3 iterations, loss " in out and "spectral convergence" in out
    audio, rate = io.read(tmp_path / "more.flac")
    assert rate == 16000 and len(audio) == 24000 and audio.std() > 0.01
    assert Image.open(tmp_path / "a.png").size == (900, 750)


@pytest.mark.slow
def test_an_output_is_not_replaced_unless_asked(run, rain, tmp_path):
    assert run("texture", rain, tmp_path / "a.wav", *QUICK)[0] == 0
    before = (tmp_path / "a.wav").read_bytes()
    status, _, err = run("texture", rain, tmp_path / "a.wav", *QUICK, "--seed", 1)
    assert status == 2 and "--overwrite" in err and (tmp_path / "a.wav").read_bytes() == before
    assert run("texture", rain, tmp_path / "a.wav", *QUICK, "--seed", 1, "--overwrite")[0] == 0
    assert (tmp_path / "a.wav").read_bytes() != before


def test_an_interruption_writes_what_there_is(run, rain, tmp_path, monkeypatch):
    from zoo.texture import progress

    def interrupt(self, stage, done, total, value):
        if stage == "spectrogram" and done:
            raise KeyboardInterrupt

    monkeypatch.setattr(progress.Bar, "__call__", interrupt)
    status, out, _ = run("texture", rain, tmp_path / "a.wav", *QUICK, "--state", tmp_path / "a.npz")
    assert status == 0 and "1 iterations" in out and "stopped by hand" in out
    assert (tmp_path / "a.wav").exists() and (tmp_path / "a.npz").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("no.wav", "a.wav"), "no.wav"),
        (("rain.wav", "rain.wav", "--overwrite"), "never overwritten"),
        (("rain.wav", "a.wav", "--plot", "rain.wav", "--overwrite"), "never overwritten"),
        (("rain.wav", "a.wav", "--plot", "a.wav"), "named twice"),
        (("rain.wav", "a.wav", "--plot", "stereo.wav"), "--overwrite"),
        (("rain.wav", "a.wav", "--state", "none/a.npz"), "folder does not exist"),
        (("rain.wav", "a.wav", "--seed", "-1"), "0 or more"),
        (("rain.wav", "a.wav", "--seconds", "nan"), "too short or not finite"),
        (("rain.wav", "a.wav", "--momentum", "2"), "momentum in 0..1"),
        (("rain.wav", "a.xyz"), "xyz"),
        (("rain.wav", "none/a.wav"), "folder does not exist"),
        (("very-fast.wav", "a.mp3", "--resample"), "a.mp3: cannot be written as MP3 MPEG_LAYER_III: MPEG-1/2/2.5 only"),
        (("rain.wav", "a" * 256 + ".wav"), "File name too long"),
        (("stereo.wav", "a.wav"), "--downmix"),
        (("fast.wav", "a.wav"), "resample"),
        (("rain.wav", "a.wav", "--optimizer", "adam"), "lbfgs-b or tfp or torch"),
        (("rain.wav", "a.wav", "--quality", "best"), "use draft, good, paper"),
        (("rain.wav", "a.wav", "--circular", "--seconds", "2"), "compare frame by frame"),
        (("rain.wav", "a.wav", "--seconds", "x"), "see zoo texture --help"),
    ],
)
def test_what_cannot_work_is_refused(run, rain, tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    noise = 0.1 * np.random.default_rng(0).standard_normal((48000, 2))
    io.write("stereo.wav", noise[:16000], 16000)
    io.write("fast.wav", noise[:, 0], 48000)
    io.write("very-fast.wav", noise[:, 0], 96000)
    status, _, err = run("texture", *arguments, *QUICK)
    assert status == 2 and says in err and err.count("\n") == 1
    assert not (tmp_path / "a.wav").exists()


@pytest.mark.parametrize("option", ["", "--plot", "--state"])
def test_a_disk_that_takes_nothing_is_known_before_the_work(run, rain, tmp_path, monkeypatch, option):
    import zoo.texture
    from zoo.base import files

    (tmp_path / "locked").mkdir()
    beside = files.beside
    # A file in a folder that is not there cannot be created, as on a read-only disk.
    locked = lambda path: path / "none" if path.parent.name == "locked" else beside(path)
    monkeypatch.setattr(files, "beside", locked)
    monkeypatch.setattr(zoo.texture, "synthesize", None)
    output = [tmp_path / "locked" / "a.png"] if option else []
    named = [tmp_path / "a.wav", option, *output] if option else [tmp_path / "locked" / "a.wav"]
    status, _, err = run("texture", rain, *named, *QUICK)
    assert status == 2 and "cannot be written (" in err and err.count("\n") == 1


@pytest.mark.parametrize("name", ["more.wav", "a.png"])
def test_what_appeared_meanwhile_is_not_replaced(run, rain, tmp_path, monkeypatch, name):
    """The recording and the picture alike."""
    import zoo.texture

    terms = {term: [1.0] for term in ("loss", "gram", "autocorrelation", "diversity", "convergence")}

    def slow(target, *_, **__):
        (tmp_path / name).write_text("of another process")
        return synthesis.Synthesis(target, np.ones((9, 257), "float32"), terms | {"interrupted": False})

    monkeypatch.setattr(zoo.texture, "synthesize", slow)
    outputs = (tmp_path / "more.wav", "--plot", tmp_path / "a.png")
    status, _, err = run("texture", rain, *outputs, *QUICK)
    assert status == 2 and f"{name}: appeared meanwhile, and was left alone" in err
    assert (tmp_path / name).read_text() == "of another process" and not list(tmp_path.glob(".*"))
