"""Files of corpora in folders of the user's: Voice Bank-DEMAND, TIMIT, any recordings. Reads none of them.

The recordings may have any rate; resample them when you read them:

    pairs.read(pair, rates=(16000,), resample=True)[:2]      a pair of Voice Bank-DEMAND
    io.read(path, 16000, resample=True, downmix=True)[0]     a recording of the others
"""

from pathlib import Path

from zoo.audio import pairs, walk
from zoo.errors import InputError

_SPLITS = ("train", "validation", "test")
_VOICE_BANK_TRAIN = ("trainset_28spk_wav", "trainset_wav")
_VOICE_BANK_TEST = ("testset_wav",)
_VOICE_BANK_VALIDATION = {"p226", "p287"}
_TIMIT_VALIDATION = 10  # one training talker in so many is held back


def voice_bank(directory: str | Path, split: str) -> list[pairs.Pair]:
    """Pairs of Voice Bank-DEMAND (Valentini-Botinhao et al. 2016), clean and noisy.

    Validation is the talkers p226 and p287, held back from training as is usual; the corpus has no validation split.

    Args:
        directory: holds clean_trainset_28spk_wav (or clean_trainset_wav), clean_testset_wav, and the same with noisy_.
        split: "train", "validation" or "test".

    Returns:
        list of `zoo.audio.pairs.Pair`, `reference` clean and `degraded` noisy, by name; a file that lacks its other
        half is a pair with an error.

    Raises:
        InputError: unknown split, a folder is missing, or no recording of the split is in it.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> for folder in ("clean_testset_wav", "noisy_testset_wav"):
        ...     (root / folder).mkdir()
        ...     (root / folder / "p232_001.wav").touch()
        >>> [pair.degraded.parent.name for pair in voice_bank(root, "test")]
        ['noisy_testset_wav']
    """
    _check(split)
    suffixes = _VOICE_BANK_TEST if split == "test" else _VOICE_BANK_TRAIN
    clean = _folder(directory, [f"clean_{suffix}" for suffix in suffixes])
    noisy = _folder(directory, [f"noisy_{clean.name.split('_', 1)[1]}"])
    corpus_pairs = pairs.find(clean, noisy)
    if split != "test":
        corpus_pairs = [
            pair for pair in corpus_pairs if (_talker(pair) in _VOICE_BANK_VALIDATION) == (split == "validation")
        ]
    if not corpus_pairs:
        raise InputError(f"{clean} holds no recording for {split}; check that the corpus is whole")
    return corpus_pairs


def voice_bank_snrs(directory: str | Path) -> dict[str, float]:
    """Signal-to-noise ratios of the test recordings of Voice Bank-DEMAND, from its log_testset.txt.

    Args:
        directory: as for `voice_bank`; the log lies in it or in a folder of it. Its lines are "p232_001 bus 2.5".

    Returns:
        {stem of the file: dB}, of a pair `snrs.get(pair.reference.stem)`; empty without the log.

    Raises:
        InputError: a line of the log cannot be understood.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> _ = (root / "log_testset.txt").write_text("p232_001 bus 2.5")
        >>> voice_bank_snrs(root)
        {'p232_001': 2.5}
    """
    name = "log_testset.txt"
    logs = [*Path(directory).glob(name), *Path(directory).glob(f"*/{name}")]
    snrs = {}
    for line in logs[0].read_text(encoding="utf-8").splitlines() if logs else ():
        try:
            stem, _, snr_db = line.split()
            snrs[stem] = float(snr_db)
        except ValueError as error:
            raise InputError(f"{logs[0]}: the line {line!r} is no 'recording noise SNR'; mend it") from error
    return snrs


def timit(directory: str | Path, split: str) -> dict[str, list[Path]]:
    """Sentences of TIMIT by talker, without SA1 and SA2, which every talker reads.

    Validation is every tenth training talker by name; test is the whole TEST folder, not the core test set.
    NIST SPHERE (as published) and RIFF files both serve; of SA1.WAV and SA1.WAV.wav side by side one is taken.

    Args:
        directory: holds TRAIN and TEST, each of dialect regions, talkers and files; any case.
        split: "train", "validation" or "test".

    Returns:
        {talker: [paths]}, sorted; talkers in capitals.

    Raises:
        InputError: unknown split, a folder is missing, or no sentence of the split is in it.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / "TEST" / "DR1" / "FAKS0").mkdir(parents=True)
        >>> (root / "TEST" / "DR1" / "FAKS0" / "SX43.WAV").touch()
        >>> list(timit(root, "test"))
        ['FAKS0']
    """
    _check(split)
    folder = _folder(directory, ["TEST" if split == "test" else "TRAIN"])
    talkers = {}
    for path in sorted(folder / name for name in walk.recordings(folder)):
        sentence = path.name.split(".")[0].upper()
        if not sentence.startswith("SA"):
            # Sorted, so that a converted copy comes after its original and takes its place.
            talkers.setdefault(path.parent.name.upper(), {})[sentence] = path
    names = sorted(talkers)
    held_back = set() if split == "test" else set(names[::_TIMIT_VALIDATION])
    speech = {name: list(talkers[name].values()) for name in names if (name in held_back) == (split == "validation")}
    if not speech:
        raise InputError(f"{folder} holds no sentence for {split}; it needs files like DR1/FCJF0/SX37.WAV")
    return speech


def recordings(directory: str | Path) -> dict[str, list[Path]]:
    """Recordings of any folder, by the folder at its top that they lie in: one a talker, or a kind of noise.

    Args:
        directory: holds recordings at any depth; see `zoo.audio.walk.recordings`.

    Returns:
        {folder: [paths]}, sorted; files that lie in `directory` itself are under its own name.

    Raises:
        InputError: no such folder, or no recording in it.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> (root / "84" / "121123").mkdir(parents=True)
        >>> (root / "84" / "121123" / "84-121123-0000.flac").touch()
        >>> list(recordings(root))
        ['84']
    """
    root = Path(directory)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; check the path")
    by_folder = {}
    for path in sorted(root / name for name in walk.recordings(root)):
        inside = path.relative_to(root).parts
        by_folder.setdefault(inside[0] if len(inside) > 1 else root.resolve().name, []).append(path)
    if not by_folder:
        raise InputError(f"{root} holds no {walk.WANTED}; check the path")
    return by_folder


def _check(split):
    if split not in _SPLITS:
        raise InputError(f"unknown split {split!r}; give one of {', '.join(_SPLITS)}")


def _talker(pair):
    return Path(pair.name).stem.split("_")[0].lower()


def _folder(directory, names):
    """The first of the named folders in `directory`, in any case."""
    root = Path(directory)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; check the path")
    present = {path.name.lower(): path for path in sorted(root.iterdir()) if path.is_dir()}
    for name in names:
        if name.lower() in present:
            return present[name.lower()]
    raise InputError(f"{root} holds no folder {' or '.join(names)}; give the one that does")
