"""The switch for graphs that other runtimes take; what it switches is tested where it is."""

import pytest

from zoo import portable


def test_it_goes_back_to_what_it_was():
    assert not portable.wanted()
    with portable.operations():
        with pytest.raises(KeyError), portable.operations():
            raise KeyError
        assert portable.wanted()
    assert not portable.wanted()
