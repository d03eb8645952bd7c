"""What a row may say about its operation besides its output and its derivative.

A fact about an operation stands in its row and nowhere else: whoever needs it asks the operation,
which has an attribute for each of these keywords.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypedDict

from chainrule.core.domain import Domain, Example

__all__ = ["NAMES", "BatchingRule", "DependenceRule", "Recurrence", "ShapedBy", "Traits"]

#: Which operands decide the shape of a result by their values: all of them, or masks alone.
ShapedBy: TypeAlias = Literal["values", "masks"]
#: ``(row, k, operands, output, params) -> coefficient``, see `chainrule.core.series`.
Recurrence: TypeAlias = Callable[[Any, int, Sequence[Any], Any, Mapping[str, Any]], Any]
#: ``(row, batched, operands, params) -> result``, see `chainrule.core.batching`.
BatchingRule: TypeAlias = Callable[[Any, Sequence[bool], Sequence[Any], Mapping[str, Any]], Any]

#: ``(row, k, operands, output, params) -> dependence``, see `chainrule.core.dependence`.
DependenceRule: TypeAlias = Callable[[Any, int, Sequence[Any], Any, Mapping[str, Any]], Any]


class Traits(TypedDict, total=False):
    """The optional keywords of a row. What is left out is None or False unless it says otherwise.

    Names and printing:
        numpy: the full names by which user code calls it, ``"scipy.special.softmax"``, the first
            for printing. If left out, none for an operation of a user's own, and
            ``"numpy.<name>"`` for one of the library. The function of `math` that ``scalar`` is
            need not be named again.
        scalar: a faster ``compute`` for Python floats, from `math`.
        symbol: the Python operator that means this operation.
        source: how a call prints, if not by its symbol or as a call of the function that ``numpy``
            names: a Python expression in which ``{0}`` and ``{1}`` stand for operands, ``{axis}``
            for a parameter. Or a function of the parameters, which returns one.
        formula: the same function made of simpler operations, ``(*operands, **params) -> result``,
            written like a rule, but with no functions of NumPy besides ufuncs. Where it does not
            hold for some parameters, it returns None.
        cartesian: what it is made of for complex operands: operations on their real and imaginary
            parts, ``(*operands, **params) -> result``, written as ``formula`` is; a complex result
            is a call of `chainrule.core.complex_parts.cartesian`. Where it does not hold, it
            returns None.
        by_parts: for complex operands, the parts of the result are the result for their parts; of
            a multilinear one, products are multiplied out. So by itself is each linear one that
            moves or reduces.
        unprinted: what to do instead, of an operation that no printed code can have.
        parts: the function has several results, and this is the one that the parameter ``part``
            says: ``np.linalg.eigh(a)[part]``.
        glyph: what is written in its gate where the graph is drawn; its symbol or its name if left
            out.

    Derivatives:
        singular: the local gradient can be infinite, so a zero upstream gradient must stop there.
        scatter: for indexing, ``(buffer, g, *indices, **params)`` adds the pullback of the first
            operand into a buffer in place.
        clear: for writes, ``(buffer, *indices, **params)`` makes the pullback of the first operand
            of the gradient in a buffer, in place: zeros, where something else was written.
        kinked: it is continuous or not, but its local gradient jumps somewhere, as that of a
            maximum does where the operands are equal.
        series: the coefficients of its Taylor series, see `chainrule.core.series`, where they are
            not had from the derivative alone.

    What it does with the entries of its operands:
        entrywise: it acts on every entry alone, with NumPy's broadcasting between operands. So by
            itself does each operation of the elementwise kind.
        moves: each entry of the result is one of the first operand's, whatever their values are;
            the other operands are indices.
        view: it moves, and in NumPy the result may share its memory with the operand.
        selects: each entry of the result is the entry of one operand, chosen by values; the others
            have no say in it.
        reduces: each entry of the result is made of those along some axes of the one operand, in
            one pass: a sum, a maximum.
        shape: the shape of the result, a function of the operands' shapes and the parameters, where
            that is less work than the result: a product of matrices. What does not fit raises.
        same_dtype: the result is an array of the first operand's dtype, whatever the others are.
        shaped_by: which operands decide the shape of the result by their values, not by their
            shapes: ``"values"`` if all of them do (``np.nonzero(x)``), ``"masks"`` if only those
            of booleans (``x[x > 0]``). See `Operation.shaping`.
        depends: which entries of the result depend on which of an operand, see
            `chainrule.core.dependence`: for sparse Jacobians. If left out, what is entrywise, moves
            or reduces says it; of anything else all entries depend on all.
        annihilates: what is multiplied with an entry of 0 has no say in the result, and ``depends``
            makes use of it where it is given an operand's entries.
        commutes: its two operands may change places.
        batch: how it is computed for many examples at once, see `chainrule.core.batching`: for
            `vmap`. What is entrywise broadcasts; anything else is computed for one example after
            the other where this is left out.

    Warnings:
        advice: what to try where its result or its local gradient is not finite.

    Tests:
        domain: where operands are drawn from, one for all or a tuple of one for each; real numbers
            around 0 if left out. It is also what rewriting knows of where the operation is finite.
        examples: the calls that are tested; `Elementwise` rows need none.
        order: the order up to which derivatives are compared with finite differences; 2 if left
            out.
        tolerance: how much a derivative may differ from them, relatively; 1e-7 if left out.
        dtypes: the kinds of dtype that its rules are right for: ``"f"``, real numbers, if left
            out; ``"fc"``, complex ones too. The others refuse complex operands and results; with
            ``"f>c"`` results may be complex.
    """

    numpy: str | tuple[str, ...]
    scalar: Callable[..., Any] | None
    symbol: str | None
    source: str | Callable[..., str] | None
    unprinted: str | None
    formula: Callable[..., Any] | None
    cartesian: Callable[..., Any] | None
    by_parts: bool
    parts: bool
    glyph: str | None
    singular: bool
    scatter: Callable[..., Any] | None
    clear: Callable[..., Any] | None
    kinked: bool
    series: Recurrence | None
    entrywise: bool
    moves: bool
    view: bool
    selects: bool
    reduces: bool
    shape: Callable[..., tuple[int, ...]] | None
    same_dtype: bool
    shaped_by: ShapedBy | None
    depends: DependenceRule | None
    annihilates: bool
    commutes: bool
    batch: BatchingRule | None
    advice: str | None
    domain: Domain | None
    examples: Sequence[Example]
    order: int
    tolerance: float
    dtypes: str


#: All keywords.
NAMES = frozenset(Traits.__annotations__)
