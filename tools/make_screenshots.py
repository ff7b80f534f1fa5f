"""Take the screenshots of docs/listening.md again, of studies on the bundled recordings.

    python tools/make_screenshots.py            writes docs/listening/

Needs the program chromium, and playwright and pillow.
"""

import contextlib
import io
import shutil
import tempfile
import threading
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect, sync_playwright

import zoo
from zoo.audio import io as audio_io
from zoo.listening import jnd, preference, rate, serve, study
from zoo.listening.sounds import HEADPHONE_TONES
from zoo.listening.store import Store

OUTPUT = Path(__file__).resolve().parent.parent / "docs" / "listening"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
DESK, PHONE = {"width": 820, "height": 600}, {"width": 360, "height": 680}
TITLE = "Comparison of denoisers"


@contextlib.contextmanager
def served(kind, settings, read_items):
    """The address of a new study."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"{folder}/study.db", create=True)
        with store.write() as session:
            study.make(store, kind, settings, read_items(Path(folder), session), session)
        server, listening = serve.server(store, study.open_kind(store)), serve.bind("127.0.0.1", 0)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        server.should_exit = True
        thread.join()
        listening.close()
        store.close()


def pairs(folder, session):
    """Two pairs of an enhanced and a noisy recording."""
    files = zoo.examples()
    rows = [f"{files['degraded']},{files['enhanced']},{i},{files['reference']}" for i in range(20)]
    (folder / "pairs.csv").write_text("\n".join(["a,b,item,reference", *rows]))
    return preference.read_items(folder / "pairs.csv", session)


def clips(folder, session):
    """Clips to perturb."""
    (folder / "clean").mkdir()
    speech, rate_hz = audio_io.read(zoo.examples()["reference"])
    audio_io.write(folder / "clean" / "1.wav", speech, rate_hz)
    return jnd.read_items(folder / "clean", session)


def systems(settings):
    """The items of a page of MUSHRA."""

    def read(folder, session):
        files = zoo.examples()
        rows = [f"{files[name]},{name},1,{files['reference']}" for name in ("degraded", "enhanced", "mild")]
        (folder / "systems.csv").write_text("\n".join(["file,system,item,reference", *rows]))
        return rate.read_items(folder / "systems.csv", settings, session)

    return read


def shoot(page, name):
    """A picture of the page as a small PNG."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(400)  # to the end of the transitions
    image = Image.open(io.BytesIO(page.screenshot(full_page=True)))
    image.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(OUTPUT / f"{name}.png", optimize=True)


def press(page, *keys):
    """Keys, once the sounds are there."""
    expect(page.locator("button.sound").first).to_be_enabled(timeout=30_000)
    for key in keys:
        page.keyboard.press(key)


def begin(page, url):
    page.goto(url)
    page.get_by_role("button", name="I agree, begin").click()
    expect(page.locator("h1")).to_have_text("Set the volume")


def shoot_preference(browser):
    settings = preference.PreferenceSettings(title=TITLE)
    with served("preference", settings, pairs) as url:
        page = browser.new_page(viewport=DESK)
        page.goto(url)
        expect(page.locator("h1")).to_have_text(TITLE)
        shoot(page, "consent")
        page.keyboard.press("Enter")
        press(page, "a", "b")
        shoot(page, "volume")
        page.keyboard.press("Enter")
        expect(page.locator("#count")).to_have_text("1 of 20")
        press(page, "r", "a", "b", "2")
        shoot(page, "preference")
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size(PHONE)
        shoot(page, "preference-phone")


def shoot_jnd(browser):
    with served("jnd", jnd.JNDSettings(attention=True), clips) as url:
        page = browser.new_page(viewport=DESK)
        begin(page, url)
        press(page, "a", "b", "Enter")
        expect(page.locator("h1")).to_contain_text("word")
        press(page, "a")
        shoot(page, "attention")
        page.get_by_label("river").check()
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_contain_text("same or different")
        press(page, "a", "b", "1")
        shoot(page, "jnd")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Practice")
        shoot(page, "practice")


def shoot_crowd(browser):
    """The screens that only studies on a crowdsourcing platform have, and the last ones."""
    back = "https://platform.example/complete"
    settings = preference.PreferenceSettings(
        title=TITLE, headphones=True, pairs=1, completion_code="C7QK2M9X", return_url=back
    )
    with served("preference", settings, pairs) as url:
        page = browser.new_page(viewport=DESK)
        begin(page, url)
        press(page, "a", "b", "Enter")
        for number in range(HEADPHONE_TONES):
            expect(page.locator("h1")).to_contain_text("softest")
            press(page, "a", "2")
            if number == 0:
                shoot(page, "headphones")
            page.keyboard.press("Enter")
        expect(page.locator("#count")).to_have_text("1 of 1")
        press(page, "r", "a", "b", "1", "Enter")
        expect(page.locator("h1")).to_have_text("Comments")
        shoot(page, "comments")
        page.get_by_role("button", name="Finish").click()
        expect(page.locator("h1")).to_have_text("Thank you")
        shoot(page, "thanks")


def shoot_rating(browser):
    settings = rate.RatingSettings(title=TITLE)
    with served("rate", settings, systems(settings)) as url:
        page = browser.new_page(viewport=DESK)
        begin(page, url)
        press(page, "a", "b", "Enter")
        expect(page.locator("h1")).to_contain_text("quality of this recording")
        press(page, "a", "4")
        shoot(page, "acr")


def shoot_mushra(browser):
    settings = rate.RatingSettings(scale="mushra", title=TITLE)
    with served("rate", settings, systems(settings)) as url:
        page = browser.new_page(viewport=DESK)
        begin(page, url)
        press(page, "a", "b", "Enter")
        expect(page.locator("h1")).to_contain_text("How good")
        press(page, "r", "a", "b", "c", "d", "e", "f")
        for slider, score in zip(page.get_by_role("slider").all(), (72, 31, 100, 24, 58, 90), strict=True):
            slider.fill(str(score))
        shoot(page, "mushra")


def main():
    OUTPUT.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        for take in (shoot_preference, shoot_jnd, shoot_rating, shoot_mushra, shoot_crowd):
            take(browser)
        browser.close()


if __name__ == "__main__":
    main()
