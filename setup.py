"""Installs the package `zoo`, the command `zoo` and the bundled checkpoints."""

import re
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent
version = re.search(r'__version__ = "(.+)"', (here / "zoo" / "__init__.py").read_text()).group(1)

setup(
    name="audio-zoo",
    version=version,
    description="Learned audio metrics and losses for Keras, with pretrained checkpoints",
    long_description=(here / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=[*find_packages(include=["zoo", "zoo.*"]), "zoo._checkpoints"],
    # Checkpoints lie at the top of the repository and inside the installed package.
    package_dir={"zoo._checkpoints": "checkpoints"},
    package_data={
        "zoo": ["py.typed"],
        "zoo._checkpoints": ["*/*"],
        "zoo.audio": ["web/*"],
        "zoo.data": ["audio/*.flac", "manifests/*.csv"],
        "zoo.listening": ["page/*"],
    },
    # An editable install is a path, not an import hook: in the folder above a checkout that is called `zoo`, Python
    # takes that folder for the package before it asks any hook.
    options={"editable_wheel": {"mode": "compat"}},
    entry_points={"console_scripts": ["zoo=zoo.cli:main"]},
    # What scores, enhances and separates, on onnxruntime. All that Keras and a backend are for is an extra.
    install_requires=[
        "huggingface-hub>=1.33",
        "joblib>=1.3",
        "numpy>=1.26",
        "onnxruntime>=1.18",
        "pesq>=0.0.4",
        "pystoi>=0.4.1",
        "scipy>=1.11",
        "soundfile>=0.13",
        "soxr>=0.3.7",
        "tqdm>=4.66",
    ],
    extras_require={
        # A Keras backend each: for gradients, losses and training.
        "tensorflow": ["keras>=3.15", "tensorflow>=2.17"],
        "jax": ["jax>=0.5", "keras>=3.15"],
        "torch": ["keras>=3.15", "torch>=2.4"],
        "baselines": ["noisereduce>=3.0"],
        # What `zoo score --backend dask` needs.
        "dask": ["distributed>=2024.1"],
        # The network of DNSMOS, whose scores are columns of `zoo evaluate enhancement`.
        "dnsmos": ["speechmos>=0.0.1.1"],
        # What `make docs` builds the site with.
        "docs": ["mkdocs-material>=9.5", "mkdocstrings[python]>=0.25"],
        # What renders the pairs that the JND metrics are trained and judged on.
        "jnd": ["pyloudnorm>=0.1.1", "pyroomacoustics>=0.8"],
        # Listening tests in a browser, `zoo listen`, and what renders and analyses them.
        "listen": [
            "alembic>=1.13",
            "choix>=0.4",
            "limits>=5",
            "matplotlib>=3.8",
            "pyloudnorm>=0.1.1",
            "pyroomacoustics>=0.8",
            "sqlalchemy>=2.0.30",
            "starlette>=0.40",
            "statsmodels>=0.14",
            "uvicorn>=0.30",
        ],
        # What `zoo enhance --stream --device` plays through, with the library PortAudio.
        "microphone": ["sounddevice>=0.4.6"],
        # What renders and mixes the songs that the separators are trained on, with the program fluidsynth.
        "music": ["mido>=1.3", "pedalboard>=0.9"],
        # What writes ONNX, `zoo export --format onnx` and model.onnx; a later onnx wants a later ml_dtypes than TensorFlow
        # 2.17 allows.
        "onnx": ["onnx>=1.16,<1.19", "tf2onnx>=1.16.1"],
        # What tools/bench sets the zoo beside. torchaudio, which most of them import, ends at 2.11 and wants that torch.
        "peers": [
            "asteroid>=0.7",
            "cdpam==0.0.6",
            "librosa>=0.10",
            "openunmix>=1.3",
            "resampy>=0.4",
            "speechbrain>=1.0",
            "torch==2.11.0",
            "torch-pesq>=0.1.2",
            "torchaudio==2.11.0",  # 2.11.1 does not load with it
            "visqol-python>=3.8",
        ],
        # What simulates rooms to train in, where a recipe's variety has them.
        "rooms": ["pyroomacoustics>=0.8"],
        "plots": ["matplotlib>=3.8"],
        # Graded degradations to train a distance on: vocoded speech, and ViSQOL as a teacher.
        "severity": ["pyworld>=0.3.4", "visqol-python>=3.8"],
        # True metrics of separation, with the program ffmpeg.
        "separation": ["museval>=0.4.1"],
        # What `zoo.client` and the tests of TF Serving need.
        "serve": ["grpcio>=1.62", "requests>=2.31", "tensorflow-serving-api>=2.17"],
        # The optimiser that synthesises textures on the device.
        "textures": ["tensorflow-probability>=0.24", "tf_keras>=2.17"],
        # ViSQOL as a row of `zoo evaluate jnd --visqol`; its dependency libsvm-official is built from source.
        "visqol": ["visqol-python>=3.8"],
        "test": [
            "axe-playwright-python>=0.1.4",
            "ipykernel>=6",
            "nbmake>=1.5",
            "optax>=0.2",
            "playwright>=1.45",
            "psycopg[binary]>=3.1",
            "pytest>=8",
            "pytest-xdist>=3.6",
        ],
        # Its operations load on TensorFlow 2.16 and 2.17 only; elsewhere soundfile and soxr read audio. It has no wheels
        # for Python 3.13, for which TensorFlow 2.17 has none either.
        "tfio": ["tensorflow-io>=0.37.1; python_version < '3.13'", "tensorflow<2.18; python_version < '3.13'"],
    },
)
