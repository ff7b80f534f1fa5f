"""`zoo texture`: synthesise more of a sound."""

import argparse
from pathlib import Path

from zoo.base import files
from zoo.errors import InputError

_DESCRIPTION = """Synthesise more of a sound whose character stays the same: rain, fire, a crowd,
a clock. A new spectrogram is optimised until random networks give it the
statistics of the original, then its phases are estimated (Antognini et al. 2019).
Ctrl-C ends the optimisation and writes the result so far; a second one ends the
phases too.

An iteration takes 1.2 to 1.5 s for 10 s of sound on two cores, and shorter sounds
take less in proportion. So 10 s of sound take
  --quality draft   2 to 3 minutes: 100 iterations
  --quality good    25 minutes at most: 1000 iterations, fewer where the loss falls
                    by less than 5 % in 100 of them
  --quality paper   40 to 50 minutes: the paper's 2000 iterations
and up to a minute more for the phases. On a terminal a bar shows the time left."""
_EXAMPLES = """examples:
  zoo texture rain.wav more-rain.wav --seconds 10
  zoo texture rain.wav try.wav --quality draft
  zoo texture clock.wav clock-2.wav --alpha 1e4 --plot clock.png
  zoo texture crowd.wav crowd-2.wav --beta 1e-3 --seed 1 --state crowd.npz
"""

_OPTIONS = (
    "seconds", "alpha", "beta", "iterations", "seed", "optimizer", "phase_iterations", "momentum", "state", "resample",
    "quality", "diversity", "circular", "normalise",
)  # fmt: skip


def add(commands):
    """Add the command to the subparsers of `zoo`."""
    command = commands.add_parser(
        "texture",
        help="synthesise more of a sound",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("target", metavar="IN", help="recording of the sound, one channel, 0.7 s or more")
    command.add_argument("output", metavar="OUT", help="audio file to write: wav, flac, ogg or mp3")
    command.add_argument("--seconds", type=float, help="length of the result (default: IN's)")
    command.add_argument("--quality", default="good", help="draft, good or paper: how long it takes (default good)")
    command.add_argument("--iterations", type=int, help="of the optimisation, all done (default: the quality's)")
    command.add_argument("--alpha", type=float, default=1e3, help="weight of the rhythm (default 1e3)")
    command.add_argument("--beta", type=float, default=1e-4, help="weight against copying (default 1e-4)")
    command.add_argument("--seed", type=int, default=0, help="of the noise that it starts from (default 0)")
    command.add_argument(
        "--optimizer", default="lbfgs-b", help="lbfgs-b, or for the device tfp or torch (default lbfgs-b)"
    )
    command.add_argument("--phase-iterations", type=int, help="of Griffin-Lim (default: the quality's)")
    command.add_argument("--momentum", type=float, default=0.0, help="of Griffin-Lim; 0.99 is faster (default 0)")
    words = "term against copying: shifts, equation (7) of the paper, or sendik, its (6) (default shifts)"
    command.add_argument("--diversity", default="shifts", help=words)
    command.add_argument("--circular", action="store_true", help="autocorrelations go round, as the paper's (4)")
    command.add_argument("--normalise", help="bring IN to a peak or an rms of 1 first: peak or rms (default: as it is)")
    command.add_argument("--state", metavar="NPZ", help="keep the state in this file, and go on from it")
    command.add_argument("--plot", metavar="PNG", help="draw both spectrograms and the loss")
    command.add_argument("--resample", action="store_true", help="bring another rate than 16 kHz there and back")
    command.add_argument("--downmix", action="store_true", help="average the channels of a recording that has several")
    command.add_argument("--overwrite", action="store_true", help="replace OUT and the plot")
    command.set_defaults(run=_texture)


def _texture(arguments):
    # Late, so that the parser of a command line loads neither a backend nor an audio library.
    from zoo.audio import io

    target, rate = io.read(arguments.target, downmix=arguments.downmix)
    _check(arguments)
    io.check_writable(arguments.output, rate, channels=1)
    from zoo import texture

    result = texture.synthesize(target, rate, **{name: getattr(arguments, name) for name in _OPTIONS})
    clipped = io.write(arguments.output, result.audio, rate, clip=True, overwrite=arguments.overwrite)
    if arguments.plot:
        from zoo.texture import figures

        figures.synthesis(io.resample(target, rate, 16000), result, arguments.plot, overwrite=arguments.overwrite)
    print(_summary(arguments.output, result, clipped))
    return 0


def _check(arguments):
    """Refuse outputs that cannot be written, or that would overwrite an input or each other, before any work."""
    named = (arguments.target, arguments.output, arguments.state, arguments.plot)
    paths = [Path(path).resolve() for path in named if path is not None]
    for path in paths[1:]:
        files.check_output(path)
        if paths.count(path) > 1:
            raise InputError(f"{path}: is named twice, and the input is never overwritten; give another name")
    for path in (arguments.output, arguments.plot):
        if path is not None and Path(path).exists() and not arguments.overwrite:
            raise InputError(f"{path}: exists; replace it by --overwrite, or give another name")
    if arguments.plot:
        try:
            import matplotlib  # noqa: F401
        except ImportError as error:
            raise InputError('--plot needs matplotlib: pip install "audio-zoo[plots]"') from error


def _summary(output, result, clipped):
    history = result.history
    parts = [f"{output}: {len(history['loss'])} iterations"]
    if history["loss"]:
        parts.append(f"loss {history['loss'][0]:.4g} -> {history['loss'][-1]:.4g}")
    if history["convergence"]:
        parts.append(f"spectral convergence {history['convergence'][-1]:.3f}")
    if history["interrupted"]:
        parts.append("stopped by hand")
    if clipped:
        parts.append(f"{clipped} samples beyond full scale were clipped")
    return ", ".join(parts)
