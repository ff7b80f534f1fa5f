"""Simulated listeners who take part in a study as people do, through its web address: for rehearsals and tests."""

import secrets
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import requests

from zoo.listening.sounds import decode

Decide = Callable[[dict, list[bytes]], dict | None]
_FRAME = 400  # samples


def attend(url: str, decide: Decide, worker: str = "", seconds: float = 3.0, pause: float = 0.0) -> dict[str, Any]:
    """Take part in a study from its first screen to its last.

    Args:
        url: of the study, with a slash at its end.
        decide: (trial, sounds) -> the value of an answer, or None for what anybody answers (`plain_answer`). The trial is
            that of `zoo.listening.flow.state`, the sounds are WAV files.
        worker: id of a crowdsourcing platform, "" for none.
        seconds: that each answer is said to take.
        pause: seconds that each one does take.

    Returns:
        The last state: {"status": "done", "code", ...}, with "times", seconds from each answer to its "saved".

    Raises:
        requests.HTTPError: the server refused.
    """
    with requests.Session() as http:
        session = _checked(http.post(f"{url}api/sessions", json={"worker": worker})).json()
        http.headers["Authorization"] = f"Bearer {session['token']}"
        state, times = _checked(http.get(f"{url}api/state")).json(), []
        while state["status"] == "going":
            trial = state["trial"]
            places = range(trial["sounds"])
            sounds = [_checked(http.get(f"{url}api/sounds/{trial['number']}/{place}")).content for place in places]
            value = decide(trial, sounds) or plain_answer(trial)
            message = {"client_id": secrets.token_hex(16), "number": trial["number"], "value": value}
            time.sleep(pause)
            start = time.perf_counter()
            saved = _checked(
                http.post(f"{url}api/answers", json=message | {"seconds": seconds, "plays": [1] * len(sounds)})
            )
            times.append(time.perf_counter() - start)
            state = saved.json()
    return state | {"times": times}


def plain_answer(trial: dict[str, Any]) -> dict[str, Any]:
    """What anybody answers to a screen: agree, go on, the first choice, and no comment.

    Example:
        >>> plain_answer({"screen": "consent", "form": "choice", "choices": [["agree", "I agree"]]})
        {'choice': 'agree'}
    """
    if trial["screen"] == "attention":
        return {"choice": "river"}  # of the bundled sentence
    if trial["form"] == "text":
        return {"text": ""}
    if trial["form"] == "scores":
        return {"scores": [50] * len(trial["rated"])}
    return {"choice": trial["choices"][0][0]}


def cleaner(errors: float, rng: np.random.Generator) -> Decide:
    """A listener who prefers the recording with less noise in its pauses.

    Args:
        errors: share of answers, 0..1, that are the other way.
        rng: NumPy generator.

    Returns:
        As `attend` takes it.

    Example:
        >>> decide = cleaner(0.0, np.random.default_rng(0))
        >>> decide({"screen": "consent"}, []) is None
        True
    """

    def decide(trial, sounds):
        if trial["screen"] != "preference":
            return None
        first, second = [_floor(decode(data)[0]) for data in sounds[-2:]]
        is_first = (first < second) != (rng.random() < errors)
        return {"choice": "a" if is_first else "b"}

    return decide


def _floor(audio):
    """Level of the softest tenth of the frames."""
    frames = audio[: len(audio) // _FRAME * _FRAME, 0].reshape(-1, _FRAME)
    return np.percentile(frames.std(axis=1), 10)


def _checked(response):
    response.raise_for_status()
    return response
