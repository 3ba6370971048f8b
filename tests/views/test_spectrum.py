"""The spectrum in words, and as a picture."""

import numpy as np
import pytest

import jacinspect
from jacinspect.api import Report
from jacinspect.cli.spelling import spelled
from jacinspect.jacobian.spectra.interval import Within, written
from jacinspect.views.page.content import article
from jacinspect.views.spectrum import picture, spectrum


def facts(f: object, x: object, **options: object) -> tuple[Report, dict[str, str]]:
    report = jacinspect.inspect(f, x, spectrum=True, **options)  # type: ignore[arg-type]
    return report, dict(spectrum(report))


def test_it_is_said_in_a_few_lines_everywhere() -> None:
    report, said = facts("softmax", np.array([0.1, 0.2, 0.4]))
    assert [*said] == ["rank", "spectrum", "condition", "log|det J|", "eigenvalues", "radius", "orthogonal"]
    assert said["rank"].startswith("2 or 3: σ_3 = 0 ± ")
    assert said["condition"].startswith("at least 1")
    assert said["log|det J|"].endswith(", sign not known")
    assert said["log|det J|"].startswith("at most -")
    assert said["eigenvalues"].endswith("J is symmetric, and its definiteness is within the bars")
    assert said["orthogonal"].startswith("no: ‖JᵀJ − I‖ = 1")
    for text in (str(report), report.to_markdown(), article(report)):
        assert "2 or 3: σ_3 = 0 ± " in text.replace("σ\\_3", "σ_3").replace("σ<sub>3</sub>", "σ_3")


def test_what_is_decided_is_said_so() -> None:
    _, said = facts("tanh", np.array([0.1, 0.2, 0.4]))
    assert said["rank"] == "3 of 3, full"
    assert said["log|det J|"].endswith(", det J > 0")
    assert said["eigenvalues"].endswith(": J is positive-definite")
    _, said = facts("flip", np.array([0.1, 0.2, 0.4]))
    assert said["orthogonal"].startswith("yes: ‖JᵀJ − I‖ = 0 ± ")
    assert said["log|det J|"].endswith(", det J < 0")
    _, said = facts("sum", np.ones((2, 3)))
    assert [*said] == ["rank", "spectrum", "condition"]
    assert said["rank"] == "1 of 1, full"
    assert said["spectrum"].startswith("σ = 2.44949 ± ")


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([1, 1e-7], "█▁"),
        ([1, 1e-1, 1e-2, 1e-7, 0], "█▇▆▁·"),
        ([2, 2.05, 2.1], "███"),
        ([0, 0], "··"),
        (10.0 ** -np.arange(80), "███▇▇▇▇▇▇▆"),
    ],
)
def test_the_picture_is_of_the_logarithms(values: list[float], drawn: str) -> None:
    seen = picture(np.array(values, float))
    assert seen.startswith(drawn)
    assert len(seen) == min(len(values), 40)


def test_a_band_says_how_wide_it_is() -> None:
    band = np.eye(16) + np.eye(16, k=1) + np.eye(16, k=-2)
    text = str(jacinspect.inspect(lambda x: band @ np.sin(x), np.ones(16)))
    assert "pattern      banded, 2 below the diagonal and 1 above: 45 of 256 entries" in text
    text = str(jacinspect.inspect(lambda x: (1 - np.eye(3)) @ x, np.ones(3)))
    assert "pattern      irregular: 6 of 9 entries" in text


def test_bars_are_spelled_where_there_are_none() -> None:
    assert spelled("▁▂▃▄▅▆▇█", "ascii") == "_.:-=+*#"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ((0.123456789, 0.123456788, 0.12345679), "0.123457 ± 1e-09"),
        ((0.123456789, 0.12, 0.127), "0.123 ± 0.004"),
        ((2e-14, -3e-12, 3e-12), "0 ± 3e-12"),
        ((-2.0, -2.0, -2.0), "-2"),
        ((-30.0, -np.inf, -20.0), "at most -20"),
        ((5.0, 3.0, np.inf), "at least 3"),
        ((1.0, -np.inf, np.inf), "not known"),
        ((-np.inf, -np.inf, -np.inf), "-inf"),
    ],
)
def test_a_number_is_written_to_its_bar(number: tuple[float, float, float], text: str) -> None:
    assert written(Within(*number)) == text
