"""`zoo enhance --stream` as a user runs it: through files, pipes and signals, and what is refused."""

import os
import signal
import struct
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from tests.support.harness import REPOSITORY
from tests.support.streams import RATE, Gain, as_s16, noise, save_causal, wav
from zoo.audio import pipes
from zoo.checkpoint import network

HOP = 256
# A process with the signals and stdout of a command; the last line of stderr are the backends that were imported.
COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a suite in the background may ignore
from zoo.cli import main
status = main(["enhance", "--stream", *sys.argv[1:]])
print(sorted({"keras", "tensorflow", "jax", "torch"} & set(sys.modules)), file=sys.stderr)
sys.exit(status)
"""
FIRST = "zoo: 16000 Hz, 1 channel, latency 32 ms"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    pytest.importorskip("tf2onnx", reason="TensorFlow and tf2onnx write model.onnx")
    return save_causal(tmp_path_factory.mktemp("checkpoint") / "causal")


@pytest.fixture
def stream(run):
    """Run `zoo enhance --stream` in this process; gives (status, stdout, stderr)."""
    return lambda *arguments: run("enhance", "--stream", *arguments)


@pytest.fixture
def half(monkeypatch):
    """Puts an enhancer that halves in the place of the checkpoint."""
    monkeypatch.setattr(network, "load", lambda source: Gain(0.5))
    return ("--checkpoint", "blstm-quality-net-refresh-16k")


@pytest.fixture
def start(checkpoint):
    """Start the command in a process of its own, with pipes."""
    processes = []

    def process(*arguments, **pipes):
        command = [sys.executable, "-c", COMMAND, "--checkpoint", checkpoint, *map(str, arguments)]
        pipes = {name: pipes.get(name, subprocess.PIPE) for name in ("stdin", "stdout", "stderr")}
        processes.append(subprocess.Popen(command, cwd=REPOSITORY, bufsize=0, **pipes))
        return processes[-1]

    yield process
    for one in processes:
        one.kill()
        one.wait()


@pytest.mark.parametrize(
    ("subtype", "channels", "options"),
    [("PCM_16", 1, ()), ("FLOAT", 2, ("--block", 100)), ("PCM_24", 1, ("--block", 3.3))],
)
def test_a_stream_is_what_the_file_becomes(run, stream, checkpoint, tmp_path, subtype, channels, options):
    soundfile.write(tmp_path / "in.wav", noise(2 * RATE + 77, channels), RATE, subtype)
    assert run("enhance", tmp_path / "in.wav", tmp_path / "file.wav", "--checkpoint", checkpoint) == (0, "", "")
    status, out, err = stream(tmp_path / "in.wav", tmp_path / "stream.wav", "--checkpoint", checkpoint, *options)
    assert (status, out, err.count("\n")) == (0, "", 1)
    (expected, rate), (audio, _) = (soundfile.read(tmp_path / name) for name in ("file.wav", "stream.wav"))
    np.testing.assert_allclose(audio, expected, rtol=0, atol=2**-15 if subtype == "PCM_16" else 1e-5)
    assert np.abs(expected - soundfile.read(tmp_path / "in.wav")[0]).max() > 0.01
    info = soundfile.info(tmp_path / "stream.wav")
    assert (rate, info.subtype, info.channels) == (RATE, subtype, channels)


def test_keras_gives_the_same(stream, checkpoint, tmp_path):
    soundfile.write(tmp_path / "in.wav", noise(3000), RATE, "FLOAT")
    for runtime in ("onnx", "keras"):
        options = ("--checkpoint", checkpoint, "--runtime", runtime, "--block", 48)
        assert stream(tmp_path / "in.wav", tmp_path / f"{runtime}.wav", *options)[0] == 0
    np.testing.assert_allclose(*(soundfile.read(tmp_path / f"{name}.wav")[0] for name in ("onnx", "keras")), atol=1e-5)


@pytest.mark.parametrize("rate", [8000, 44100])
def test_another_rate_is_resampled_as_in_a_file(run, stream, half, tmp_path, rate):
    soundfile.write(tmp_path / "in.wav", noise(rate + 1), rate)
    assert run("enhance", tmp_path / "in.wav", tmp_path / "file.wav", "--resample", *half)[0] == 0
    status, _, err = stream(tmp_path / "in.wav", tmp_path / "stream.wav", "--resample", *half)
    assert status == 0 and err.startswith(f"zoo: {rate} Hz, 1 channel, latency ") and int(err.split()[-2]) > 150
    (expected, _), (audio, rate_of_stream) = (soundfile.read(tmp_path / name) for name in ("file.wav", "stream.wav"))
    assert rate_of_stream == rate
    np.testing.assert_allclose(audio, expected, atol=2**-15)


@pytest.mark.parametrize(
    ("options", "latency"), [((), 32), (("--block", 16), 32), (("--block", 1000), 1024), (("--block", 10), 40)]
)
def test_the_first_line_says_how_late_it_is(stream, half, tmp_path, options, latency):
    (tmp_path / "in.raw").write_bytes(as_s16(noise(RATE, 2)))
    arguments = (tmp_path / "in.raw", tmp_path / "out.raw", "--raw", "s16le", "--channels", 2, *half, *options)
    assert stream(*arguments) == (0, "", f"zoo: 16000 Hz, 2 channels, latency {latency} ms\n")
    audio = np.fromfile(tmp_path / "out.raw", "<i2").reshape(-1, 2)
    np.testing.assert_allclose(audio / 2**15, noise(RATE, 2) / 2, atol=2**-14)


def test_samples_without_a_header_get_one_by_the_name_of_wav(stream, half, tmp_path):
    (tmp_path / "in.raw").write_bytes(noise(5000).tobytes())
    assert stream(tmp_path / "in.raw", tmp_path / "out.wav", "--raw", "f32le", "--rate", RATE, *half)[0] == 0
    info = soundfile.info(tmp_path / "out.wav")
    assert (info.subtype, info.samplerate, info.frames) == ("FLOAT", RATE, 5000)


def test_stdin_goes_to_stdout_without_a_backend(start):
    audio = noise(RATE)
    process = start()
    out, err = process.communicate(wav(as_s16(audio), 2**32 - 1))
    assert process.returncode == 0 and err.decode().splitlines() == [FIRST, "[]"]
    assert out[:4] == b"RIFF" and struct.unpack("<I", out[40:44]) == (2**32 - 1,) and len(out) == 44 + 2 * RATE


def test_each_block_comes_as_soon_as_it_is_final_and_ctrl_c_writes_the_rest(start, tmp_path):
    process = start("--raw", "f32le")
    audio = noise(1001)
    assert process.stderr.readline().decode().strip() == FIRST
    for hop in range(3):  # stdin stays open: what comes out was not waiting for its end
        process.stdin.write(audio[hop * HOP : (hop + 1) * HOP].tobytes())
        if hop:
            assert len(process.stdout.read(4 * HOP)) == 4 * HOP
    process.stdin.write(audio[3 * HOP :].tobytes())
    while process.poll() is None and process.stdin and _waiting_bytes(process.stdin):
        pass
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    assert len(rest) == 4 * (1001 - 2 * HOP)
    assert process.wait() == 130 and process.stderr.read().startswith(b"zoo: stopped; no file is half written\n")


def _waiting_bytes(pipe):
    """Bytes in a pipe that nobody has read yet."""
    import fcntl
    import termios

    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]


def test_a_stopped_stream_leaves_a_whole_file(start, tmp_path):
    with open(tmp_path / "out.wav", "wb") as file:
        process = start(stdout=file)
        process.stdin.write(wav(as_s16(noise(1000)), 0))
        process.stderr.readline()
        while _waiting_bytes(process.stdin):
            pass
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 128 + signal.SIGTERM
    assert soundfile.info(tmp_path / "out.wav").frames == 1000


def test_a_signal_during_a_write_into_a_file_waits_for_the_block(stream, half, tmp_path, monkeypatch):
    audio, write, writes = noise(20 * HOP), pipes.Writer._send, []
    soundfile.write(tmp_path / "in.wav", audio, RATE, "FLOAT")

    def send(writer, content):
        writes.append(write(writer, content))
        if len(writes) == 5:  # the header is the first
            signal.raise_signal(signal.SIGTERM)
        return writes[-1]

    monkeypatch.setattr(pipes.Writer, "_send", send)
    handler = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        stream(tmp_path / "in.wav", tmp_path / "out.wav", *half)
    finally:
        signal.signal(signal.SIGTERM, handler)
    enhanced, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    assert len(enhanced) == 5 * HOP  # four blocks, a lag behind what came in, and what was still to come
    np.testing.assert_allclose(enhanced, audio[: 5 * HOP, 0] / 2, atol=1e-6)


def test_a_reader_that_goes_away_ends_it_without_a_word(start):
    process = start("--raw", "s16le")
    threading.Thread(target=_feed, args=(process.stdin, as_s16(noise(2 * RATE))), daemon=True).start()
    process.stdout.read(100)
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr.read().decode().splitlines() == [FIRST, "[]"]


def _feed(pipe, content):
    try:
        while True:
            pipe.write(content)
    except OSError:
        pipe.close()


def test_a_named_pipe_on_both_sides(stream, half, tmp_path):
    source, target, received = tmp_path / "source", tmp_path / "target", []
    for path in (source, target):
        os.mkfifo(path)
    threads = [
        threading.Thread(target=source.write_bytes, args=(wav(as_s16(noise(3000)), 0),)),
        threading.Thread(target=lambda: received.append(target.read_bytes())),
    ]
    for thread in threads:
        thread.start()
    assert stream(source, target, *half) == (0, "", FIRST + "\n")
    for thread in threads:
        thread.join()
    np.testing.assert_allclose(np.frombuffer(received[0][44:], "<i2") / 2**15, noise(3000)[:, 0] / 2, atol=2**-14)


def test_what_is_odd_is_said_and_nothing_is_lost(stream, half, tmp_path, monkeypatch):
    loud = noise(1000)
    loud[500] = 3
    (tmp_path / "cut.wav").write_bytes(wav(loud.tobytes() + b"\1", 9999, tag=3, bits=32))
    status, _, err = stream(tmp_path / "cut.wav", tmp_path / "out.raw", *half)
    assert status == 0 and err.splitlines()[1:] == [
        f"zoo: {tmp_path}/cut.wav: is cut short: its header counts 9999 bytes, 4001 are there; get it again",
        f"zoo: {tmp_path}/cut.wav: its last bytes are no whole sample (1 of 4), and were left out",
    ]
    (tmp_path / "loud.wav").write_bytes(wav(as_s16(np.full(1000, 0.9)), 0))
    monkeypatch.setattr(network, "load", lambda source: Gain(2))
    _, _, err = stream(tmp_path / "loud.wav", tmp_path / "clipped.wav", *half)
    assert err.splitlines()[1] == "zoo: 1000 samples beyond full scale were clipped; lower the input's level"


def test_what_comes_before_nan_is_written(stream, half, tmp_path):
    audio = noise(2000)
    audio[1500] = np.nan
    (tmp_path / "in.raw").write_bytes(audio.tobytes())
    status, _, err = stream(tmp_path / "in.raw", tmp_path / "out.wav", "--raw", "f32le", *half)
    assert status == 2 and err.splitlines()[1:] == [
        f"zoo: {tmp_path}/in.raw: at sample 1500 (0.094 s), holds NaN or infinity; repair it"
    ]
    assert soundfile.info(tmp_path / "out.wav").frames == 1500 // HOP * HOP - HOP


MISTAKES = [
    (("in48.wav", "out.wav"), "in48.wav: is at 48000 Hz, 16000 Hz is needed; let its source resample it, as by ffmpeg"),
    (("in.flac", "out.wav"), "in.flac: is no WAV; give samples without a header by --raw"),
    (("none.wav", "out.wav"), "none.wav: cannot be read (No such file or directory)"),
    ((".", "out.wav"), "cannot be read (Is a directory)"),
    (("in.wav", "out.flac"), "out.flac: a stream is written as WAV, or as samples alone"),
    (("in.wav", "none/out.wav"), "its folder does not exist"),
    (("in.wav", "there.wav"), "there.wav: exists; replace it by --overwrite"),
    (("in.wav", "link.wav", "--overwrite"), "link.wav: is the input, which is never overwritten"),
    (("in.wav", "out.wav", "--rate", "16000"), "--rate describes --raw"),
    (("in.wav", "out.wav", "--raw", "s16le", "--channels", "0"), "--channels is 0; give a number above 0, up to 256"),
    (("in.wav", "out.wav", "--block", "nan"), "--block is nan; give a number above 0"),
    (("in.wav", "out.wav", "--reference", "in.wav", "--report"), "--reference is of files"),
    (("in.wav", "--device"), "--device takes its sound from a microphone"),
    (("--device", "1", "2", "3"), "--device takes two at most"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_a_mistake_is_one_line_and_writes_nothing(stream, half, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    soundfile.write("in.wav", noise(100), RATE)
    soundfile.write("in.flac", noise(100), RATE)
    soundfile.write("in48.wav", noise(100), 48000)
    os.symlink("in.wav", "link.wav")
    (tmp_path / "there.wav").touch()
    before = sorted(os.listdir())
    status, out, err = stream(*arguments, *half)
    assert status == 2 and out == "" and message in err and err.count("\n") == 1
    assert sorted(os.listdir()) == before and soundfile.info("in.wav").frames == 100


def test_an_offline_checkpoint_is_refused(stream, gain, tmp_path):
    gain(1)
    soundfile.write(tmp_path / "in.wav", noise(100), RATE)
    status, _, err = stream(tmp_path / "in.wav", tmp_path / "o.wav", "--checkpoint", "blstm-quality-net-refresh-16k")
    assert status == 2 and err == (
        "zoo: blstm-quality-net-refresh-16k needs the whole recording before it gives the first sample; give a causal "
        "checkpoint, such as qrnn-quality-net-16k, or leave --stream out\n"
    )


def test_a_terminal_is_no_sound(stream, monkeypatch, tmp_path):
    soundfile.write(tmp_path / "in.wav", noise(100), RATE)
    for name, arguments in (("stdin", ()), ("stdout", (tmp_path / "in.wav",))):
        for standard, message in (
            (SimpleNamespace(isatty=lambda: True, flush=lambda: None), f"zoo: {name} is a terminal"),
            (None, f"zoo: {name} is closed"),
        ):
            with monkeypatch.context() as patch:
                patch.setattr(sys, name, standard)
                status, _, err = stream(*arguments)
            assert status == 2 and err.startswith(message) and err.count("\n") == 1


def test_options_of_streams_need_a_stream_and_files_their_names(run, tmp_path):
    for arguments, message in (
        (("a.wav", "b.wav", "--raw", "s16le"), "--raw is of streams; add --stream"),
        (("a.wav", "b.wav", "--device"), "--device is of streams; add --stream"),
        (("a.wav",), "the following arguments are required: OUT"),
        ((), "the following arguments are required: IN, OUT"),
    ):
        assert run("enhance", *arguments)[2].startswith(f"zoo: {message}")


def test_in_and_out_may_stand_around_an_option(run, stream, half, tmp_path):
    soundfile.write(tmp_path / "in.wav", noise(1000), RATE)
    for command in (run, stream):
        words = ("enhance",) if command is run else ()
        assert command(*words, tmp_path / "in.wav", "--overwrite", tmp_path / "out.wav", *half)[0] == 0
        assert soundfile.info(tmp_path / "out.wav").frames == 1000
