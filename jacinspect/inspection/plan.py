"""How many calls of f an inspection takes, as far as it can be said before they are made. Next: cli, which tells it.

In: the number of inputs, and the budget; once the pattern is found, its colors. Out: a Plan, given to a callback.
"""

from jacinspect.records import dataclass, replace

__all__ = ["NO_PROGRESS", "Calls", "Plan", "Progress"]

_SLOW = 0.1  # seconds a call: what takes less is done before one has read how long it takes

_CALLS_PER_COLOR = 6  # three steps to either side
_MANY, _CALLS_OF_MANY = 16, 3  # of more colors than that, three values each are enough
_OTHERS = 45  # for a pattern, besides one call for each input: codewords, flips and mixtures of points


def _values(colors: int) -> int:
    return (_CALLS_OF_MANY if colors > _MANY else _CALLS_PER_COLOR) * colors


@dataclass(frozen=True)
class Plan:
    """The calls of f: for the pattern, for its values, and how long one takes, in seconds, on how many workers.

    Until the pattern is `found`, these are the calls where outputs read all inputs, which is the most.
    """

    pattern: int
    values: int
    seconds: float
    workers: int = 1
    found: bool = False

    @classmethod
    def at_most(cls, inputs: int, budget: int, seconds: float, workers: int) -> "Plan":
        """Plan for outputs that read all inputs, within a budget of calls."""
        pattern = min(inputs + _OTHERS, max(budget // 2, 1))
        return cls(pattern, min(_values(inputs), max(budget - pattern, 1)), seconds, workers)

    def with_colors(self, pattern: int, colors: int) -> "Plan":
        """Return the plan once the pattern is found, after so many calls, with so many colors."""
        return replace(self, pattern=pattern, values=min(_values(colors), self.values), found=True)

    @property
    def calls(self) -> int:
        """All calls."""
        return self.pattern + self.values

    @property
    def duration(self) -> float:
        """How long they take, in seconds."""
        return self.calls * self.seconds / self.workers

    @property
    def is_slow(self) -> bool:
        """Whether a call takes so long that a person wants to know it."""
        return self.seconds > _SLOW


@dataclass(frozen=True)
class Calls:
    """The calls of f that were made: to find the pattern, for its values, and all others; and how long one took.

    The others are for the noise, along random directions, for further rules, and to say what makes a derivative wrong.
    """

    pattern: int
    values: int
    others: int
    seconds: float  # which is not in the JSON, for equal inspections give equal text

    @property
    def all(self) -> int:
        """How many calls there were."""
        return self.pattern + self.values + self.others

    @property
    def is_slow(self) -> bool:
        """Whether one took so long that a person wants to know it."""
        return self.seconds > _SLOW


class Progress:
    """A callback for every call of f, with the number of calls so far, and for what is planned; this one does nothing.

    Only what a first inspection plans is told; those at more points, and the second order, take as many calls again.
    """

    def __call__(self, calls: int) -> None:
        """Note how many calls were made."""

    def planned(self, plan: Plan) -> None:
        """Note how many calls there will be."""

    def after(self, done: int) -> "Progress":
        """Return a callback for the calls of one more inspection, after so many that are done."""
        return _After(self, done)


NO_PROGRESS = Progress()


class _After(Progress):
    def __init__(self, first: Progress, done: int) -> None:
        self._first, self._done = first, done

    def __call__(self, calls: int) -> None:
        self._first(self._done + calls)
