"""How files of a checkpoint come to be damaged, and the files that each happens to."""

import numpy as np


def cut(path):
    """A download or a copy that was stopped."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


def pointer(path):
    """A clone without Git LFS."""
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 1234\n")


def web_page(path):
    """A page that asks to log in, saved by a downloader."""
    path.write_text("<!DOCTYPE html>\n<html><body>Please log in</body></html>\n")


def not_utf8(path):
    path.write_bytes(path.read_bytes()[:-2] + b"\xff\xfe")


def another_kind(path):
    """JSON, but no object."""
    path.write_text("[1, 2]")


def random_bytes(path):
    """64 bytes in the middle, at which the file is still one of its kind."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = np.random.default_rng(0).bytes(64)
    path.write_bytes(content)


DAMAGES = [
    (name, damage)
    for name in ("config.json", "metadata.json", "model.weights.h5", "golden.npz")
    for damage in (cut, empty, pointer, web_page, not_utf8, another_kind)
    if name.endswith(".json") or damage not in (not_utf8, another_kind)
]
