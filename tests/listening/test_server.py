"""The web application: its routes, headers and limits, over real HTTP."""

import pytest
import requests

from tests.support.listening import begin, make_preference, message, running
from zoo.listening import server


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    store, kind = make_preference(tmp_path_factory.mktemp("study"), 3)
    with running(store, kind) as address:
        yield address
    store.close()


def test_the_page_needs_nothing_from_elsewhere(url):
    page = requests.get(url)
    assert page.status_code == 200 and "main.js" in page.text
    for name in ("main.js", "client.js", "dom.js", "player.js", "screens.js", "style.css", "icon.svg"):
        asset = requests.get(url + name)
        assert asset.status_code == 200
        assert "http" not in asset.text.replace("http://www.w3.org/2000/svg", ""), f"{name} names another server"


def test_every_response_has_the_headers_of_security(url):
    for path in ("", "style.css", "absent", "api/state"):
        headers = requests.get(url + path).headers
        assert server.HEADERS.items() <= headers.items() and "server" not in headers
        assert "unsafe" not in headers["Content-Security-Policy"]


def test_no_path_opens_a_file(url):
    for path in (
        "../server.py",
        "..%2fserver.py",
        "%2e%2e/server.py",
        "study.db",
        "api/sounds/0/../../x",
        "page/main.js",
    ):
        prepared = requests.Request("GET", url).prepare()
        prepared.url = url + path
        response = requests.Session().send(prepared)
        assert response.status_code in (401, 404) and "import" not in response.text


def test_an_answer_is_saved_and_the_next_trial_comes(url):
    http = begin(url)
    state = http.get(f"{url}api/state").json()
    saved = http.post(f"{url}api/answers", json=message(state, "agree", "answer-1"))
    assert saved.status_code == 200 and saved.json()["saved"] == "answer-1"
    state = saved.json()
    assert state["trial"]["screen"] == "volume"
    sound = http.get(f"{url}api/sounds/{state['trial']['number']}/1")
    assert sound.headers["Content-Type"] == "audio/wav" and sound.headers["Cache-Control"].startswith("private")


def test_a_session_needs_its_token(url):
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}):
        assert requests.get(f"{url}api/state", headers=headers).status_code == 401
        assert requests.post(f"{url}api/answers", json={}, headers=headers).status_code == 401


def test_a_form_of_another_site_begins_nothing(url):
    assert requests.post(f"{url}api/sessions", data="{}").status_code == 415
    response = requests.options(f"{url}api/sessions", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[]", 400), (b'{"worker": 5}', 400), (b" " * 70000, 413)], ids=range(4)
)
def test_bodies_are_checked(url, body, status):
    response = requests.post(f"{url}api/sessions", data=body, headers={"Content-Type": "application/json"})
    assert response.status_code == status and "error" in response.json()


def test_a_flood_is_slowed_down(url, monkeypatch):
    monkeypatch.setattr(server, "REQUESTS", server.RateLimitItemPerMinute(3))
    http = begin(url)
    codes = [http.get(f"{url}api/state").status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]


def test_a_full_disk_is_a_line_and_the_page_tries_again(tmp_path):
    store, kind = make_preference(tmp_path, 1)
    with running(store, kind) as url:
        http = begin(url)
        state = http.get(f"{url}api/state").json()
        with store.read() as session:  # no page more than there are
            pages = session.connection().exec_driver_sql("PRAGMA page_count").scalar()
        limit = store._engine.pool._pool.queue
        for connection in list(limit):
            connection.dbapi_connection.execute(f"PRAGMA max_page_count={pages}")
        sessions = (http.post(f"{url}api/sessions", json={"worker": f"{i:0200}"}) for i in range(60))
        refused = next(response for response in sessions if response.status_code != 201)
        assert refused.status_code == 503 and "full" in refused.json()["error"]
        for connection in list(limit):
            connection.dbapi_connection.execute("PRAGMA max_page_count=100000")
        assert http.post(f"{url}api/answers", json=message(state, "agree", "answer-1")).status_code == 200
    store.close()
