"""A test of just noticeable differences: the paper's flow, and the search for each listener's threshold."""

import numpy as np
import pytest

from tests.support.listening import PINK, RATE, Store, make_jnd
from zoo.audio import io
from zoo.errors import InputError
from zoo.jnd.listening import Procedure
from zoo.listening import flow, jnd, renderings, sounds, study
from zoo.listening.store import Answer, Rendering, Sound, Trial, now


@pytest.fixture(scope="module")
def answered(exact_study):
    """The store, and the trials of the one session."""
    store, _ = exact_study
    with store.read() as session:
        trials = session.query(Trial).filter_by(screen="jnd").order_by(Trial.number).all()
        session.expunge_all()
    return store, trials


def test_the_flow_is_the_papers(answered):
    _, trials = answered
    assert [trial.role for trial in trials[:2]] == ["teaching"] * 2
    for block in (1, 2, 3):
        members = [trial for trial in trials[2:] if trial.block == block]
        assert len(members) == 10 and sum(trial.role == "sentinel" for trial in members) == 2
        assert members == trials[10 * block - 8 : 10 * block + 2]  # one block after the other
        assert len({trial.item_id for trial in members}) == 1
        assert len({trial.content["direction"]["seed"] for trial in members if trial.role == "judged"}) == 1


def test_the_strengths_are_those_of_the_search(answered):
    _, trials = answered
    strengths = [trial.content["rho"] for trial in trials if trial.block == 1 and trial.role == "judged"]
    search, expected = Procedure.of_paper(), []
    for _ in range(8):
        expected.append(search.next())
        search.answer(search.next() >= 40)
    assert strengths == expected and expected[:3] == [50.0, 25.0, 37.5]


def test_pairs_are_the_rendered_ones_and_a_sentinel_is_plain(answered):
    store, trials = answered
    with store.read() as session:
        for trial in trials:
            pair = [sounds.decode(session.get(Sound, digest).audio)[0] for digest in trial.content["pair"]]
            assert pair[0].shape == pair[1].shape
            noise = np.std(pair[1] - pair[0]) / np.std(pair[0])
            if trial.role == "sentinel":
                assert noise > 0.3
            assert (trial.content["pair"][0] == trial.content["pair"][1]) == (trial.content["rho"] == 0)
            assert sorted(trial.content["pair"]) == sorted(trial.content["sounds"])


def test_teaching_trials_tell_the_answer(answered):
    kind = jnd.JND(jnd.JNDSettings())
    different, same = answered[1][:2]
    assert kind.feedback(different, {"choice": "same"}).startswith("Not so: they differ")
    assert kind.feedback(same, {"choice": "same"}) == "Right: they are the same recording twice."
    assert kind.feedback(answered[1][5], {"choice": "same"}) == ""


def test_both_candidates_are_ready_before_the_answer(tmp_path, monkeypatch):
    store, kind = make_jnd(tmp_path)
    token, rendered = flow.begin(store, kind), []
    with store.write() as session:  # to a trial whose next one is of the same search
        trials = session.query(Trial).order_by(Trial.number).all()
        place = next(i for i, t in enumerate(trials) if (t.role, trials[i + 1].role) == ("judged", "judged"))
        for trial in trials[:place]:
            session.delete(trial)
        current, following = trials[place].id, trials[place + 1].id
    flow.state(store, kind, token)
    kind.prepare_ahead(store, current)
    with store.read() as session:
        assert session.query(Rendering).count() == 4  # the reference, 50, 25 and 75
    monkeypatch.setattr(renderings.Direction, "pair", lambda *arguments: rendered.append(arguments))
    with store.read() as session:
        state_of = session.get(Trial, current).number
    answer = {"client_id": "an-answer", "number": state_of, "value": {"choice": "same"}, "seconds": 1, "plays": [1, 1]}
    flow.save(store, kind, token, answer)
    flow.state(store, kind, token)
    assert not rendered
    with store.read() as session:
        assert session.get(Trial, following).content["rho"] == 75
    store.close()


def test_draws_are_the_same_after_a_restart(tmp_path):
    store, kind = make_jnd(tmp_path, search="draws")
    flow.begin(store, kind)
    with store.read() as session:
        numbers = [trial.id for trial in session.query(Trial).filter_by(role="judged", block=1).order_by(Trial.number)]
    strengths = []
    for number in numbers:
        with store.read() as session:
            expected = study.open_kind(store)._search(session, session.get(Trial, number)).next()
        kind.prepare(store, number)
        with store.write() as session:
            trial = session.get(Trial, number)
            strengths.append(trial.content["rho"])
            value = {"choice": "different" if strengths[-1] > 40 else "same"}
            trial.answer = Answer(client_id=f"answer-{number}", value=value, seconds=1, plays=[1, 1], saved=now())
        assert strengths[-1] == expected
    assert len(set(strengths)) == 8
    store.close()


def test_random_directions_have_only_noises_that_are_there(tmp_path):
    kind = jnd.JND(jnd.JNDSettings())
    rng = np.random.default_rng(0)
    names = {name for _ in range(50) for name in kind._random_direction(rng)[0].split("+")}
    recorded = {"noise:applause", "noise:water_drops", "noise:crickets", "noise:room"}
    assert not names & recorded and {"noise:pink", "rt60", "mp3"} <= names
    assert recorded - names


def test_recorded_noises_are_in_the_study(tmp_path):
    (tmp_path / "noise" / "applause").mkdir(parents=True)
    io.write(tmp_path / "noise" / "applause" / "1.wav", 0.1 * np.random.default_rng(0).standard_normal(RATE), RATE)
    condition = {"name": "applause", "towards": {"noise:applause": 90.0}}
    store, kind = make_jnd(tmp_path, noise=tmp_path / "noise", condition=[condition])
    assert kind.material.recordings["applause"][0].shape == (22050,) and kind.material.rooms == []
    store.close()
    io.write(tmp_path / "noise" / "hum.wav", np.ones(RATE), RATE)
    with pytest.raises(InputError, match=r"hum.wav is in no folder of a noise; make applause"):
        make_jnd(tmp_path, noise=tmp_path / "noise")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"search": "up"}, 'search = "up"'),
        ({"most": 9}, "most = 9"),
        ({"condition": [{"towards": {"mp3": 50}}]}, "needs a name and towards"),
        ({"condition": [PINK | {"seed": 1}]}, "needs a name and towards"),
        ({"condition": [{"name": "x", "towards": {"noise:purple": 50}}]}, "condition x: there is no perturbation"),
        ({"condition": [{"name": "x", "towards": {"mp3": 500}}]}, "condition x: mp3 at 500"),
        ({"condition": [PINK | {"order": ["mastering"]}]}, "no category mastering"),
    ],
)
def test_settings_that_are_none_are_refused(settings, words):
    with pytest.raises(InputError, match=words):
        jnd.JNDSettings(**settings)


def test_folders_without_clips_and_noises_are_refused(tmp_path):
    store = Store(tmp_path / "study.db", create=True)
    (tmp_path / "clean").mkdir()
    with store.write() as session:
        for folder in ("clean", "absent"):
            with pytest.raises(InputError, match="holds no recordings"):
                jnd.read_items(tmp_path / folder, session)
        io.write(tmp_path / "clean" / "a.wav", np.zeros(2 * RATE), RATE)
        with pytest.raises(InputError, match=r"a\.wav: is silent or shorter than 1 s"):
            jnd.read_items(tmp_path / "clean", session)
        crickets = jnd.JNDSettings(condition=[{"name": "x", "towards": {"noise:crickets": 50}}])
        with pytest.raises(InputError, match="no recordings of noise:crickets; give --noise"):
            jnd.with_noises(crickets, None, session)
    store.close()
