"""`zoo enhance --stream --device` by a stand-in of the package sounddevice: no sound card takes part."""

import os
import signal
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from tests.support.streams import RATE, Gain, noise
from zoo.checkpoint import network
from zoo.cli import microphone
from zoo.enhancement.stream import Stream

HOP = 256


class StandIn(SimpleNamespace):
    """A package whose sound card plays a recording to the command, block by block, and keeps what comes back."""

    class PortAudioError(Exception):
        pass

    class CallbackAbort(Exception):
        pass

    def __init__(self, recording, status=None, goes_away=False):
        super().__init__(recording=recording, status=status, goes_away=goes_away, played=[], settings={})

    def query_devices(self):
        return "  0 microphone\n> 1 headset"

    def Stream(self, callback, finished_callback, **settings):
        self.settings = settings
        if settings["device"][0] == "none":
            raise ValueError("No input device matching 'none'")
        if settings["channels"] > 2:
            raise self.PortAudioError("Invalid number of channels [PaErrorCode -9998]")
        return _Sound(self, callback, finished_callback)


class _Sound:
    def __init__(self, package, callback, finished_callback):
        self._package, self._callback, self._finished = package, callback, finished_callback
        self._asked = threading.Event()

    @property
    def latency(self):
        """In seconds; the command asks for it, and says it, before it waits."""
        self._asked.set()
        return 0.01, 0.02

    def __enter__(self):
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def _run(self):
        size = self._package.settings["blocksize"]
        for start in range(0, len(self._package.recording) // size * size, size):
            block = np.full((size, self._package.settings["channels"]), np.nan, "float32")
            try:
                self._callback(self._package.recording[start : start + size], block, size, None, self._package.status)
            except self._package.CallbackAbort:
                self._finished()
                return
            finally:
                self._package.played.append(block)
        if self._package.goes_away:
            self._finished()
        else:
            self._asked.wait()
            time.sleep(0.1)  # or Ctrl-C would come before the command's first line
            os.kill(os.getpid(), signal.SIGINT)

    def __exit__(self, *_):
        self._thread.join()
        self._finished()


@pytest.fixture
def play(run, monkeypatch):
    """Run the command with a stand-in; gives (status, stdout, stderr)."""
    monkeypatch.setattr(network, "load", lambda source: Gain(0.5))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # which a suite in the background may ignore

    def command(package, *arguments):
        monkeypatch.setitem(sys.modules, "sounddevice", package)
        name = ("--checkpoint", "blstm-quality-net-refresh-16k")
        return run("enhance", "--stream", *name, "--device", *arguments)

    yield command
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("arguments", "block", "channels"),
    [((), HOP, 1), (("--block", 40), 640, 1), (("--channels", 2), HOP, 2), (("--block", 5), 80, 1)],
)
def test_the_enhanced_microphone_is_played_without_a_gap(play, arguments, block, channels):
    package = StandIn(noise(RATE, channels))
    status, out, err = play(package, *arguments)
    lag = 2 * HOP - np.gcd(block, HOP)
    played = np.concatenate(package.played)
    np.testing.assert_allclose(played[lag:], package.recording[: len(played) - lag] / 2, atol=1e-6)
    assert not played[:lag].any() and len(package.played) == RATE // block
    assert status == 0 and out == "" and err.startswith(f"zoo: {RATE} Hz, {channels} channel")
    assert f"latency {np.ceil(1000 * (lag + block) / RATE):.0f} ms, and 30 ms of the devices; Ctrl-C ends it\n" in err
    assert package.settings == {
        "samplerate": RATE,
        "blocksize": block,
        "device": [None, None],
        "channels": channels,
        "dtype": "float32",
        "latency": "low",
    }


def test_devices_are_numbers_or_names(play):
    for arguments, expected in ((("1",), [1, None]), (("USB, 2:1", "3"), ["USB, 2:1", 3])):
        package = StandIn(noise(1000))
        assert play(package, *arguments)[0] == 0 and package.settings["device"] == expected
    assert play(StandIn(noise(0)), "list") == (0, "  0 microphone\n> 1 headset\n", "")


def test_late_blocks_are_counted(play):
    status, _, err = play(StandIn(noise(1000), status="input overflow"))
    assert status == 0 and err.splitlines()[1] == (
        "zoo: 3 blocks came late and were not whole; give larger ones (--block)"
    )


def test_what_goes_wrong_is_one_line(play, monkeypatch):
    for arguments, reason in ((("none",), "No input device matching 'none'"), (("--channels", 3), "Invalid number of")):
        status, _, err = play(StandIn(noise(1000)), *arguments)
        assert status == 2 and err.startswith(f"zoo: the device does not play: {reason}") and "--device list" in err
    status, _, err = play(StandIn(noise(1000), goes_away=True))
    assert status == 2 and err.splitlines()[1] == "zoo: the device stopped: it went away"
    package = StandIn(np.full((1000, 1), np.nan, "float32"))
    status, _, err = play(package)
    assert status == 2 and err.splitlines()[1].startswith("zoo: the device stopped: the audio holds NaN or infinity")
    assert len(package.played) == 1 and not package.played[0].any()


def test_the_package_and_its_library_may_be_missing(play, monkeypatch):
    assert play(None)[2] == 'zoo: sounddevice is not installed: pip install "audio-zoo[microphone]"\n'

    class Unloadable:
        def find_spec(self, name, path=None, target=None):
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.setattr(sys, "meta_path", [Unloadable(), *sys.meta_path])
    monkeypatch.delitem(sys.modules, "sounddevice")
    with pytest.raises(microphone.InputError, match=r"\(PortAudio library not found\); install the library PortAudio"):
        microphone.show_devices()


def test_a_player_plays_zeros_until_the_first_sample_is_final():
    player = microphone.Player(Stream(Gain()), HOP, HOP, RuntimeError)
    played = np.ones((HOP, 1), "float32")
    player(noise(HOP), played, HOP, None, None)
    assert player.latency == 2 * HOP and not played.any() and player.late == 0
