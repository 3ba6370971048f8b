"""Pictures of a Jacobian: an SVG whose marks stand where its entries do, and the same in a PNG."""

from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest

import jacinspect
from jacinspect.choices import AnyLayout, Form
from jacinspect.errors import InputError
from jacinspect.inspection.report import Report
from jacinspect.views import png, svg
from jacinspect.views.picture import picture
from tests.views.test_html import hostile

X = np.array([[0.5, -1.25, 0.25], [2.0, -0.75, 1.5]])
SVG = "{http://www.w3.org/2000/svg}"


def wrong() -> Report:
    return jacinspect.inspect("tanh", X, derivative="1 - tanh(x)**2 + relu(-x)")


def rectangles(image: bytes) -> list[ElementTree.Element]:
    """Return the rectangles of the matrix: not the paper, and none of the scale below."""
    (group,) = ElementTree.fromstring(image).findall(f"{SVG}g")
    found = [each for each in group if each.tag == f"{SVG}rect"]
    return [each for each in found if each.get("width") not in ("14", "12")]


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("layout", ["numerator", "denominator"])
def test_each_entry_is_a_rectangle_at_its_row_and_column(form: Form, layout: AnyLayout) -> None:
    report = jacinspect.inspect("softmax", X, vec="row", layout=layout)
    unfolded, j = report.form(form), report.jacobian
    assert unfolded is not None
    assert j is not None
    assert j.analytic is not None
    placed, drawn = unfolded.placed(j.analytic.pattern), rectangles(svg.render(report, form))
    cell = 480 / max(placed.shape)
    tall, wide = (max(length * cell, 120) / length for length in placed.shape)
    at = [(round(float(each.get("y", 0)) / tall), round(float(each.get("x", 0)) / wide)) for each in drawn]
    assert at == list(zip(placed.rows.tolist(), placed.columns.tolist(), strict=True))
    blue = [each.get("fill") == "#2f78b7" for each in drawn]
    assert blue == (j.analytic.data >= 0).tolist()
    strong = [float(each.get("fill-opacity", 0)) for each in drawn]
    assert np.argmax(strong) == np.argmax(np.abs(j.analytic.data))


def test_labels_and_lines() -> None:
    drawn = picture(jacinspect.inspect("softmax", X, vec="row"))
    assert (drawn.title, drawn.subtitle) == (
        "softmax(axis=-1)",
        "∂vec(A)/∂vec(X), 6×6, block-diagonal: 18 of 36 entries",
    )
    assert (drawn.row_lines, drawn.column_lines) == ((3,), (3,))
    assert (drawn.row_title, drawn.row_labels[:4]) == ("i,j", ((0, "0,0"), (1, "0,1"), (2, "0,2"), (3, "1,0")))
    large = picture(jacinspect.inspect("sin", np.zeros(401)))
    assert [label for _, label in large.row_labels] == ["0", "100", "200", "300", "400"]
    assert not large.row_lines


def test_what_disagrees_is_framed() -> None:
    image = svg.render(wrong())
    framed = [each.get("stroke") is not None for each in rectangles(image)]
    assert framed == (X.ravel() < 0).tolist()
    assert b">disagrees</text>" in image
    assert b"disagrees" not in svg.render(jacinspect.inspect("tanh", X))


def test_numbers_stand_in_the_cells_of_a_small_matrix_alone() -> None:
    assert b">0.235</text>" in svg.render(jacinspect.inspect("sigmoid", X))
    assert not any(mark.text for mark in picture(jacinspect.inspect("sigmoid", np.zeros(13))).marks)


def test_many_entries_are_drawn_by_tiles() -> None:
    report = jacinspect.inspect("softmax", np.random.default_rng(0).standard_normal((30, 30)))
    image = svg.render(report)
    assert len(image) < 500_000
    marks = picture(report).marks
    assert len(marks) <= 4096
    assert {mark.height for mark in marks} != {1}


def test_names_are_text() -> None:
    image = svg.render(hostile(jacinspect.inspect("sigmoid", np.arange(6.0))))
    root = ElementTree.fromstring(image)
    assert {each.tag.removeprefix(SVG) for each in root.iter()} == {"svg", "title", "rect", "text", "g", "path"}
    assert "onerror='alert(1)'" in "".join(each.text or "" for each in root.iter(f"{SVG}text"))


def test_special_numbers_and_patterns_without_values_are_drawn() -> None:
    assert len(rectangles(svg.render(jacinspect.inspect("sigmoid", np.array([np.nan, np.inf, 1.0]))))) == 3
    assert len(rectangles(svg.render(jacinspect.inspect("tanh", np.zeros((0, 3)))))) == 0
    assert len(rectangles(svg.render(jacinspect.inspect("sin", np.array(0.5))))) == 1


def test_without_a_pattern_there_is_no_picture() -> None:
    draws = np.random.default_rng(0)
    for report, said in (
        (jacinspect.inspect("softmax", np.ones((6, 8)), max_evaluations=5), "J007"),
        (jacinspect.inspect(lambda x: x + draws.standard_normal(x.shape), X), "there is no Jacobian .J005"),
    ):
        with pytest.raises(InputError, match=said):
            svg.render(report)


def test_a_png_has_the_colours_of_the_entries() -> None:
    image = pytest.importorskip("matplotlib.image")
    written = png.render(wrong())
    assert written == png.render(wrong())
    dots = image.imread(BytesIO(written))[..., :3]
    shares = [
        np.mean(np.abs(dots - np.array(colour)).max(axis=2) < 0.02) for colour in ((1, 1, 1), (0.761, 0.224, 0.059))
    ]
    assert shares[0] > 0.7  # paper
    assert 0.0003 < shares[1] < 0.05  # frames of what disagrees
