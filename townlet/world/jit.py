"""The one way to the compiler: `@kernel` and its kin mark the functions that `townlet.compiler` compiles.

A kernel is compiled when it is first called (no fast-math: equal inputs give equal bits; division by zero as NumPy has
it), and kept where the next process finds it. It works on the arrays that it is given and allocates none.
`NUMBA_DISABLE_JIT=1` runs the same functions as plain Python, and then Numba is not even imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from townlet.compiler.numba_start import import_numba
from townlet.compiler.products import LANES, MOST_ROWS, add_products
from townlet.compiler.store import is_switched_off

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _compiled(function: _Function, *, unit: bool = False, inline: bool = False) -> _Function:
    if is_switched_off():
        return function
    import_numba()
    from townlet.compiler.kernels import Kernel

    return Kernel(function, unit=unit, inline=inline)  # type: ignore[return-value]


def kernel(function: _Function) -> _Function:
    """Compile a function. Where another kernel calls it, it becomes part of that one."""
    return _compiled(function)


def inner(function: _Function) -> _Function:
    """Like `kernel`, for what only other kernels call: a part of theirs, with no meaning of its own in a tick."""
    return _compiled(function)


def inlined(function: _Function) -> _Function:
    """Like `inner`, copied into its caller: for what is called for every agent, or takes many arguments to little."""
    return _compiled(function, inline=True)


def rule(function: _Function) -> _Function:
    """Like `kernel`, for what runs once a tick and returns nothing: compiled on its own, beside the others."""
    return _compiled(function, unit=True)


def entry_point(function: Callable[..., Any], *args: Any) -> Callable[..., Any]:
    """What Python calls for arguments of the types of `args`: a kernel looks at the types of all its arguments at
    every call, which takes longer than playing a small town.

    Whoever calls it answers for the types: nobody looks at them again.
    """
    return function if is_switched_off() else function.entry_point(*args)  # type: ignore[attr-defined]


def compiled() -> bool:
    """Whether kernels are compiled (False under NUMBA_DISABLE_JIT=1)."""
    return not is_switched_off()


def has_wide_vectors() -> bool:
    """Whether `add_products` finds vectors of eight numbers on this processor; it changes no bit."""
    if is_switched_off():
        return False
    import_numba()
    from townlet.compiler.vectors import has_wide_vectors

    return has_wide_vectors()


__all__ = [
    "LANES", "MOST_ROWS", "add_products", "compiled", "entry_point", "has_wide_vectors", "inlined", "inner", "kernel",
    "rule",
]  # fmt: skip
