"""The page as text: self-contained, bounded, and nothing of what users name or write is ever markup."""

import json
import re
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.choices import Form
from jacinspect.errors import InputError
from jacinspect.inspection.codes import finding
from jacinspect.inspection.naming import Names
from jacinspect.inspection.report import Report
from jacinspect.operands.bundle import Bundle
from jacinspect.views.html import render
from tests.program import refuse

X = np.array([[0.5, -1.25, 0.0], [2.0, -0.75, 1.5]])
HOSTILE = "</script></style><img src=x onerror='alert(1)'>\"<!-- & \u2028 \x1b[31m \ud800 $policy ${x}"


class Page(HTMLParser):
    """What a page consists of: how often each tag stands in it, its attributes, its texts and its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.texts = Counter[str](), dict[str, list[str]](), list[str]()
        self.scripts, self.inside = dict[str, list[str]](), ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.inside = tag
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value or "")
        if tag in ("script", "style"):
            self.inside = dict(attrs).get("class") or tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside in ("script", "style", "numbers", "words"):
            self.scripts.setdefault(self.inside, []).append(data)
        elif data.strip():
            self.texts.append(data)

    @property
    def numbers(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.scripts["numbers"][0], parse_constant=refuse)
        return loaded


@cache
def reports() -> dict[str, Report]:
    draws = np.random.default_rng(0)
    return {
        "sigmoid": jacinspect.inspect("sigmoid", X),
        "softmax": jacinspect.inspect("softmax", X, expect=["diagonal"], vec="row"),
        "wrong": jacinspect.inspect("tanh", X, derivative="1 + tanh(x)**2"),
        "outside": jacinspect.inspect("cumsum", X[0], derivative=lambda _: np.ones((3, 3))),
        "kinks": jacinspect.inspect("abs", X),
        "numeric": jacinspect.inspect(lambda x: x * np.roll(x, 1), X, layout="denominator"),
        "broadcast": jacinspect.inspect("multiply", np.array([[1.0], [2.0]]), others=[X]),
        "infinite": jacinspect.inspect("sigmoid", np.array([np.nan, np.inf, 1.0])),
        "number": jacinspect.inspect(lambda x: np.sum(x * x), X),
        "scalar": jacinspect.inspect("sin", np.array(0.5)),
        "nothing": jacinspect.inspect("tanh", np.zeros((0, 3))),
        "constant": jacinspect.inspect(lambda x: np.ones(2) + 0 * x[0, 0].round() * 0, X),
        "three axes": jacinspect.inspect("softmax", np.ones((2, 3, 2))),
        "restless": jacinspect.inspect(lambda x: x + draws.standard_normal(x.shape), X),
        "sampled": jacinspect.inspect("softmax", np.ones((6, 8)), max_evaluations=5),
        "second": jacinspect.inspect(lambda x: np.sum(x**3), X[0], derivative=lambda x: 3 * x * x, order=2),
    }


@pytest.mark.parametrize("name", sorted(reports()))
def test_a_page_is_self_contained_and_its_policy_permits_its_own_script_alone(name: str) -> None:
    text = render(reports()[name])
    page = Page(text)
    (policy,) = [value for value in page.attributes["content"] if "default-src" in value]
    allowed = dict(each.split(" ", 1) for each in policy.split("; "))
    for kind, source in (("script-src", "script"), ("style-src", "style")):
        (inside,) = page.scripts[source]
        assert allowed.pop(kind) == f"'sha256-{b64encode(sha256(inside.encode()).digest()).decode()}'"
    assert allowed == {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"}
    assert not {"src", "style", "srcset", "background"} & set(page.attributes)
    assert not [name for name in page.attributes if name.startswith("on")]
    assert "url(" not in text
    assert "http" not in re.sub(r"http-equiv", "", text)
    assert text == render(reports()[name])  # equal reports give equal bytes


def test_every_arrangement_has_its_axes_and_every_entry_its_numbers() -> None:
    numbers = Page(render(reports()["softmax"])).numbers
    assert {key.split()[0] for key in numbers["forms"]} == set(Form)
    assert len(numbers["forms"]) == 16
    assert numbers["forms"]["stacked row numerator"]["matrix"] == [12, 3]
    assert (numbers["vec"], numbers["stored"], numbers["tiles"]) == ("row", 18, {})
    j = reports()["softmax"].jacobian
    assert j is not None
    assert j.analytic is not None
    assert np.allclose(numbers["entries"]["analytic"], j.analytic.data, rtol=1e-11)
    assert [array["role"] for array in numbers["arrays"]] == ["X", "A", "slope", "dX", "short", "long"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wrong", "the derivative is wrong: 5 of 6 entries disagree"),
        ("softmax", "diag J ⊙ dX"),
        ("broadcast", "A' ⊙ (dX 1ᵀ)"),
        ("sampled", "J007"),
        ("restless", "J005"),
        ("second", "Hessian"),
    ],
)
def test_what_is_found_stands_in_the_page(name: str, said: str) -> None:
    page = Page(render(reports()[name]))
    titles = [array["title"] for array in page.numbers["arrays"]] if "numbers" in page.scripts else []
    assert said in " ".join([*page.texts, *titles])


@pytest.mark.parametrize("name", ["restless", "sampled", "nothing"])
def test_where_there_is_no_pattern_nothing_is_drawn(name: str) -> None:
    page = Page(render(reports()[name]))
    assert ("numbers" in page.scripts) is False
    assert page.tags["h1"] == 1


def test_more_axes_have_no_blocks() -> None:
    assert len(Page(render(reports()["three axes"])).numbers["forms"]) == 8
    with pytest.raises(InputError):
        render(reports()["three axes"], form="blocks")


def hostile(report: Report) -> Report:
    """The report, with everything in it that a user can name or write being hostile."""
    function = replace(report.function, name=HOSTILE, formula=HOSTILE, derivative=HOSTILE, note=HOSTILE)
    parts = [(HOSTILE, (3,)), ("0" + HOSTILE, (3,))]
    return replace(
        report,
        function=replace(function, parameters={HOSTILE: HOSTILE}, operands=(HOSTILE,)),
        operand=replace(report.operand, name=HOSTILE, source=HOSTILE),
        names=Names(Bundle.of(parts, [HOSTILE]), Bundle.of(parts)),
        findings=(finding("J001", HOSTILE, ((0,),)), finding("J003", HOSTILE)),
        fixed={HOSTILE: np.ones(2)},
    )


def test_what_users_write_is_text_and_never_markup() -> None:
    plain = jacinspect.inspect("sigmoid", np.arange(6.0))
    harmless = hostile(plain)
    text = render(harmless)
    text.encode()  # as UTF-8, which has no lone surrogates
    page = Page(text)
    assert page.tags["img"] == 0
    assert (page.tags["script"], page.tags["style"]) == (3, 1)
    assert not [name for name in page.attributes if name.startswith("on") or name == "src"]
    assert page.tags["li"] == 2
    assert sum("onerror" in each for each in page.texts) >= 5
    assert "</script>" not in "".join(page.scripts["numbers"] + page.scripts["words"])
    assert page.numbers["names"]["A"][1]["name"].startswith("A0</script>")
    assert "\x1b" not in text
    assert "${x}" in text


def test_many_entries_are_sampled_and_the_page_stays_below_two_megabytes() -> None:
    text = render(jacinspect.inspect("softmax", np.random.default_rng(0).standard_normal((60, 60))))
    numbers = Page(text).numbers
    assert numbers["stored"] == 60**3 > len(numbers["entries"]["output"]) > 5000
    assert all(sum(tiles["count"]) == 60**3 for tiles in numbers["tiles"].values())
    assert len(text) < 2_000_000


def test_full_lists_every_entry() -> None:
    report = jacinspect.inspect("softmax", np.zeros((4, 60)))
    assert Page(render(report)).numbers["stored"] == 4 * 60 * 60
    assert len(Page(render(report)).numbers["entries"]["output"]) < 4 * 60 * 60
    numbers = Page(render(report, full=True)).numbers
    assert len(numbers["entries"]["output"]) == 4 * 60 * 60
    assert numbers["tiles"] == {}


def test_indices_stand_low_and_names_do_not() -> None:
    text = render(jacinspect.inspect("matmul", X, others=[np.ones((3, 2))], wrt="y"))
    assert "∂A<sub>ij</sub>/∂y<sub>pq</sub> = J<sub>ijp</sub> δ<sub>jq</sub>" in text
    assert "A&#x27;<sub>ij</sub> δ<sub>ip</sub>" in render(reports()["sigmoid"])
    assert "vec_row = K_23·vec_column" in render(reports()["sigmoid"])
