"""The table of findings: code, name, effect on the verdict, when a finding is made and what to do about it.

This is the only list of them. findings.py makes them; report.py, `allow` of `check`, the views, `jacinspect explain`
and the README's table read it. Nothing here needs numpy.
"""

from typing import Literal

from jacinspect.records import dataclass

__all__ = ["CODES", "Code", "Finding", "Severity", "finding", "ordered", "verdict"]

Severity = Literal["error", "note"]
Verdict = Literal["fail", "inconclusive", "pass"]


@dataclass(frozen=True)
class Code:
    """A kind of finding.

    `severity` is the usual one; a single finding may be made with the other. `verdict` is that of an inspection with
    such an error. `about` is its subject: the agreement of the two Jacobians, values, the function, the structure, the
    coverage, or the run itself. `when` completes "made when …", `advice` says what to do about it, and `example` is a
    command whose output has one.
    """

    name: str
    severity: Severity
    verdict: Verdict
    about: Literal["agreement", "values", "function", "structure", "coverage", "run"]
    when: str
    advice: str
    example: str


CODES = {
    "J001": Code(
        "derivative-disagrees",
        "error",
        "fail",
        "agreement",
        "an analytic entry differs from the numeric one by more than its error bar",
        "Read the worst entry: both values, the bar and their ratio are given. Where one cause fits every entry "
        "(a sign, a constant factor, a transpose, the other order of vec, the derivative of another function, a mean"
        " taken as a constant, a symmetric X), or exactly one column, row, block, diagonal or triangle is wrong, the"
        " message says so. Correct the derivative.",
        "jacinspect tanh --shape 3 -d '1 + tanh(x)**2'",
    ),
    "J002": Code(
        "structure-unexpected",
        "error",
        "fail",
        "structure",
        "what --expect or --expect-pattern asks for does not hold",
        "The message names a witness: an output, an input that it reads, and the value there. Either the function"
        " reads more than was meant, or the expectation is wrong.",
        "jacinspect softmax --shape 2x3 --expect diagonal",
    ),
    "J003": Code(
        "kink",
        "note",
        "fail",
        "agreement",
        "f has a kink or a jump at X: its one-sided slopes differ",
        "No derivative exists there. Both slopes are given, and any analytic value between them is accepted as a "
        "subgradient. With --strict-kinks it is an error.",
        "echo '[0.5, 0, -1]' | jacinspect relu --input -",
    ),
    "J004": Code(
        "non-finite",
        "error",
        "fail",
        "values",
        "a value or a derivative is NaN or infinite although the operand is finite",
        "Rewrite the formula where it overflows or divides by 0; where X was drawn outside of f's domain, name that:"
        " --domain 0: or -1:1. The finding is a note where the operand itself is not"
        " finite, or where value and analytic derivative overflow to the same limit.",
        "echo '[-1, 4]' | jacinspect 'sqrt(x)' --input -",
    ),
    "J005": Code(
        "not-deterministic",
        "error",
        "fail",
        "function",
        "the same input gave two different outputs",
        "Nothing can be differenced then. --reseed 0 (reseed=0 in Python, reseed = 0 in a check) seeds numpy's,"
        " Python's and torch's generators before every call; a module in training wants evaluation mode. A generator"
        " that the function makes itself, as numpy.random.default_rng(), has to be seeded there. Where the outputs"
        " differ by little, --noise R takes that for noise. The finding is a note then, and where they differ in their"
        " last bits alone, as a sum in random order does.",
        "jacinspect numpy.random:permutation --shape 9",
    ),
    "J006": Code(
        "inconclusive",
        "error",
        "inconclusive",
        "agreement",
        "an error bar is too wide to judge by, no step size gives a reliable derivative, a claim is off by a relative "
        "9e-10 at most, or by 9e-13 of its row, X has no near number, an expected property of J's values is not "
        "decided by the bars, or nothing is left to compare",
        "The values of f do not say enough at X. Compute in double precision, rewrite a formula that cancels, "
        "move X away from a pole; give --noise for a function that stops at a tolerance, or --rtol and --atol of "
        "your own. A quantiser moves in steps, and its derivative is 0 on each: a straight-through rule stands for its "
        "slope over many steps, which no differences can confirm; check the function without its rounding.",
        "echo '[1e17]' | jacinspect sin --input -",
    ),
    "J007": Code(
        "sampled",
        "note",
        "pass",
        "coverage",
        "a budget ended detection or comparison early",
        "The message says what is proved and how many entries were compared; random directions cover the rest. "
        "Raise --max-evaluations or --memory to see more.",
        "jacinspect softmax --shape 600 --max-evaluations 200",
    ),
    "J008": Code(
        "mutates-input",
        "error",
        "fail",
        "function",
        "the function changed the array it was given",
        "Let the function work on a copy: its caller would go on with other numbers.",
        "jacinspect operator:iadd --shape 3 --with 3",
    ),
    "J009": Code(
        "hadamard-invalid",
        "note",
        "pass",
        "structure",
        "f is not element-wise, so A' ⊙ dX is not its differential for any A'",
        "Nothing is wrong with the derivative. Use the Jacobian, a jvp or a vjp in place of ⊙; the message says "
        "by how much ⊙ with the nearest A' is off.",
        "jacinspect softmax --shape 2x3 --details",
    ),
    "J010": Code(
        "timeout",
        "error",
        "inconclusive",
        "run",
        "`check --timeout` ended the inspection",
        "Take a smaller shape for this check, or a longer --timeout.",
        "jacinspect check large --config samples/broken.toml --timeout 4",
    ),
    "J011": Code(
        "crashed",
        "error",
        "fail",
        "run",
        "in `check`, the function raised, or its process died",
        "The message says how. `jacinspect inspect` with --traceback shows where the function's own error arose.",
        "jacinspect check cholesky --config samples/broken.toml",
    ),
    "J012": Code(
        "pattern-unresolved",
        "error",
        "inconclusive",
        "agreement",
        "random directions twice refuted the pattern found for an output",
        "What this output reads depends on the point: f has a branch that few points take. Inspect at another X or "
        "with another --seed; a function with many branches may need several.",
        "echo [0,0,0,0,0,0,0] | jacinspect 'where(x<max(x)/2, x, max(x)/2)' -i -",
    ),
    "J013": Code(
        "unvisited",
        "note",
        "pass",
        "coverage",
        "no entry of the operand lies on one side of a kink or a jump that f is declared to have",
        "The derivative of that branch was not looked at. Give an operand with an entry there (--input), or inspect at "
        "operands of other scales as well (--points 4).",
        "echo '[0.5, -1]' | jacinspect relu6 --input -",
    ),
    "J014": Code(
        "staircase",
        "note",
        "pass",
        "agreement",
        "f moves in steps near X, or is known to few digits, and was judged by longer steps",
        "Where digits are lost, in half or single precision, or at a tolerance, the slope between two steps says"
        " nothing. Entries were compared over longer steps, to the digits that the message names. Compute in double"
        " precision or rewrite a formula that cancels to have more of them.",
        "echo 15 | jacinspect 'log(1 - sigmoid(x))' -i - -d '-sigmoid(x)'",
    ),
    "J015": Code(
        "rule-disagrees",
        "error",
        "fail",
        "function",
        "a rule (backward, forward, jvp, vjp, rmatvec) differs from f's others, or fails for zeros or views; a Hessian"
        " is not symmetric",
        "The message names the rule and the case. Correct it: a training loop calls it with zeros, with transposed"
        " views and with expanded numbers, and `where` passes the NaN of a branch that is not taken on to the vjp."
        " Forward mode that is 0 where the backward is right, as after detach(), is so without a word for whoever calls"
        " it: leave the detach out, or let a check allow J015 where nobody does."
        " A rule that raises for views because they are not contiguous, as f itself does, is a note."
        " A gradient whose Jacobian is not symmetric is that of no function; or f has no second derivative at X.",
        "jacinspect tanh -s 3 -d samples/layer.py:tanh_vjp --derivative-kind vjp",
    ),
    "J016": Code(
        "logdet-disagrees",
        "error",
        "fail",
        "values",
        "the logarithm of the determinant of J is not what --logdet claims",
        "Both numbers are given, of the worst item of a batch. Where one mistake explains all of them, the message says"
        " so: a turned sign, a missing log 2, a sum over another axis, a factor for the dimensions, a missing"
        " logarithm. Correct the claim; or the function, whose Jacobian is measured.",
        "jacinspect tanh --shape 3 --logdet 'sum(log(1 + tanh(x)**2))'",
    ),
}


@dataclass(frozen=True)
class Finding:
    """One thing worth saying: code and name, "error" or "note", and where (operand indices; outputs for J012)."""

    code: str
    name: str
    severity: Severity
    message: str
    at: tuple[tuple[int, ...], ...] = ()


def finding(code: str, message: str, at: tuple[tuple[int, ...], ...] = (), severity: Severity | None = None) -> Finding:
    """Make a finding of a kind; its severity is that of the table if None."""
    return Finding(code, CODES[code].name, severity or CODES[code].severity, message, at)


def ordered(findings: "list[Finding]") -> tuple[Finding, ...]:
    """Sort findings as they are shown: errors first, then by code."""
    return tuple(sorted(findings, key=lambda each: (each.severity != "error", each.code)))


def verdict(findings: "tuple[Finding, ...] | list[Finding]", about: str | None = None) -> Verdict:
    """Return the worst that the errors among findings come to: "fail", "inconclusive" or "pass".

    With `about`, only findings about that count.
    """
    codes = {CODES[each.code] for each in findings if each.severity == "error"}
    verdicts = {code.verdict for code in codes if about in (None, code.about)}
    return "fail" if "fail" in verdicts else "inconclusive" if verdicts else "pass"
