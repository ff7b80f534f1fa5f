"""The page that plays recordings of one minute: what is in it, its levels, and how it behaves in a browser."""

import base64
import io as memory
import re
import shutil

import numpy as np
import pytest
import soundfile

from zoo.audio import player
from zoo.audio.mix import colored_noise

RATE = 16000
NOISE = colored_noise(3 * RATE, 1.0, np.random.default_rng(0))
NOISE = (0.5 * NOISE / np.abs(NOISE).max()).astype("float32")
MARKS = [player.Mark("first & last", 0.0), player.Mark("second", 1.5)]


def page(*recordings, rate=RATE):
    groups = [player.Group("", [recordings[0]]), player.Group("Others <b>", list(recordings[1:]))]
    return player.page("Title & more", ["Words <of> it."], groups, MARKS, rate, kbps=40)


def sounds(html):
    files = [base64.b64decode(text) for text in re.findall(r'data:audio/ogg;base64,([^"]+)', html)]
    return [soundfile.read(memory.BytesIO(file), dtype="float32") for file in files]


def test_the_page_has_every_recording_in_order_and_needs_nothing_outside():
    html = page(player.Recording("one", NOISE), player.Recording("two", 0.5 * NOISE))
    (one, rate), (two, _) = sounds(html)
    assert rate == RATE and len(one) == len(two) == len(NOISE)
    assert np.std(two) / np.std(one) == pytest.approx(0.5, abs=0.03)  # levels are not matched
    assert np.argmax(np.correlate(one[1000:9000], NOISE[1020:8980])) == 20  # nothing is late
    assert html.count("data:image/png") == 2 and "http" not in re.sub(r'data:[^"]*', "", html)
    assert "Words &lt;of&gt; it." in html and "Others &lt;b&gt;" in html and "first &amp; last" in html
    assert "dB softer here" not in html


def test_a_loud_recording_makes_all_softer_and_none_is_clipped():
    html = page(player.Recording("one", NOISE), player.Recording("blown up", 8 * NOISE))
    (one, _), (loud, _) = sounds(html)
    assert np.abs(loud).max() <= 1.0 and np.std(loud) / np.std(one) == pytest.approx(8, rel=0.1)
    assert f"{20 * np.log10(4 / player.PEAK):.1f} dB softer here" in html


def test_stereo_at_44100_hz_keeps_both_channels():
    sides = np.stack([NOISE, 0.25 * NOISE[::-1]], axis=1)
    audio, rate = soundfile.read(memory.BytesIO(player.encode(sides, 44100, kbps=32)))
    assert rate == 48000 and audio.shape == (round(len(sides) * 48000 / 44100), 2)
    assert np.std(audio[:, 0]) / np.std(audio[:, 1]) == pytest.approx(4, rel=0.1)
    assert page(player.Recording("stereo", sides), rate=44100).count("<audio") == 1


def test_silence_is_no_error():
    assert page(player.Recording("silence", np.zeros(RATE, "float32"))).count("<audio") == 1


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs the browser chromium")
def test_in_a_browser_another_recording_goes_on_at_the_same_place(tmp_path):
    from playwright.sync_api import expect, sync_playwright

    (tmp_path / "page.html").write_text(page(*(player.Recording(name, NOISE) for name in ("one", "two", "three"))))
    arguments = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        tab = browser.new_page(viewport={"width": 390, "height": 800})
        errors = []
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto((tmp_path / "page.html").as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") == 390
        tab.get_by_role("button", name="0:01 second").click()
        tab.get_by_role("slider", name="Place in one").focus()
        tab.keyboard.press("2")
        expect(tab.get_by_role("button", name="Pause two")).to_be_visible()
        tab.wait_for_function("recordings[1].audio.currentTime > 1.5")
        tab.get_by_role("button", name="Play three").click()
        expect(tab.get_by_role("button", name="Play two")).to_be_visible()
        assert tab.evaluate("recordings[2].audio.currentTime") >= 1.5 and tab.evaluate("recordings[1].audio.paused")
        tab.keyboard.press("3")
        expect(tab.get_by_role("button", name="Play three")).to_be_visible()
        assert 1.5 < float(tab.get_by_role("slider", name="Place in one").input_value()) <= 3 and not errors
        browser.close()
