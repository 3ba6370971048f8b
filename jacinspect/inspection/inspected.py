"""What does not change between the steps of an inspection. Next: pipeline, conclusion."""

import numpy as np

from jacinspect.choices import is_spectral
from jacinspect.functions.function import Array, Function
from jacinspect.inspection.naming import Names
from jacinspect.inspection.settings import Settings
from jacinspect.jacobian.agreement.analytic import Analytic
from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.compact import Pattern
from jacinspect.records import dataclass

__all__ = ["Inspected"]


@dataclass(frozen=True, eq=False)
class Inspected:
    """A function at a point, as a black box and with its analytic derivative; `declared` is the expected pattern.

    `dx` is the direction along which ⊙ is compared with the Jacobian, drawn at random where it is None.
    """

    function: Function
    x: Array
    box: BlackBox
    analytic: Analytic | None
    settings: Settings
    rng: np.random.Generator
    names: Names
    declared: Pattern | None
    dx: Array | None

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of f's output."""
        assert self.box.output_shape is not None
        return self.box.output_shape

    @property
    def asks_spectrum(self) -> bool:
        """Whether the spectrum, a property of it or log|det J| is asked for."""
        asked = self.settings.spectrum or any(map(is_spectral, self.settings.expect))
        return asked or self.function.logdet is not None

    @property
    def calls(self) -> int:
        """How many calls of f the settings allow."""
        return self.settings.calls(max(self.x.size, self.box.y0.size))
