"""The kit gone through by keyboard alone in headless Chromium, from the reader's code to the figures."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image

from monai_mammo import reader_kit, reader_kit_analyse

pytestmark = pytest.mark.skipif(shutil.which("chromedriver") is None, reason="chromedriver is not installed")

ENTER, TAB, BACKSPACE = "\ue007", "\ue004", "\ue003"
N_RATINGS, N_PAIRS = 10, 5


class Browser:
    """Headless Chromium by the WebDriver protocol (W3C), of which a few words are enough here."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,1000"]}
        wanted = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
        self.base += f"/session/{self.post('/session', {'capabilities': wanted})['sessionId']}"

    def post(self, path: str, values: dict) -> dict:
        request = urllib.request.Request(
            self.base + path, json.dumps(values).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]

    def run(self, script: str):
        """What a script gives."""
        return self.post("/execute/sync", {"script": script, "args": []})

    def press(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is."""
        strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.post("/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]})

    def close(self) -> None:
        """End the session."""
        urllib.request.urlopen(urllib.request.Request(self.base, method="DELETE"), timeout=60)


@pytest.fixture
def browser(tmp_path):
    process = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
    try:
        said = ""
        while "started successfully on port" not in said:
            said = process.stdout.readline()
            assert said, "chromedriver did not start"
        page = Browser(int(said.split("port")[-1].strip(" .\n")))
        yield page
        page.close()
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture
def kit(tmp_path):
    rng, folders = np.random.default_rng(0), {}
    for name in ("real", "synthetic"):
        folders[name] = tmp_path / name
        folders[name].mkdir()
        for i in range(12):
            Image.fromarray(rng.integers(60, 200, (32, 24)).astype(np.uint8)).save(folders[name] / f"{name}{i}.png")
    out = tmp_path / "kit"
    reader_kit(out, real=folders["real"], synthetic=folders["synthetic"], pairs=N_PAIRS, ratings=N_RATINGS)
    return out, json.loads((out / "key.json").read_text())


def right_key(key, shown):
    """The key of the right answer to the item whose files are shown."""
    item = next(one for one in key["items"] if shown(one))
    origins = [image["origin"] for image in item["images"]]
    if item["task"] == "pair":
        return str(1 + origins.index("synthetic"))
    return "5" if origins[0] == "synthetic" else "1"


def test_a_study_is_answered_by_keyboard_alone(browser, kit, tmp_path):
    out, key = kit
    browser.post("/url", {"url": (out / "stick" / "index.html").as_uri()})
    items = browser.run("return JSON.parse(document.getElementById('kit').textContent).items")
    files = {item["item"]: item["files"] for item in items}
    while browser.run("return document.activeElement.id") != "reader":
        browser.press(TAB)
    browser.press(*"R1")
    for name, number in (("dark", key["display"]["dark"]), ("bright", key["display"]["bright"])):
        while browser.run("return document.activeElement.id") != name:
            browser.press(TAB)
        browser.press(str(number))
    browser.press(ENTER)
    for place in range(N_RATINGS + N_PAIRS):
        assert browser.run("return !document.getElementById('task').hidden")
        shown = browser.run("return [...document.querySelectorAll('#pictures img')].map((i) => i.src.split('/').pop())")
        while not browser.run("return [...document.querySelectorAll('#pictures img')].every((i) => i.naturalWidth)"):
            time.sleep(0.01)
        if place == 1:  # back, and on again: the answer is kept
            browser.press(BACKSPACE)
            assert browser.run("return document.querySelector('#choices input:checked') !== null")
            browser.press(ENTER)
        browser.press(right_key(key, lambda one, shown=shown: files[one["item"]] == shown), ENTER)
    assert browser.run("return !document.getElementById('end').hidden")
    text = browser.run("return document.getElementById('answers').value")
    answers = tmp_path / "answers.csv"
    answers.write_bytes(text.encode())
    figures = reader_kit_analyse(out, [answers])
    assert figures["rating"]["mean"]["value"] == 1.0 and figures["pair"]["mean"]["value"] == 1.0
    assert not figures["notes"] or figures["notes"] == ["One reader: intervals say nothing of other readers."]
