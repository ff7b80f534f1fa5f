"""What a page shows and accepts, and the screens around the trials: consent, volume, headphones, attention, comments."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

import zoo.data.examples
from zoo.audio import io
from zoo.errors import InputError
from zoo.listening import sounds
from zoo.listening.store import Sound, Trial

MOST_TEXT = 5000  # characters of a comment
_WORDS = ("river", "mountain", "window", "garden")  # the bundled sentence has the first
_VOLUME = (
    "Play both sounds, in turn. Set the volume so that the loud one is comfortable and you can just hear the soft one.",
    "Please do not change the volume afterwards.",
)


@dataclass(frozen=True)
class View:
    """A screen, as the page draws it; nothing in it tells the condition of a sound.

    Attributes:
        title: the question.
        text: paragraphs below it.
        labels: of the sounds, in their order.
        keys: that play them.
        together: whether all play at once and one is audible, so that switching is without a gap; else each from its
            start.
        form: "choice", "scores" (0..100 for each label of `rated`) or "text".
        choices: (value, label) of a choice; digits choose them. Of one alone the button has the label.
        rated: labels of the sounds that get a score.
        button: what goes on.
    """

    title: str
    text: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    together: bool = False
    form: str = "choice"
    choices: tuple[tuple[str, str], ...] = ()
    rated: tuple[str, ...] = ()
    button: str = "Continue"

    def as_json(self) -> dict[str, Any]:
        """The view as a dict for JSON."""
        return asdict(self)

    def check(self, value: Any) -> dict[str, Any]:
        """An answer, checked: only what the form has.

        Raises:
            InputError: it is no answer to this screen.

        Example:
            >>> View("Which?", choices=(("a", "A"), ("b", "B"))).check({"choice": "a", "more": 1})
            {'choice': 'a'}
        """
        value = value if isinstance(value, dict) else {}
        match self.form:
            case "choice" if value.get("choice") in [name for name, _ in self.choices]:
                return {"choice": value["choice"]}
            case "text" if isinstance(value.get("text"), str) and len(value["text"]) <= MOST_TEXT:
                return {"text": value["text"]}
            case "scores" if _are_scores(value.get("scores"), len(self.rated)):
                return {"scores": value["scores"]}
        raise InputError("this is no answer to this screen; reload the page")


def _are_scores(scores, count):
    right = isinstance(scores, list) and len(scores) == count
    return right and all(type(score) is int and 0 <= score <= 100 for score in scores)


def before(session: Session, settings: Any, clip: str, rng: np.random.Generator) -> list[Trial]:
    """The screens before the trials: consent, volume, and where the settings have them headphones and attention.

    Args:
        session: to store sounds in.
        settings: `zoo.listening.study.Settings`.
        clip: digest of a recording to set the volume by.
        rng: NumPy generator of the order of the tones.
    """
    stored = session.get(Sound, clip)
    audio, rate = sounds.decode(stored.audio)
    levels = [sounds.add(session, level, rate) for level in sounds.loud_and_soft(audio)]
    trials = [Trial(screen="consent", content={}), Trial(screen="volume", content={"sounds": levels})]
    if settings.headphones:
        trials += [_headphone_trial(session, rate, rng, place) for place in range(1, sounds.HEADPHONE_TONES + 1)]
    if settings.attention:
        trials.append(_attention_trial(session, settings, rate))
    return trials


def after(settings: Any) -> list[Trial]:
    """The screens after the trials: comments."""
    return [Trial(screen="comments", content={})] if settings.comments else []


def _headphone_trial(session, rate, rng, place):
    softest, opposite, _ = rng.permutation(3)
    tones = sounds.add(session, sounds.headphone_tones(int(softest), int(opposite), rate), rate)
    return Trial(screen="headphones", content={"sounds": [tones], "place": place}, expected=str(softest + 1))


def _attention_trial(session, settings, rate):
    sentence = settings.sentence or zoo.data.examples.examples()["reference"]
    audio, _ = io.read(sentence, rate, resample=True, downmix=True)
    words = settings.words or list(_WORDS)
    digest = sounds.add(session, np.clip(audio, -1, 1), rate)
    return Trial(screen="attention", content={"sounds": [digest], "words": sorted(words)}, expected=words[0])


def view(trial: Trial, settings: Any) -> View | None:
    """The view of a screen around the trials; None for one of a kind's own trials."""
    match trial.screen:
        case "consent":
            text = tuple(settings.consent.strip().split("\n\n"))
            return View(settings.title, text, choices=(("agree", "I agree, begin"),))
        case "volume":
            choices = (("set", "The volume is set"),)
            return View("Set the volume", _VOLUME, ("Loud", "Soft"), ("a", "b"), choices=choices)
        case "headphones":
            text = (
                "Please wear headphones. You hear three tones; one of them is softer than the others.",
                f"{trial.content['place']} of {sounds.HEADPHONE_TONES}",
            )
            choices = tuple((str(place), f"Tone {place}") for place in (1, 2, 3))
            return View("Which tone is the softest?", text, ("Tones",), ("a",), choices=choices)
        case "attention":
            choices = tuple((word, word) for word in trial.content["words"])
            text = ("Listen to the sentence to its end.",)
            return View("Which of these words is in the sentence?", text, ("Sentence",), ("a",), choices=choices)
        case "comments":
            text = ("What did you notice? Was anything unclear, or did anything go wrong? You may leave this empty.",)
            return View("Comments", text, form="text", button="Finish")
    return None
