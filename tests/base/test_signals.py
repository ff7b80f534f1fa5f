"""A signal ends a wait at once, and the work on a block after it."""

import os
import signal

import pytest

from zoo.base.signals import SignalsAfterABlock, Stopped


class Ended(BaseException):
    """What a handler of a test raises."""


@pytest.fixture
def send():
    """Sends SIGTERM to this process, where it raises `Ended`."""

    def end(number, frame):
        raise Ended

    before = signal.signal(signal.SIGTERM, end)
    yield lambda: os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is end
    signal.signal(signal.SIGTERM, before)


def test_work_goes_on_to_the_end_of_the_context(send):
    done = []
    with pytest.raises(Ended), SignalsAfterABlock() as signals:
        assert signals.number is None
        send()
        assert signals.number == signal.SIGTERM
        done.append("block")
    assert done == ["block"]


def test_a_wait_ends_at_once(send):
    done = []
    with pytest.raises(Ended), SignalsAfterABlock() as signals:
        with pytest.raises(Stopped), signals.waiting():
            send()
            done.append("waited")
        done.append("block")
    assert done == ["block"]


def test_a_second_signal_does_what_it_did_before(send):
    done = []
    with pytest.raises(Ended), SignalsAfterABlock():
        send()
        send()
        done.append("block")
    assert not done


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with SignalsAfterABlock() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            assert signals.number is None
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
