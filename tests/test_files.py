"""Files that are written whole or not at all."""

import pytest

from zoo.files import atomic_write


def test_a_failed_write_leaves_the_old_file(tmp_path):
    old = tmp_path / "scores.csv"
    old.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(old) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert old.read_text() == "old" and list(tmp_path.iterdir()) == [old]
