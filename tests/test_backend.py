"""The switch for graphs that other runtimes take; what it switches is tested where it is."""

import pytest

from zoo import backend


def test_it_goes_back_to_what_it_was():
    assert not backend.wanted()
    with backend.operations():
        with pytest.raises(KeyError), backend.operations():
            raise KeyError
        assert backend.wanted()
    assert not backend.wanted()
