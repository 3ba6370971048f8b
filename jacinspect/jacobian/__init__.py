"""How jacinspect finds a Jacobian and decides whether a derivative is right.

f is called as a black box on arrays of the operand's shape. Its name, its
formula and what the catalogue declares about it are not used.

Detection: which inputs does each output read?
  Some inputs are moved, and outputs are compared bit by bit with what they
  were. Along each axis every index has a codeword: a set of probes, all
  codewords of one size. A probe moves the slices whose codeword contains it,
  so an output that reads one input changes in exactly the probes of that
  input's codeword (group testing), and an output that reads two is never
  mistaken for it. Outputs that read several inputs are bisected, with many
  groups of inputs in one call wherever no output reads two of them (Curtis,
  Powell & Reid 1974). Entries of X that are 0 or equal are moved by a little
  to either side as well. The pattern is then compared with f at other points;
  where it depends on the data, as in a max-pool, what another point shows is
  added. Where f raises, points nearer to X are tried. An input that moves an
  output by its last bits alone is read, but is no part of the structure.

Coloring: which inputs can share a call?
  Inputs that no output reads together get one color. One call with all
  inputs of a color moved gives one entry of J for each output. Element-wise
  functions need one color, a row-wise softmax as many as it has columns.

Values: what is the derivative?
  Central differences at three step sizes, extrapolated (Richardson 1911), for
  all entries of a color at once. The error bar of an entry is the difference
  between the last two extrapolations plus a floor for rounding: that of f, of
  x, of everything else the output reads, and the noise that short differences
  measure in f (Hamming 1962). Of more than 16 colors, each takes three values
  first: two beside X, and one farther on, which detection may have asked for.
  A cubic through them shows what the central slope is off by, and twice that
  is the bar; where it is wide, or a claim contradicts it, the three step
  sizes follow. Where the bar is wide even then, one-sided slopes do not meet,
  or a claim contradicts the value, a ladder of 31 steps is evaluated, from
  the unit of x down to ten spacings of numbers. The finest scale at which the
  slope has settled is believed; coarser ones that agree sharpen it (Lepskii
  1991). Sides that settle on two slopes are a kink; a leap between
  neighbouring numbers is a jump. Several leaps are a staircase: f has lost
  digits, and the entry is compared over longer steps; in half precision over
  192 at once, by least squares, while the other inputs are shifted at random
  by what they are rounded by. Where a claim is off, it is asked whether f is
  smooth in pieces, as what an integrator or an iteration that stops at a
  tolerance returns: its slope is off by about what the slopes of two pieces
  differ by, or, where f leaps between them, by what it differs by from the
  slope over many. Such an entry is inconclusive, and --noise, with the number
  that is named, accepts it.

Agreement: do the two Jacobians agree?
  |analytic - numeric| has to be within the bar, entry by entry, but for the
  claim's own rounding: that of its last bits, and of those of 1, up to 7e-9
  of it, for it may be computed as 1 - sigmoid(x); or more, where it is a
  whole number of them. There is no tolerance to tune; --rtol and --atol add
  one to the bars if it is wanted.

Directions: is anything missing?
  The analytic and the numeric Jacobian are multiplied by two random
  directions and compared with f along them, output by output. In a row whose
  bar along the direction is t, an error of size r that the entries do not
  show is missed with probability at most (0.8 t/r)^2; a report ends with it.
  A pattern is called too small only if an output changes bit by bit with
  inputs that it was not found to read.

Rules: do those that were not asked for every entry agree?
  torch's forward mode and jax's vjp are multiplied by two random vectors and
  compared with the Jacobian that was judged, component by component; one that
  is off is asked for ever smaller parts of the vector, down to one entry. A
  rule that people wrote is also called with zeros, with twice the numbers and
  with views, and has to be linear.

Spectrum: what does the matrix say?
  J is divided into independent parts, rows and columns that share no entry
  with others, and each is given to LAPACK by itself. Singular values move by
  the norm of the error bars at most (Weyl 1912), so each lies in an interval,
  and a rank is between two numbers. For the determinant, rows and columns
  with one entry left are eliminated first, which leaves nothing of a
  triangular matrix; of the rest, log|det| moves by at most the trace of
  |B^-1|E and its powers. Where the bars do not decide, that is the answer.

What it can miss
  f is observed at X, at a few other points and along two directions.
  - An exact cancellation, an effect below one unit in the last place of an
    output, and a branch that none of the points takes are not seen. An
    output that is 0 at every point tried, such as a product of two dead
    relus, is taken for one that reads nothing.
  - A function that has lost its digits moves in steps. Where the steps show,
    the entry is inconclusive; so it is where neighbouring doubles are farther
    apart than f bends, as in sin at 1e17. Where |x| is above 1.8e13 (in
    single precision 5e5), x + sin(x)^2 looks like x and like floor(x): a
    derivative that agrees passes, one that does not is inconclusive.
  - A formula that divides by a power of what it has lost, as (x - sin x)/x^3
    below 1e-7, is another function in its last digits: a right derivative may
    be reported as wrong where all of them are lost. So may it be where f is
    computed in steps of one length, as by a fixed-step integrator, which no
    differences can tell from a function of its own; the number to give as
    --noise is named.
  - A budget (--memory, --max-evaluations) ends the work early: what is proved
    is reported, the rest is sampled (J007).
"""
