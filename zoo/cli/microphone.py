"""`zoo enhance --stream --device`: the enhanced microphone, live, through the package sounddevice."""

import math
import sys
import threading
from typing import Any

import numpy as np

from zoo.errors import InputError

_LOOK = 0.2  # seconds between two looks at signals, which do not end a longer wait everywhere


def show_devices() -> int:
    """Print the microphones and speakers that there are; returns the exit status."""
    print(_sounddevice().query_devices())
    return 0


def play(stream: Any, samples: int, hop_length: int, devices: list[str]) -> int:
    """Play the enhanced microphone until a signal comes.

    Args:
        stream: a `zoo.enhancement.stream.Stream`.
        samples: of a block.
        hop_length: of the enhancer, in samples.
        devices: numbers or names of the microphone and of the speakers; the system's where there are none.

    Returns:
        Exit status.

    Raises:
        InputError: the extra `microphone` is missing, there is no such device, it takes no sound at the stream's rate,
            it went away, or the enhancer failed.
    """
    sounddevice = _sounddevice()
    player, ended = Player(stream, samples, hop_length, sounddevice.CallbackAbort), threading.Event()
    chosen = [int(device) if device.isdigit() else device for device in devices]
    settings = {
        "samplerate": stream.sample_rate,
        "blocksize": samples,
        "device": (chosen + [None, None])[:2],
        "channels": stream.channels,
        "dtype": "float32",
        "latency": "low",
    }
    try:
        with sounddevice.Stream(**settings, callback=player, finished_callback=ended.set) as sound:
            _say(stream, player, sound.latency)
            while not ended.wait(_LOOK):
                pass
            end = player.error or "it went away"
    except KeyboardInterrupt:  # the usual end
        end = None
    except (sounddevice.PortAudioError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"the device does not play: {reason}; choose another: --device list") from error
    if player.late:
        print(f"zoo: {player.late} blocks came late and were not whole; give larger ones (--block)", file=sys.stderr)
    if end:
        raise InputError(f"the device stopped: {end}")
    return 0


class Player:
    """What a sound card calls for each block: takes that of the microphone, and gives an enhanced one for the speakers.

    Args:
        stream, samples, hop_length: as for `play`.
        abort: what to raise where the enhancer fails: in another thread, an error ends nothing by itself.

    Attributes:
        latency: samples from a sample's coming in to its going out, without what the devices add.
        late: blocks before which or in which samples were lost.
        error: that ended it, or None.
    """

    def __init__(self, stream, samples, hop_length, abort):
        # With so many zeros before them, enhanced samples never come too late: the sound has no gaps.
        lead = stream.latency - math.gcd(samples, hop_length)
        self._stream, self._abort = stream, abort
        self._ready = np.zeros((lead, stream.channels), "float32")
        self.latency, self.late, self.error = lead + samples, 0, None

    def __call__(self, recorded, played, samples, time, status):
        self.late += bool(status)
        try:
            self._ready = np.concatenate([self._ready, self._stream.push(recorded)])
            played[:] = self._ready[:samples]
            self._ready = self._ready[samples:]
        except Exception as error:
            played[:], self.error = 0, error
            raise self._abort from error


def _sounddevice():
    """The package; raises an `InputError` where the library that it calls is missing."""
    try:
        import sounddevice
    except OSError as error:
        raise InputError(f"sounddevice cannot be loaded ({error}); install the library PortAudio") from error
    return sounddevice


def _say(stream, player, of_devices):
    own, added = (math.ceil(1000 * seconds) for seconds in (player.latency / stream.sample_rate, sum(of_devices)))
    channels = f"{stream.channels} channel{'s' if stream.channels > 1 else ''}"
    text = f"{stream.sample_rate} Hz, {channels}, latency {own} ms, and {added} ms of the devices; Ctrl-C ends it"
    print(f"zoo: {text}", file=sys.stderr, flush=True)
