"""The page in a real browser, Debian's chromium: played and answered by keyboard and by pointer, on a desk and a phone."""

import contextlib
import re
import shutil

import numpy as np
import pytest

from tests.support.listening import make_jnd, make_preference, make_rating, running
from zoo.listening import results
from zoo.listening.store import Answer, Listener

pytest.importorskip("playwright", reason="needs playwright, of the extra test")
pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python, of the extra test")
if shutil.which("chromium") is None:
    pytest.skip("needs the program chromium: apt-get install chromium", allow_module_level=True)

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

pytestmark = pytest.mark.slow
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK, PHONE = {"width": 1000, "height": 800}, {"width": 360, "height": 740}
# Counts what is started and when, and taps what reaches the loudspeaker.
SPY = """
window.starts = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when, ...rest) {
  window.starts.push({ when, loop: this.loop, samples: this.buffer.length, rate: this.buffer.sampleRate });
  window.buffer = this.buffer;
  return start.call(this, when, ...rest);
};
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode) {
    window.tap ??= new AnalyserNode(this.context, { fftSize: 2048 });
    connect.call(this, window.tap);
  }
  return connect.call(this, target, ...rest);
};
window.level = () => {
  const samples = new Float32Array(2048);
  window.tap?.getFloatTimeDomainData(samples);
  return Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / 2048);
};
// Levels of the three tones that were started last, in the left ear and in the sum of both.
window.tones = () => {
  const [left, right] = [0, 1].map((place) => window.buffer.getChannelData(place));
  const sides = [left, left.map((x, i) => (x + right[i]) / 2)];
  const rate = window.buffer.sampleRate;
  const rms = (x) => Math.sqrt(x.reduce((sum, y) => sum + y * y, 0) / x.length);
  return sides.map((side) => [0, 1, 2].map((tone) => rms(side.slice(1.5 * tone * rate, (1.5 * tone + 1) * rate))));
};
"""


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        yield chromium
        chromium.close()


@contextlib.contextmanager
def opened(browser, url, viewport=DESK, lose="", **options):
    """A new browser's page; an error in its console fails the test. The first response of the address `lose` is lost."""
    context = browser.new_context(viewport=viewport, reduced_motion="reduce", **options)
    context.add_init_script(SPY)
    context.set_default_timeout(20_000)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    if lose:
        page.route(f"**/{lose}", lambda route: (route.fetch(), route.abort()), times=1)
    page.goto(url)
    yield page
    context.close()
    assert not errors


def title(page, words):
    expect(page.locator("h1")).to_have_text(re.compile(words), timeout=20_000)


def ready(page):
    expect(page.locator("button.sound").first).to_be_enabled(timeout=20_000)


def accessible(page):
    violations = Axe().run(page).response["violations"]
    assert not violations, [(each["id"], [node["html"] for node in each["nodes"]]) for each in violations]


def hears(page):
    """Whether a signal reaches the loudspeaker."""
    return any(page.evaluate("window.level()") > 0.001 or page.wait_for_timeout(20) for _ in range(500))


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def to_the_trials(page):
    """Through consent and volume, by keyboard."""
    expect(page.get_by_role("button", name="I agree, begin")).to_be_enabled(timeout=20_000)
    press(page, "Enter")
    title(page, "volume")
    ready(page)
    press(page, "a", "b", "Enter")


def test_a_preference_test_by_keyboard(browser, tmp_path):
    store, kind = make_preference(tmp_path, 2, ties=True, title="Denoisers", completion_code="C0DE")
    with running(store, kind) as url, opened(browser, f"{url}?PROLIFIC_PID=ann") as page:
        title(page, "Denoisers")
        accessible(page)
        to_the_trials(page)
        for number in (1, 2):
            title(page, "better quality")
            expect(page.locator("#count")).to_have_text(f"{number} of 2")
            ready(page)
            expect(page.get_by_role("radio").first).to_be_disabled()
            press(page, "1", "Enter")  # nothing yet: the sounds are not played
            press(page, "a")
            assert hears(page)
            press(page, "b", "a", "b", "3")
            accessible(page)
            press(page, "Enter")
        title(page, "Comments")
        page.locator("textarea").fill("a 1 b: letters of a comment play nothing")
        accessible(page)
        page.get_by_role("button", name="Finish").press("Enter")
        title(page, "Thank you")
        expect(page.locator("#code")).to_have_text("C0DE")
        accessible(page)
        starts = page.evaluate("window.starts.slice(-2)")
        # Both recordings of a pair run from one moment, in a loop: a switch starts nothing, and is at the same sample.
        assert starts[0]["when"] == starts[1]["when"] and starts[0]["loop"] and len(page.evaluate("starts")) == 2 + 4
        assert (starts[0]["samples"], starts[0]["rate"]) == (3200, 16000)
    rows, listeners = results.read(store, kind)
    assert [(row["answer"], row["plays"]) for row in rows] == [("tie", "2 2")] * 2
    assert (listeners[0]["worker"], listeners[0]["finished"]) == ("ann", 1)
    assert listeners[0]["comments"].startswith("a 1 b")
    store.close()


def test_a_lost_network_a_reload_a_second_tab_and_the_back_button(browser, tmp_path):
    store, kind = make_preference(tmp_path, 3, comments=False)
    with running(store, kind) as url, opened(browser, f"{url}?PROLIFIC_PID=ann", lose="api/sessions") as page:
        to_the_trials(page)
        title(page, "better quality")
        ready(page)
        press(page, "a", "b", "2")
        page.context.set_offline(True)
        press(page, "Enter")
        expect(page.locator("#status")).to_have_text(re.compile("connection is interrupted"))
        accessible(page)
        page.context.set_offline(False)
        expect(page.locator("#count")).to_have_text("2 of 3")
        expect(page.locator("#status")).to_have_text("")
        # An answer that never got through is sent after a reload.
        ready(page)
        press(page, "a", "b", "1")
        page.route("**/api/answers", lambda route: route.abort())
        press(page, "Enter")
        expect(page.locator("#status")).to_have_text(re.compile("connection is interrupted"))
        page.unroute("**/api/answers")
        page.reload()
        expect(page.locator("#count")).to_have_text("3 of 3")
        # The same trial in two tabs is answered once.
        tab = page.context.new_page()
        tab.goto(page.url)
        for each, key in ((page, "1"), (tab, "2")):
            ready(each)
            press(each, "a", "b", key)
        press(page, "Enter")
        title(page, "Thank you")
        press(tab, "Enter")
        title(tab, "Thank you")
        page.goto("about:blank")
        page.go_back()
        title(page, "Thank you")
        code = page.locator("#code").inner_text()
    rows, listeners = results.read(store, kind)
    assert len(rows) == 3 and [listener["code"] for listener in listeners] == [code]
    with store.read() as session:
        assert session.query(Answer).count() == 5
    store.close()


def test_a_jnd_session_by_pointer_on_a_phone(browser, tmp_path):
    store, kind = make_jnd(tmp_path, attention=True, comments=False)
    options = {"is_mobile": True, "has_touch": True, "color_scheme": "dark"}
    with running(store, kind) as url, opened(browser, url, PHONE, **options) as page:
        page.get_by_role("button", name="I agree, begin").tap()
        title(page, "volume")
        tap_sounds(page)
        page.locator("button.go").tap()
        title(page, "word")
        tap_sounds(page)
        assert hears(page)
        accessible(page)
        answer(page, "river")
        for number in range(32):
            title(page, "same or different")
            tap_sounds(page)
            if number in (0, 5):
                accessible(page)
                width = page.evaluate("document.documentElement.scrollWidth")
                assert width <= PHONE["width"], "the page is wider than the phone"
            answer(page, "Different")
            if number < 2:
                title(page, "Practice")
                page.get_by_role("button", name="Continue").tap()
        title(page, "Thank you")
    rows = results.read(store, kind).answers
    assert len(rows) == 30 and {row["answer"] for row in rows} == {"different"}
    first = [row["rho"] for row in rows if row["block"] == 1 and row["role"] == "judged"]
    np.testing.assert_allclose(first, 100 * 0.5 ** np.arange(1, 9), atol=1e-4)
    store.close()


def tap_sounds(page):
    ready(page)
    for button in page.locator("button.sound").all():
        button.tap()


def answer(page, label):
    before = page.evaluate("history.length")
    page.get_by_role("radio", name=label).tap()
    page.locator("button.go").tap()
    assert page.evaluate("history.length") == before


def test_a_page_of_mushra_by_keyboard(browser, tmp_path):
    store, kind = make_rating(tmp_path, count=1, scale="mushra", comments=False)
    with running(store, kind) as url, opened(browser, url) as page:
        to_the_trials(page)
        title(page, "How good")
        ready(page)
        press(page, "r", "a", "b", "c", "d", "e")
        assert hears(page)
        expect(page.locator("button.go")).to_be_disabled()
        sliders = page.get_by_role("slider").all()
        assert len(sliders) == 5
        for place, slider in enumerate(sliders):
            slider.focus()
            press(page, "Home", *["ArrowRight"] * place)
            expect(page.locator("legend")).to_have_text("Your answer" if place == 4 else "Give each a score.")
        press(page, "c")  # letters play while a scale has the focus
        accessible(page)
        starts = page.evaluate("window.starts.slice(-6)")
        assert len({start["when"] for start in starts}) == 1
        press(page, "Enter")
        title(page, "Thank you")
    (row,) = results.read(store, kind).answers
    assert sorted(part.rpartition("=")[2] for part in row["answer"].split() if "=" in part) == list("01234")
    store.close()


def test_headphones_are_screened_for_and_the_last_page_leads_back(browser, tmp_path):
    there = "https://platform.example/submissions/complete?cc=C0DE"
    settings = {"headphones": True, "comments": False, "return_url": there}
    store, kind = make_preference(tmp_path, 1, **settings)
    with running(store, kind) as url:
        for worker, ears in (("headphones", 0), ("loudspeakers", 1)):
            with opened(browser, f"{url}?PROLIFIC_PID={worker}") as page:
                to_the_trials(page)
                for number in range(6):
                    title(page, "softest")
                    expect(page.get_by_text(f"{number + 1} of 6")).to_be_visible()
                    ready(page)
                    press(page, "a")
                    expect(page.get_by_role("radio").first).to_be_enabled()
                    if number == 0:
                        accessible(page)
                    levels = page.evaluate("window.tones()")[ears]
                    press(page, str(1 + int(np.argmin(levels))), "Enter")
                title(page, "better quality")
                ready(page)
                press(page, "a", "b", "1", "Enter")
                title(page, "Thank you")
                accessible(page)
                page.route("https://platform.example/**", lambda route: route.fulfill(body="Thanks"))
                press(page, "Tab", "Enter")
                expect(page).to_have_url(there)
    marked = {row["worker"]: row["rejected"] for row in results.read(store, kind).listeners}
    assert "headphones" not in marked["headphones"] and marked["loudspeakers"].startswith("headphones: 0 of 6")
    store.close()


def test_a_task_that_is_not_accepted_begins_no_session(browser, tmp_path):
    store, kind = make_preference(tmp_path, 1)
    with (
        running(store, kind) as url,
        opened(browser, f"{url}?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE&hitId=h") as page,
    ):
        expect(page.get_by_text("Accept the task to begin.")).to_be_visible()
        accessible(page)
        with store.read() as session:
            assert session.query(Listener).count() == 0
        page.goto(f"{url}?workerId=ann&assignmentId=one&hitId=h")
        expect(page.get_by_role("button", name="I agree, begin")).to_be_enabled()
        with store.read() as session:
            listener = session.query(Listener).one()
            assert (listener.worker, listener.assignment, listener.campaign) == ("ann", "one", "h")
    store.close()
