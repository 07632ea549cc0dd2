"""The one place that knows the compiler: `@kernel` compiles a function ahead of its first call, cached on disk.

The cache folder is named by a hash of the kernels' source and of the compiler's version: Numba's own cache does
not notice an edit in a *called* function of another file, and a changed rule would silently not run. The processor
name is pinned to the generic one, so that one cache serves every worker and every machine of an architecture.
`NUMBA_DISABLE_JIT=1` runs the same functions as plain Python.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

CACHE_VARIABLE = "TOWNLET_CACHE_DIR"  # where a user wants the compiled kernels to be kept


def source_hash() -> str:
    """SHA-256 (first 16 hex digits) of every file of the package with a kernel in it, or a constant of one, and of the
    numba and numpy versions."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256(f"{version('numba')} {version('numpy')}".encode())
    for path in sorted(root.rglob("*.py")):
        text = path.read_bytes()
        constants = path.parent.name in ("world", "rules", "observation") or path.name == "vocabulary.py"
        if constants or b"jit import" in text:
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + text)
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Where compiled kernels are kept: `$TOWNLET_CACHE_DIR`, else the user's cache, else a private temporary folder."""
    name = f"kernels-{source_hash()}"
    chosen = os.environ.get(CACHE_VARIABLE)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path(os.path.expanduser("~")) / ".cache") / "townlet"
    fallback = Path(tempfile.gettempdir()) / f"townlet-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
    for base in ([Path(chosen)] if chosen else []) + [home, fallback]:
        folder = base / name
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            continue
        owned = not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
        if owned and os.access(
            folder, os.W_OK | os.X_OK
        ):  # never load code that somebody else could have put there
            return folder
    return Path(tempfile.mkdtemp(prefix="townlet-"))


os.environ.setdefault("NUMBA_CPU_NAME", "generic")
os.environ.setdefault("NUMBA_CPU_FEATURES", "")
os.environ["NUMBA_CACHE_DIR"] = str(cache_folder())

import numba  # noqa: E402 - the environment above is read when numba is imported

_Function = TypeVar("_Function", bound=Callable[..., Any])

# The environment counts only for whoever imports numba first; the settings count always.
numba.config.CPU_NAME = os.environ["NUMBA_CPU_NAME"]  # type: ignore[attr-defined]
numba.config.CPU_FEATURES = os.environ["NUMBA_CPU_FEATURES"]  # type: ignore[attr-defined]
numba.config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"]  # type: ignore[attr-defined]

# Arrays that a kernel takes out of a group are not counted as references (`_nrt`): counting took 300 ns an agent where
# the rule itself takes 4. So kernels cannot allocate; what sets a world up may, and is compiled with `allocating`.
_njit: Any = numba.njit  # it takes more options than its types say
_OPTIONS: dict[str, Any] = {"cache": True, "error_model": "numpy", "nogil": True, "fastmath": False}
_compile = _njit(**_OPTIONS, _nrt=False)
_compile_rule = _njit(**_OPTIONS, _nrt=False, forceinline=True)
_compile_allocating = _njit(**_OPTIONS)
_enclose = _njit(**_OPTIONS, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)
_splice = _njit(**_OPTIONS, _nrt=False, inline="always")
_inline = _njit(**_OPTIONS, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)


def _once(dispatcher: Any) -> Any:
    """Compile one version for all constants: Numba would compile a callee again for each literal it is called with."""
    if hasattr(dispatcher, "get_call_template"):
        template = dispatcher.get_call_template

        def without_literals(args: tuple, kws: dict) -> Any:
            plain = {name: numba.types.unliteral(kind) for name, kind in kws.items()}
            return template(tuple(numba.types.unliteral(kind) for kind in args), plain)

        dispatcher.get_call_template = without_literals
    return dispatcher


def kernel(function: _Function) -> _Function:
    """Compile `function` (no fast-math: equal inputs give equal bits; division by zero as NumPy has it).

    It works on the arrays that it is given and allocates none.
    """
    return _once(_compile(function))


def rule(function: _Function) -> _Function:
    """Like `kernel`, for what runs once a tick: copied into its caller, which saves handing over groups of arrays."""
    return _once(_compile_rule(function))


def allocating(function: _Function) -> _Function:
    """Like `kernel`, for a function that makes arrays of its own: nothing that is called every tick."""
    return _once(_compile_allocating(function))


def spliced(function: _Function) -> _Function:
    """Like `kernel`, for functions that only call others in turn: their text is put into their caller's, so that what
    they call is not linked and optimised once more at every level between it and the outermost kernel."""
    return _once(_splice(function))


def inner(function: _Function) -> _Function:
    """Like `kernel`, for functions that only other kernels call: it has no door to Python.

    For a function that takes whole groups of arrays that door is what takes the time to compile: 0.7 s with it, 0.1 s
    without. Calling one from Python, compiled, ends the process.
    """
    return _once(_enclose(function))


def inlined(function: _Function) -> _Function:
    """Like `inner`, copied into its caller: for what is called for every agent, or takes many arguments to little."""
    return _once(_inline(function))


def compiled() -> bool:
    """Whether kernels are compiled (False under NUMBA_DISABLE_JIT=1)."""
    return not numba.config.DISABLE_JIT  # type: ignore[attr-defined]
