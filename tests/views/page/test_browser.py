"""The page in a real browser: what the pointer and the keyboard mark, what switches change, and that nothing is loaded.

One Chromium for all; without one, or without selenium, these tests are skipped, though not in CI.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.inspection.naming import Names
from jacinspect.inspection.report import Report
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.forms.hadamard import hadamard
from jacinspect.jacobian.forms.structure import Arrangement
from jacinspect.operands.bundle import Bundle
from jacinspect.views.html import render
from tests.checks.test_outcomes import WRONG, outcome
from tests.views.checks.test_formats import rendered
from tests.views.test_html import HOSTILE, hostile, reports

CHROMIUM, DRIVER = (
    next(filter(None, map(shutil.which, names)), None) for names in (("chromium", "google-chrome"), ("chromedriver",))
)
if os.environ.get("CI") != "true":
    pytest.importorskip("selenium")
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("needs Chromium and its driver", allow_module_level=True)

from selenium import webdriver  # noqa: E402
from selenium.webdriver import ActionChains, Keys  # noqa: E402
from selenium.webdriver.chrome.options import Options  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402

Open = Callable[[Report | str], "Browser"]
SWITCHES = ".switches input[value={}]"


class Browser:
    """A page that is open, and what a test does to it and sees of it."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def __call__(self, script: str) -> Any:
        """Return what an expression of the page's own language gives."""
        return self.driver.execute_script(f"return {script}")

    def texts(self, selector: str) -> list[str]:
        found: list[str] = self(f"[...document.querySelectorAll({selector!r})].map((each) => each.textContent)")
        return found

    def hover(self, selector: str, number: int = 0) -> None:
        element = self.driver.find_elements("css selector", selector)[number]
        ActionChains(self.driver, duration=0).move_to_element(element).perform()

    def click(self, selector: str) -> None:
        self.driver.find_element("css selector", selector).click()

    def press(self, *keys: str) -> None:
        ActionChains(self.driver, duration=0).send_keys(*keys).perform()

    def emulate(self, media: str, theme: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})

    def settle(self) -> None:
        """Wait until what has changed is drawn."""
        self.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")

    def errors(self) -> list[str]:
        """Return what the console reports: what went wrong in the script, and what the policy has blocked."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def requests(self) -> list[str]:
        """Return the address of everything that was asked for since the last call."""
        log = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return [each["params"]["request"]["url"] for each in log if each["method"] == "Network.requestWillBeSent"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM is not None, "CI needs Chromium"
    assert DRIVER is not None, "CI needs Chromium's driver"
    options = Options()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # which Chromium refuses to start with as root
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield Browser(driver)
    driver.quit()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open the page of a report; afterwards, nothing may have been loaded and no error reported."""
    page = tmp_path / "page.html"

    def show(of: Report | str) -> Browser:
        page.write_text(of if isinstance(of, str) else render(of), "utf-8")
        browser.driver.get(page.as_uri())
        return browser

    browser.emulate("screen", "light")
    browser.requests()
    yield show
    assert {url.split("#")[0] for url in browser.requests()} <= {page.as_uri()}
    assert browser.errors() == []


def small(name: str = "sigmoid", **given: Any) -> Report:
    return jacinspect.inspect(name, np.array([[0.5, -1.25], [2.0, -0.75]]), **given)


def test_the_pointer_on_a_number_marks_it_in_all_four_arrangements(opened: Open) -> None:
    page = opened(small())
    assert page.texts(".forms figcaption b") == ["stacked", "tensor", "vec", "blocks"]
    shapes = ["8×2, not square", "2×2×2×2", "4×4", "4×4"]
    assert [
        said.split("the ")[0]
        for said in page(
            '[...document.querySelectorAll(".forms figcaption")].map((each) => each.childNodes[1].textContent.trim())'
        )
    ] == shapes
    page.hover(".vec td", 5)  # row 1 and column 1 in column-major vec: A[1,0] by X[1,0]
    assert page.texts(".forms td.marked") == ["0.1050"] * 4
    assert page.texts(".arrays td.marked")[:3] == ["2.0000", "0.8808", "0.1050"]
    said = page.texts("#entry")[0]
    assert said.startswith("∂A[1,0]/∂X[1,0]")
    assert all(word in said for word in ("analytic 0.1049935854", "numeric 0.10499358", "±", "difference", "✓ agrees"))
    page.hover(".blocks td", 1)
    assert page.texts(".forms td.marked") == ["·"] * 4
    assert page.texts("#entry") == ["∂A[0,1]/∂X[0,0]= 0: A[0,1] does not read X[0,0]"]


def test_one_sees_why_the_hadamard_product_is_right_for_sigmoid_and_not_for_softmax(opened: Open) -> None:
    page = opened(small())
    page.hover(".arrays figure:last-child td", 1)
    assert page.texts(".arrays td.marked")[0] == "−1.2500"
    assert "the same, for this row of J has no other entry" in page.texts(".sum")[0]
    page = opened(small("softmax"))
    page.hover(".arrays figure:last-child td", 1)
    assert len(page.texts(".forms .vec td.term")) == 2
    assert len(page.texts(".sum > span:first-child > span")) == 2
    assert "not the same: it leaves out" in page.texts(".sum")[0]
    assert page.texts(".unequal")[0] == "≠"


def test_switches_change_what_is_drawn(opened: Open) -> None:
    page = opened(small(derivative="sigmoid(x)"))
    assert page.texts(".vec td")[0] == "✘ 0.6225"
    page.click(SWITCHES.format("magnitude"))
    assert page.texts(".vec td.plus") == ["0.6225", "0.8808", "0.2227", "0.3208"]
    page.click(SWITCHES.format("status"))
    assert page.texts(".vec td.disagrees") == ["✗"] * 4
    page.click(SWITCHES.format("difference"))
    assert all(float(ratio) > 1e6 for ratio in page.texts(".vec td.disagrees"))
    page.click(SWITCHES.format("values"))
    page.click(SWITCHES.format("row"))
    assert page.texts(".vec td.wrong") == ["✘ 0.6225", "✘ 0.2227", "✘ 0.8808", "✘ 0.3208"]
    page.click(SWITCHES.format("denominator"))
    assert page.texts(".forms figcaption")[0].startswith("stacked 2×8")


def test_the_keyboard_goes_from_number_to_number(opened: Open) -> None:
    page = opened(small("softmax"))
    page('document.querySelector(".vec .matrix").focus()')
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert page.texts("#entry b") == ["∂A[0,0]/∂X[0,1]"]
    assert len(set(page.texts(".forms td.marked"))) == 1
    page('document.querySelector(".stacked .matrix").focus()')
    page.press(Keys.ARROW_DOWN)
    assert page.texts("#entry b") == ["∂A[1,0]/∂X[0,1]"]
    page.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT, *[Keys.ARROW_UP] * 9)
    assert page.texts("#entry b") == ["∂A[0,0]/∂X[0,0]"]


def test_a_word_is_explained_and_a_finding_leads_to_its_entries(opened: Open) -> None:
    page = opened(reports()["wrong"])
    page('document.querySelector("[data-word=J001]").focus()')
    assert "Read the worst entry" in page('document.getElementById("tip").innerText')
    page.press(Keys.ESCAPE)
    assert page('document.getElementById("tip").hidden') is True
    page.click(".findings button")
    assert len(page.texts(".vec td.found")) == 5
    assert page.texts("#entry .chip") == ["✗ disagrees"]


def test_hostile_words_are_shown_as_they_are(opened: Open) -> None:
    page = opened(hostile(jacinspect.inspect("sigmoid", np.arange(6.0))))
    assert page.texts("img") == []
    assert page.texts("h1")[0].startswith("</script></style><img src=x onerror='alert(1)'>")
    page.hover(".vec td", 7)
    assert "onerror" in page.texts("#entry b")[0]
    assert HOSTILE[:20] in page.texts(".findings li p")[0]


def test_every_kind_of_report_can_be_drawn(opened: Open) -> None:
    for name in sorted(set(reports()) - {"sigmoid", "softmax"}):
        page = opened(reports()[name])
        page('document.querySelectorAll(".switches input:enabled").forEach((each) => each.click())')
        drawn = page('document.querySelectorAll(".forms > figure").length')
        assert (drawn > 0) == ('class="numbers"' in render(reports()[name])), name
        assert page.errors() == [], name


def test_the_hessian_is_drawn_below_the_jacobian(opened: Open) -> None:
    page = opened(jacinspect.inspect("prod(x)", np.array([2.0, 3.0, 5.0]), order=2))
    assert page.texts("legend") == ["The Jacobian", "The Hessian"]
    page.hover(".second .vec td", 1)
    assert page.texts("#entry b") == ["∂²f/∂X[0]∂X[1]"]
    assert page.texts(".second td.marked")[-1] == page.texts(".second .vec td")[1] == "5"
    assert "H·vec(dX) at ∂f/∂X[0]" in page.texts(".second .sum")[0]
    page.click(".second " + SWITCHES.format("magnitude"))
    assert len(page.texts(".second .vec td.plus")) == 6
    assert page.texts("article > .forms .vec td.plus") == []


def test_the_policy_blocks_what_would_be_loaded_or_run(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    foreign = "<script>document.title = 'run'</script><img src='x.png' onerror='1'>"
    page.write_text(render(small()).replace("</main>", f"{foreign}</main>"), "utf-8")
    browser.errors()
    browser.driver.get(page.as_uri())
    assert browser("document.title").startswith("sigmoid")
    assert len(browser.errors()) >= 2


def million() -> Report:
    """A report on 10⁶ inputs, as an inspection gives it, without its seconds of work."""
    shape, few = (1000, 1000), small()
    every, x = np.arange(10**6), np.linspace(-1, 1, 10**6)
    assert few.jacobian is not None
    pattern = Pattern.from_pairs(every, every, shape, shape)
    j = replace(
        few.jacobian,
        shape=(10**6, 10**6),
        tensor_shape=shape + shape,
        arrangement=Arrangement(pattern, "column", "numerator"),
        analytic=Jacobian(pattern, x),
        numeric=Jacobian(pattern, x),
        error_bar=np.full(10**6, 1e-12),
        status=np.zeros(10**6, np.int8),
    )
    names = Names(Bundle.of([("A", shape)]), Bundle.of([("x", shape)]))
    operand = replace(few.operand, values=x.reshape(shape))
    product = hadamard(Jacobian(pattern, x), x.reshape(shape), x.reshape(shape))
    return replace(few, jacobian=j, names=names, operand=operand, output=x.reshape(shape), hadamard=product)


def test_a_million_by_a_million_opens_within_a_second_and_zooms_to_entries(opened: Open) -> None:
    text = render(million())
    assert len(text) < 2_000_000
    took: list[int] = []
    while not took or (min(took) >= 1000 and len(took) < 3):  # other tests may have kept the processor busy
        page = opened(text)
        took.append(page("performance.timing.loadEventEnd - performance.timing.navigationStart"))
    assert min(took) < 1000
    assert page("document.querySelectorAll('canvas').length") == 4
    assert page.texts(".vec .zoom span") == ["rows 0–999999, columns 0–999999"]
    page('document.querySelector(".vec .drawn").focus()')
    page.press(*[Keys.ARROW_DOWN, Keys.ARROW_RIGHT] * 2)
    assert page.texts("#entry b") == ["∂A[2,0]/∂X[2,0]"]
    page.press(*["+"] * 20)
    assert page.texts(".vec .zoom span") == ["rows 2–6, columns 2–6"]
    page.press("0")
    assert page.texts(".vec .zoom span") == ["rows 0–999999, columns 0–999999"]


def test_drawings_take_the_colours_of_the_theme_and_of_paper(opened: Open) -> None:
    page = opened(jacinspect.inspect("tanh", np.ones((1, 40))))
    middle = 'document.querySelector(".vec canvas").getContext("2d").getImageData(100, 100, 1, 1).data[0]'
    shades = []
    for media, theme in (("screen", "dark"), ("print", "dark"), ("screen", "light")):
        page.emulate(media, theme)
        page.settle()
        shades.append(page(middle))
    assert shades[0] > 200
    assert max(shades[1:]) < 60


@pytest.mark.parametrize(("media", "theme"), [("screen", "light"), ("screen", "dark"), ("print", "dark")])
def test_text_can_be_read_in_light_in_dark_and_in_print(opened: Open, media: str, theme: str) -> None:
    page = opened(small())
    page.emulate(media, theme)
    style = "getComputedStyle(document.body)"
    ink, paper = (
        [int(part) for part in re.findall(r"\d+", page(f"{style}.{of}"))] for of in ("color", "backgroundColor")
    )
    assert (sum(ink) < sum(paper)) == (theme == "light" or media == "print")
    assert abs(sum(ink) - sum(paper)) > 450  # of 765: a contrast above 7 to 1


def test_a_run_of_checks_is_filtered_and_each_row_opens_its_report(opened: Open) -> None:
    page = opened(
        rendered("html", [outcome("swish"), outcome("wrong<img>", WRONG, label="2x3"), outcome("gone", made=False)])
    )
    assert len(page.texts("tbody tr:not([hidden])")) == 3
    page.click("[data-filter=fail]")
    assert page.texts("tbody tr:not([hidden]) th") == ["wrong<img>"]
    page.click("tbody tr:not([hidden]) a")
    assert page('getComputedStyle(document.querySelector("section.run")).display') == "none"
    page.hover("#report-1 .vec td", 3)
    assert page.texts("#report-1 .forms td.marked") != []
    assert page.texts("#report-0 .forms td") == []
    page.press(Keys.ESCAPE)
    assert page('getComputedStyle(document.querySelector("section.run")).display') == "block"
