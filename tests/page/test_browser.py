"""Pages in a real browser: drag, step, keyboard, languages, narrow and dark, without a network."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.explain.numbers import brief


def neuron(w, x):
    h = w * x
    z = 1 / (1 + math.exp(-h))
    loss = (z - 1) ** 2
    return loss


def network(x, W, b):
    h = x @ W + b
    z = np.maximum(h, 0)
    loss = np.mean(z**2)
    return loss


X = np.array([[1.0, -2.0], [0.5, 1.5], [2.0, 0.25]])
W = np.array([[0.5, -1.0, -2.0], [1.0, 0.75, -1.0]])


class Opened:
    """A page in the browser, and what it shows."""

    def __init__(self, browser: Any, path: Path) -> None:
        self.browser = browser
        browser.get_log("performance")
        browser.get_log("browser")
        browser.get(path.as_uri())

    def all(self, selector: str) -> list[Any]:
        return self.browser.find_elements("css selector", selector)

    def one(self, selector: str) -> Any:
        return self.browser.find_element("css selector", selector)

    def texts(self, selector: str) -> list[str]:
        return [element.get_attribute("textContent") for element in self.all(selector)]

    def press(self, *keys: str) -> None:
        for key in keys:
            self.browser.switch_to.active_element.send_keys(key)

    @property
    def sentence(self) -> str:
        return self.one(".sentence").text

    def type(self, label: str, content: str) -> None:
        field = self.one(f'input[type=text][aria-label="{label}"]')
        field.send_keys("\ue009a\ue000", content)  # all of it selected, and written over

    def paste(self, label: str, content: str) -> None:
        field = self.one(f'input[type=text][aria-label="{label}"]')
        self.browser.execute_script(
            "arguments[0].value = arguments[1];"
            "arguments[0].dispatchEvent(new Event('input', {bubbles: true}))",
            field,
            content,
        )

    def pixels(self, canvas: Any) -> str:
        return self.browser.execute_script("return arguments[0].toDataURL()", canvas)

    def mouse(self) -> Any:
        from selenium.webdriver import ActionChains

        return ActionChains(self.browser)

    def requests(self) -> list[str]:
        """Return what the page asked the network for, the file itself aside."""
        messages = [json.loads(entry["message"]) for entry in self.browser.get_log("performance")]
        sent = [m["message"] for m in messages]
        urls = [
            m["params"]["request"]["url"]
            for m in sent
            if "requestWillBeSent" in m["method"] and "request" in m["params"]
        ]
        return [url for url in urls if not url.startswith(("data:", "file:", "blob:"))]

    def faults(self) -> list[str]:
        return [entry["message"] for entry in self.browser.get_log("browser")]


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Callable[..., Opened]:
    def open_(f: Any, *args: Any, **options: Any) -> Opened:
        path = tmp_path / f"page{len(list(tmp_path.iterdir()))}.html"
        cr.explain(f, *args).page(**options).save(path)
        return Opened(browser, path)

    return open_


def numbers(f: Any, *args: Any) -> set[str]:
    """Return the values and gradients of a run as a circuit has them."""
    run = cr.explain(f, *args).run
    return {brief(n.output) for n in run.live} | {brief(g) for g in run.gradients.values()}


def test_it_opens_without_a_network_and_follows_a_drag(opened: Any) -> None:
    page = opened(neuron, 2.0, -1.0)
    assert set(page.texts(".node text.value, .node text.gradient")) >= numbers(neuron, 2.0, -1.0)
    slider = page.one("input[type=range]")
    slider.send_keys("\ue014" * 30)  # arrow right
    moved = float(slider.get_attribute("value"))
    assert moved > 2
    shown = set(page.texts(".node text.value, .node text.gradient"))
    assert shown >= numbers(neuron, moved, -1.0)
    page.type("x", "0.25")
    shown = set(page.texts(".node text.value, .node text.gradient"))
    assert shown >= numbers(neuron, moved, 0.25)
    page.one(".inputs button").click()  # reset
    assert set(page.texts(".node text.gradient")) <= numbers(neuron, 2.0, -1.0)
    assert page.faults() == []
    assert page.requests() == []


def test_it_is_stepped_through_by_the_keyboard_alone(opened: Any) -> None:
    page = opened(neuron, 2.0, -1.0)
    page.press("\ue014")
    assert page.sentence.startswith("forward pass")
    assert "h = w * x gives -2.00" in page.sentence
    assert [t for t in page.texts(".node text.gradient") if t] == []
    page.press("\ue010")  # end
    assert "to dx" in page.sentence or "to dw" in page.sentence
    assert page.all(".line.backwards")
    while "to d(*-1)" not in page.sentence:
        page.press("\ue012")
    # Each gate of a stage that is open, then the stage at once when it is closed.
    page.browser.execute_script("document.querySelector('.frame .handle').focus()")
    page.press("\ue007")
    assert page.all(".node.closed")
    page.press("\ue00c")
    page.browser.execute_script("document.activeElement.blur()")
    page.press(" ")
    assert page.one(".round.primary").get_attribute("aria-label") == "Pause"
    page.press(" ")


def test_forks_are_summed_as_they_are_met(opened: Any) -> None:
    def fork(x):
        a = x * 3.0
        b = a * x
        return b

    page = opened(fork, 2.0)
    page.press("\ue010")
    assert "local gradient 3.00 times upstream 2.00 adds 6.00 to dx" in page.sentence
    assert "another path: +=, together 12.00" in page.sentence
    assert page.texts(".node.target text.gradient") == ["12.00"]


def test_warnings_come_and_go_with_the_inputs(opened: Any) -> None:
    page = opened(neuron, 2.0, -1.0)
    assert page.texts(".alarm") == []
    page.type("w", "-9")
    assert any("saturated" in text for text in page.texts(".alarm"))
    page.type("w", "1e999")
    assert any("inf" in text or "nan" in text for text in page.texts(".alarm"))
    page.type("w", "two")
    assert "not a number" in page.one(".fault").text
    page.type("w", "1")
    assert page.texts(".alarm") == []


def test_arrays_are_maps_whose_entries_are_changed(opened: Any) -> None:
    page = opened(network, X, W, np.zeros(3))
    assert any("1 of 3 units of the ReLU in z" in text for text in page.texts(".alarm"))
    canvas = page.all(".inputs canvas")[1]
    canvas.send_keys("\ue014", "\ue014", "\ue007")  # to W[0, 2]
    maps = [image.get_attribute("href") for image in page.all(".map.value image")]
    page.type("W[0, 2]", "9")
    after = [image.get_attribute("href") for image in page.all(".map.value image")]
    assert after[0] == maps[0]  # x
    assert after[1] != maps[1]  # W
    changed = W.copy()
    changed[0, 2] = 9.0
    value = f"{network(X, changed, np.zeros(3)):.4g}"
    assert value in page.texts(".line .value")
    assert not any("ReLU" in text for text in page.texts(".alarm"))
    page.one(".update button").click()
    said = page.one(".update output").text
    assert f"loss: from {value} to " in said
    assert f"W: from ‖{np.linalg.norm(changed):.4g}‖ to ‖" in said


def test_of_a_large_array_a_sample_is_shown_and_what_is_true_of_the_whole(opened: Any) -> None:
    A = np.arange(11_000.0).reshape(110, 100) / 1e3
    page = opened(lambda A: np.sum(A * A), A)
    norm = f"110×100 ‖{brief(np.linalg.norm(A))}‖"
    assert page.texts(".node.input text.value") == [norm]
    (canvas,) = page.all(".inputs canvas")
    said = "A  110×100, a sample of it; norm 666, mean 5.5, from 0 to 11"
    assert page.one(".inputs .caption").text == said
    canvas.send_keys("\ue014")  # of three columns one is shown
    assert page.one(".inputs .caption").text == "A[0, 3] = 0.003"
    assert page.faults() == []


def test_an_error_is_shown_at_its_line(opened: Any, browser: Any, tmp_path: Path) -> None:
    def broken(x):
        h = x - 3.0
        return math.log(h)

    path = tmp_path / "failure.html"
    cr.explain_failure(broken, 1.0).page().save(path)
    page = Opened(browser, path)
    assert "math domain error" in page.one(".line.failing strong").text
    assert page.all(".node.failed")
    assert page.all(".update") == []
    page.press("\ue010")
    assert "return math.log(h) raises an error" in page.sentence
    page.type("x", "2")
    assert "-1.00" in page.texts(".node text.value")
    assert page.faults() == []


def test_the_circuit_is_moved_zoomed_and_saved(opened: Any) -> None:
    page = opened(network, X, W, np.zeros(3))
    place = page.one(".graph > g").get_attribute("transform")
    mouse = page.mouse().move_to_element_with_offset(page.one(".graph"), 0, 90)
    mouse.click_and_hold().move_by_offset(40, 10).move_by_offset(20, 5).release().perform()
    moved = page.one(".graph > g").get_attribute("transform")
    assert moved != place
    page.press("\ue014")  # a step leaves it where it is, as long as its gate can be seen
    assert page.one(".graph > g").get_attribute("transform") == moved
    page.press("\ue00c", "0")
    assert page.one(".graph > g").get_attribute("transform") == place
    page.browser.execute_script(
        "window.saved = []; URL.createObjectURL = (blob) => { saved.push(blob); return 'data:,'; };"
        "HTMLAnchorElement.prototype.click = () => {};"
    )
    for button in page.all(".tools button"):
        if button.text.startswith("Save"):
            button.click()
    picture, shot = page.browser.execute_async_script(
        "const done = arguments[0];"
        "const look = () => saved.length < 2 ? setTimeout(look, 20)"
        " : saved[0].text().then((text) => done([text, [saved[1].type, saved[1].size]]));"
        "look();"
    )
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert "W" in "".join(ElementTree.fromstring(picture).itertext())
    assert shot[0] == "image/png"
    assert shot[1] > 10_000


def test_the_entries_that_one_is_made_of_are_marked(opened: Any) -> None:
    page = opened(network, X, W, np.zeros(3))
    page.browser.execute_script(
        "document.querySelector('.node.gate .hitbox')"
        ".dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    value, _, *operands = page.all(".details canvas")
    value.send_keys("\ue014", "\ue015")  # right and down from the first
    captions = page.texts(".details figcaption")
    assert captions[0].startswith("value @[1, 1] = ")
    before = [page.pixels(canvas) for canvas in operands[:2]]
    value.send_keys("\ue015")
    after = [page.pixels(canvas) for canvas in operands[:2]]
    assert page.texts(".details figcaption")[0].startswith("value @[2, 1] = ")
    assert after[0] != before[0]  # another row of x
    assert after[1] == before[1]  # the same column of W


def test_lines_are_written_and_judged(opened: Any) -> None:
    page = opened(network, X, W, np.zeros(3))
    next(b for b in page.all(".head button") if b.text == "Your turn").click()

    def judged(target: str, written: str) -> str:
        page.paste(f"your line for {target}", written)
        field = page.one(f'input[aria-label="your line for {target}"]')
        return field.find_element("xpath", "../../output").text

    assert judged("dz", "2 * z / 9") == "right"
    assert judged("dz", "z / 9") == "it is half of what it should be: a factor 2 is missing"
    assert judged("dh", "dz * (h > 0)") == "right"
    assert judged("dh", "h > 0") == "the upstream gradient is missing"
    assert judged("dh", "-dz * (h > 0)") == "the sign is wrong"
    assert judged("dh", "np.where(h > 0, dz, 0)") == "right"
    assert judged("dW", "x.T @ dh") == "right"
    assert judged("dW", "dh.T @ x") == "a transpose is missing or too many"
    assert judged("dW", "dh @ x") == "the shape is (3, 2), it should be (2, 3)"
    assert judged("dW", "x @ dh") == "these shapes do not go together: (3, 2) @ (3, 3)"
    assert judged("db", "dh") == "a sum over the rows is missing"
    assert judged("db", "dh.sum(axis=0)") == "right"
    assert judged("db", "np.sum(dh, axis=0) +").startswith("not a formula")
    assert judged("db", "np.sort(dh)") == "the page does not know sort"
    assert judged("db", "db") == "there is no variable db"
    assert judged("dx", "dx = dh @ W.T") == "right"
    assert judged("dx", "dx += dh @ W.T").startswith("not a formula")
    assert judged("dx", "dx = dh @ W.T + 0 * x") == "right"
    judged("db", "dh.sum(axis=0)")
    judged("dW", "x.T @ dh")
    judged("dz", "2 * z / 9")
    assert "5 of 5 lines are right" in page.one(".score").text
    code = page.one(".score input[readonly]").get_attribute("value")
    result = cr.explain(network, X, W, np.zeros(3)).page().result(code)
    assert result.right == (True,) * 5
    # It is there again when the page is opened again, and hints are given one by one.
    page.browser.refresh()
    assert page.all(".practice") == []
    next(b for b in page.all(".head button") if b.text == "Your turn").click()
    assert "5 of 5" in page.one(".score").text
    assert page.all(".hints") == []
    for count in (1, 2, 3):
        page.one(".practice button").click()
        assert len(page.all(".hints li")) == count
    assert not page.one(".practice button").is_enabled()
    assert page.faults() == []


def test_an_exercise_begins_with_the_lines_left_out(opened: Any) -> None:
    page = opened(neuron, 2.0, -1.0, exercise=True, language="ru")
    page.type("ваша строка для dh", "dz")
    said = "не хватает локального градиента"
    assert said in [output.text for output in page.all(".practice output")]
    page.type("ваша строка для dh", "z * (1 - z) * dz")
    assert "верно строк: 1 из 4" in page.one(".score").text


def test_local_gradients_alone_are_asked_for(opened: Any) -> None:
    def model(x: Any, w: Any) -> Any:
        h = w * x
        z = np.tanh(h)
        loss = np.sum(z * z)
        return loss

    page = opened(model, np.array([0.5, -1.0, 0.0]), 0.7, exercise="local")
    label = "your local gradient of z by h"

    def judged(written: str) -> str:
        page.paste(label, written)
        return page.one(".practice output").text

    # The loss adds entries up, and so does the gradient of w: there it is no factor.
    assert len(page.all(".practice")) == 2
    assert judged("1 - z**2") == "right"
    assert judged("z**2 - 1") == "the sign is wrong"
    assert judged("dz * (1 - z**2)") == "this is the whole line: leave the upstream gradient out"
    assert judged("1 - z") == "right shape, but wrong numbers"
    assert judged("dh = 1 - z**2") == "there is no variable dh"
    for _ in range(3):
        page.one(".practice button").click()
    assert page.texts(".hints li")[1] == "At these inputs it is 0.8869."
    page.all("input[type=radio]")[0].click()
    assert len(page.all(".practice")) == 4
    page.paste("your line for dz", "2 * z")
    assert "1 of 4" in page.one(".score").text
    assert page.faults() == []


def test_turns_of_a_loop_are_opened_on_demand(opened: Any) -> None:
    def decay(x):
        y = x
        for t in range(45):
            y = y - 0.1 * y * y
        return y

    page = opened(decay, 0.5)
    page.browser.execute_script("document.querySelector('.node.closed .hitbox').focus()")
    page.press("\ue007")
    assert "first 20 of 45 turns" in page.one(".turns").text
    row = page.all(".table tbody tr")[0]
    assert row.text.split()[:2] == ["0", "0.475"]
    page.type("x", "1")
    assert row.text.split()[:2] == ["0", "0.9"]
    assert f"0.9 … {decay(1.0):.4g}" in page.texts(".line .value")
    for turns in (40, 45):
        page.one(".turns button").click()
        assert len(page.all(".table tbody tr")) == turns
    assert page.faults() == []


def test_another_branch_is_told(opened: Any) -> None:
    def branch(x):
        if x > 1:
            y = x * x
        else:
            y = x
        return y

    page = opened(branch, 2.0)
    page.type("x", "0.5")
    assert "takes another branch" in page.one(".alarm").text


def test_strings_of_the_user_do_nothing(opened: Any) -> None:
    namespace: dict[str, Any] = {}
    exec(
        "def f(p):\n    s = p[KEY] * 2.0\n    return s", {"KEY": "</script><img src=x>"}, namespace
    )
    f = namespace["f"]
    f.__name__ = f.__qualname__ = "<script>document.title='x'</script>"
    page = opened(f, {"</script><img src=x>": 3.0})
    assert page.browser.title != "x"
    assert page.all("img") == []
    assert page.all(".node")
    assert page.faults() == []


AXE = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci in frontend")
def test_nothing_is_out_of_reach_of_a_screen_reader(opened: Any) -> None:
    page = opened(network, X, W, np.zeros(3))
    page.browser.execute_script(AXE.read_text(encoding="utf-8"))

    def faults() -> list[str]:
        return page.browser.execute_async_script(
            "const done = arguments[0]; axe.run(document).then((found) => done("
            "found.violations.map((v) => `${v.id}: ${v.nodes[0].html}`)))"
        )

    assert faults() == []
    page.all(".head button")[-1].click()  # dark
    page.all(".head button")[0].click()  # your turn
    page.paste("your line for dz", "z")
    page.browser.execute_script("document.querySelector('.node.gate .hitbox').focus()")
    page.press("\ue007", "\ue014")
    assert faults() == []
    page.browser.execute_script("localStorage.clear(); dispatchEvent(new Event('beforeprint'))")
    assert page.one("svg.graph").get_dom_attribute("viewBox")
    assert page.one(".graph > g").get_attribute("transform") == "scale(1)"


def test_two_languages_dark_and_narrow(opened: Any) -> None:
    page = opened(neuron, 2.0, -1.0, language="ru")
    assert page.one("html").get_attribute("lang") == "ru"
    page.press("\ue010")
    assert "локальный градиент" in page.sentence
    buttons = {b.text: b for b in page.all(".head button")}
    buttons["English"].click()
    assert "local gradient" in page.sentence
    buttons = {b.text: b for b in page.all(".head button")}
    buttons["Dark"].click()
    assert page.one("html").get_attribute("data-theme") == "dark"
    page.browser.set_window_size(500, 800)
    try:
        wide = page.browser.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0
    finally:
        page.browser.set_window_size(1400, 900)
        page.browser.execute_script("localStorage.clear()")
