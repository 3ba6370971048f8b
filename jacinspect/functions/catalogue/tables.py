"""All tables of the catalogue, joined; looking up a single function imports only one of them (lookup.py)."""

from jacinspect.functions.catalogue.algebraic import ALGEBRAIC
from jacinspect.functions.catalogue.binary import BINARY
from jacinspect.functions.catalogue.coupled import COUPLED
from jacinspect.functions.catalogue.cumulative import CUMULATIVE
from jacinspect.functions.catalogue.distribution import DISTRIBUTION
from jacinspect.functions.catalogue.elementary import ELEMENTARY
from jacinspect.functions.catalogue.elementwise import ELEMENTWISE
from jacinspect.functions.catalogue.entry import Entry
from jacinspect.functions.catalogue.gated import GATED
from jacinspect.functions.catalogue.hard import HARD
from jacinspect.functions.catalogue.losses import LOSSES
from jacinspect.functions.catalogue.matrices import MATRICES
from jacinspect.functions.catalogue.normalizations import NORMALIZATIONS
from jacinspect.functions.catalogue.paired import PAIRED
from jacinspect.functions.catalogue.permutations import PERMUTATIONS
from jacinspect.functions.catalogue.piecewise import PIECEWISE
from jacinspect.functions.catalogue.rectifiers import RECTIFIERS
from jacinspect.functions.catalogue.reductions import REDUCTIONS
from jacinspect.functions.catalogue.shaping import SHAPING
from jacinspect.functions.catalogue.steps import STEPS
from jacinspect.functions.catalogue.trigonometric import TRIGONOMETRIC
from jacinspect.functions.catalogue.unit_norms import UNIT_NORMS

__all__ = ["ENTRIES", "TABLES"]

# by module, in the order in which the functions are listed
TABLES: dict[str, tuple[Entry, ...]] = {
    "elementwise": ELEMENTWISE,
    "piecewise": PIECEWISE,
    "rectifiers": RECTIFIERS,
    "gated": GATED,
    "hard": HARD,
    "algebraic": ALGEBRAIC,
    "elementary": ELEMENTARY,
    "trigonometric": TRIGONOMETRIC,
    "distribution": DISTRIBUTION,
    "steps": STEPS,
    "binary": BINARY,
    "coupled": COUPLED,
    "normalizations": NORMALIZATIONS,
    "unit_norms": UNIT_NORMS,
    "cumulative": CUMULATIVE,
    "permutations": PERMUTATIONS,
    "reductions": REDUCTIONS,
    "shaping": SHAPING,
    "paired": PAIRED,
    "matrices": MATRICES,
    "losses": LOSSES,
}

ENTRIES = tuple(entry for table in TABLES.values() for entry in table)
