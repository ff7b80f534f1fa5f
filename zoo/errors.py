"""Errors and warnings that a user of the zoo can act on."""

import contextlib
import os
from collections.abc import Iterator
from importlib.util import find_spec

BACKENDS = ("tensorflow", "jax", "torch")  # of Keras
# Packages that not every use needs, and the extra of this package that installs each.
EXTRAS = {
    "keras": "tensorflow",
    "h5py": "tensorflow",
    "tensorflow": "tensorflow",
    "jax": "jax",
    "torch": "torch",
    "tf2onnx": "onnx",
    "onnx": "onnx",
    "grpc": "serve",
    "requests": "serve",
    "tensorflow_serving": "serve",
    "tensorflow_probability": "textures",
    "tf_keras": "textures",
    "museval": "separation",
    "speechmos": "dnsmos",
    "sounddevice": "microphone",
}


class InputError(ValueError):
    """Input that the zoo cannot use; the message says in one line what to do."""

    # Keras adds the arguments of the layer that raised, many lines, to the message of an error without this mark.
    _keras_call_info_injected = True


class InputWarning(UserWarning):
    """Input that the zoo uses in part; the message says in one line what is left out. `zoo` prints it on stderr."""


def first_line(error: BaseException) -> str:
    """What an error says, one line: its class where it says nothing.

    Example:
        >>> first_line(OSError("disk full")), first_line(MemoryError())
        ('disk full', 'MemoryError')
    """
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def describe(error: BaseException) -> str:
    """An error in one line for a table of many files: of a library's error the class too, since its words rarely do.

    Example:
        >>> describe(InputError("a.wav: is empty")), describe(KeyError("rate"))
        ('a.wav: is empty', "KeyError: 'rate'")
    """
    if isinstance(error, (InputError, OSError)):
        return " ".join(str(error).split()) or type(error).__name__
    return f"{type(error).__name__}: {first_line(error)}"


@contextlib.contextmanager
def extras() -> Iterator[None]:
    """Context in which a package that is not installed is an error of one line, with the command that installs it.

    Raises:
        InputError: a package of `EXTRAS` is missing; other packages are missing by a mistake, and raise as ever.

    Example:
        >>> try:
        ...     with extras():
        ...         raise ModuleNotFoundError(name="museval.metrics")
        ... except InputError as error:
        ...     print(error)
        museval is not installed: pip install "audio-zoo[separation]"
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        fix = f'pip install "audio-zoo[{EXTRAS[package]}]"'
        # Another backend is no help to what needs this package itself, such as an export by TensorFlow.
        chosen = package == os.environ.get("KERAS_BACKEND", "tensorflow")
        others = [name for name in BACKENDS if chosen and package != name and find_spec(name)]
        fix += f", or set KERAS_BACKEND={others[0]}" if others else ""
        raise InputError(f"{package} is not installed: {fix}") from error
