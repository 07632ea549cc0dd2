"""Kernels: what is compiled together, and when.

Python calls a kernel through its *entry point*, code that takes Python's values apart. A kernel that another one calls
becomes part of its caller; one marked as a `unit` is machine code of its own that all callers share, so that units can
be compiled side by side. Both kinds of machine code are kept under a name made of the kernel and its types.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from numba import _dynfunc  # type: ignore[attr-defined]
from numba.core import compiler, dispatcher, funcdesc, lowering, types, typing
from numba.core.compiler_lock import global_compiler_lock
from numba.core.target_extension import dispatcher_registry, jit_registry

from townlet.compiler import store
from townlet.compiler.groups import inside
from townlet.compiler.passes import KernelCompiler
from townlet.compiler.store import Code
from townlet.compiler.target import KERNELS, Reference, Target, Townlet

_TARGET = Target()
_Dispatcher: Any = dispatcher.Dispatcher  # more is behind its names than its types say
_OPTIONS = {
    "nopython": True, "boundscheck": None, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False,
    "error_model": "numpy", "fastmath": False,
}  # fmt: skip


class Unit(Reference):
    """A kernel that is compiled on its own, for some types."""

    def __init__(self, kernel: Kernel, signature: tuple) -> None:
        super().__init__(_name("unit", kernel, signature))
        self.kernel, self.signature = kernel, signature

    def compile(self) -> Code:
        """Raises TypeError where the kernel returns something: its callers were compiled as if it did not."""
        result = self.kernel.part(self.signature)
        if result.signature.return_type != types.none:
            raise TypeError(f"{self.name}: expected a kernel that returns nothing, as every `rule`")
        return _code(result.library, result.fndesc.mangled_name)


class EntryPoint(NamedTuple):
    """The way from Python into a kernel, for some types."""

    kernel: Any  # a Kernel
    signature: tuple

    @property
    def name(self) -> str:
        return _name("entry", self.kernel, self.signature)

    def compile(self) -> Code:
        inner = self.kernel.part(self.signature)
        context = _TARGET.target_context.for_wrapper(inner.fndesc, inner.environment)
        library = context.codegen().create_library(self.name)
        library.add_linking_library(inner.library)
        with context.push_code_library(library):
            context.create_cpython_wrapper(library, inner.fndesc, inner.environment, None, release_gil=True)
        return _code(library, inner.fndesc.llvm_cpython_wrapper_name, inner.fndesc.env_name)


class Kernel(_Dispatcher):
    """A function that is compiled when it is first called, for the types that it is called with."""

    targetdescr = _TARGET

    def __init__(self, function: Callable, *, unit: bool, inline: bool) -> None:
        super().__init__(
            function, targetoptions={**_OPTIONS, "forceinline": inline}, pipeline_class=KernelCompiler
        )
        self.is_unit = unit
        KERNELS.add(f"{function.__module__}.{function.__qualname__}")
        self._entry_points: dict[tuple, Any] = {}

    def __reduce__(self) -> tuple:
        return _kernel_called, (self.py_func.__module__, self.py_func.__qualname__)

    @global_compiler_lock
    def _compile_for_args(self, *args: Any, **kws: Any) -> Any:
        """Numba's dispatcher asks this for what it shall call, when it meets types for the first time."""
        if _noted is not None:
            return functools.partial(_noted.call, self)
        outside = tuple(self.typeof_pyval(value) for value in args)
        self._types_active_call.clear()
        if outside not in self._entry_points:
            entry_point = EntryPoint(self, tuple(map(inside, outside)))
            self._entry_points[outside] = _open(entry_point)
            self._insert([kind._code for kind in outside], self._entry_points[outside], False)
        return self._entry_points[outside]

    def entry_point(self, *args: Any) -> Any:
        """What Python calls for arguments of such types, compiled if it has not been."""
        return self._compile_for_args(*args)

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """What a kernel that calls this one is told of it. One version serves all constants: they are values."""
        _, args = self._compiler.fold_argument_types(args, kws)
        signature = tuple(types.unliteral(kind) for kind in args)
        if signature not in self.overloads:
            if self.is_unit:
                self._declare(signature)
            else:
                self.compile(signature)
        name = self.py_func.__name__
        sigs = self.nopython_signatures
        template = typing.make_concrete_template(f"CallTemplate({name})", key=name, signatures=sigs)
        return template, self._compiler.pysig, signature, {}

    def part(self, signature: tuple) -> Any:
        """The typed and lowered kernel (Numba's CompileResult)."""
        if not self.is_unit:
            self.compile(signature)
            return self.overloads[signature]
        return self._compiler.compile(signature, None)

    def add_overload(self, result: Any) -> None:
        """For callers within compiled code only: Python comes through an entry point."""
        self.overloads[tuple(result.signature.args)] = result

    def _declare(self, signature: tuple) -> None:
        """Let callers be compiled before this is."""
        context, unit = _TARGET.target_context, Unit(self, signature)
        function = self.py_func
        described = funcdesc.FunctionDescriptor(
            native=True, modname=function.__module__, qualname=function.__qualname__,
            unique_name=function.__qualname__, doc="", typemap=None, restype=types.none, calltypes=None,
            args=tuple(self._compiler.pysig.parameters), kws=(), mangler=context.mangler, argtypes=signature,
        )  # fmt: skip
        entry = context.get_executable(None, None, None)
        context.insert_user_function(entry, described, [unit])
        result = compiler.compile_result(
            typing_context=self.typingctx, target_context=context, entry_point=entry, fndesc=described,
            signature=typing.signature(types.none, *signature), objectmode=False, lifted=(), library=unit,
        )  # fmt: skip
        self.add_overload(result)


class _Helper(_Dispatcher):
    """A function of Numba's own, compiled for kernels: `min` of a float and an integer, say."""

    targetdescr = _TARGET

    def add_overload(self, result: Any) -> None:
        self.overloads[tuple(result.signature.args)] = result


def _jit(function: Callable | None = None, **options: Any) -> Any:
    if function is None:
        return functools.partial(_jit, **options)
    locals_ = options.pop("locals", None)
    options.pop("cache", None)
    return _Helper(function, locals=locals_, targetoptions={**options, **_OPTIONS})


dispatcher_registry[Townlet] = Kernel
jit_registry[Townlet] = _jit

_loaded: set[str] = set()  # names of code that this process has


class _Calls:
    """Plays kernels as plain Python, and notes those that Python calls: not those that they call in turn."""

    def __init__(self) -> None:
        self.entry_points: dict[str, EntryPoint] = {}
        self._depth = 0

    def call(self, kernel: Kernel, *args: Any) -> Any:
        if not self._depth:
            entry_point = entry_point_of(kernel, *args)
            self.entry_points.setdefault(entry_point.name, entry_point)
        self._depth += 1
        try:
            return kernel.py_func(*args)
        finally:
            self._depth -= 1


_noted: _Calls | None = None


@contextlib.contextmanager
def noted_calls() -> Iterator[list[EntryPoint]]:
    """Play kernels in plain Python, those not called before in this process; then the entry points are there."""
    global _noted
    found: list[EntryPoint] = []
    _noted = calls = _Calls()
    try:
        yield found
    finally:
        _noted = None
    found.extend(calls.entry_points.values())


def entry_point_of(kernel: Any, *args: Any) -> EntryPoint:
    """The entry point that a call with such arguments goes through."""
    return EntryPoint(kernel, tuple(inside(kernel.typeof_pyval(value)) for value in args))


def units_of(entry_point: EntryPoint) -> list[Unit]:
    """The units that a kernel calls, found by typing it."""
    return [
        one
        for one in entry_point.kernel.part(entry_point.signature).library.linked()[1]
        if isinstance(one, Unit)
    ]


def keep(what: EntryPoint | Unit) -> Code:
    """Compile something, or find it in the store. Raises OSError where it cannot be kept."""
    code = store.read(what.name)
    if code is None:
        code = what.compile()
        store.write(what.name, code)
    return code


def _kept_if_possible(what: EntryPoint | Unit) -> Code:
    """The same; a full disk costs the next process its time, and nobody anything else."""
    code = store.read(what.name)
    if code is None:
        code = what.compile()
        with contextlib.suppress(OSError):
            store.write(what.name, code)
    return code


def _open(entry_point: EntryPoint) -> Any:
    """Load, or else compile, all that is behind an entry point. Returns what Python calls."""
    code = store.read(entry_point.name)
    if code is None or not _load(code.needs, {}):
        units = units_of(entry_point)
        code = _kept_if_possible(entry_point)
        if not _load(code.needs, {unit.name: unit for unit in units}):
            raise RuntimeError(f"{entry_point.name}: expected what it calls to be compiled")
    return _function(entry_point, code)


def _load(names: Sequence[str], units: dict[str, Unit]) -> bool:
    """Take code into this process, from the store or by compiling it. False where neither can be done."""
    for name in names:
        if name in _loaded:
            continue
        code = _kept_if_possible(units[name]) if name in units else store.read(name)
        if code is None or not _load(code.needs, units):
            return False
        _TARGET.codegen.load(code.object_file)
        _loaded.add(name)
    return True


def _function(entry_point: EntryPoint, code: Code) -> Any:
    codegen = _TARGET.codegen
    codegen.load(code.object_file)
    address = codegen.address(code.symbol)
    function = entry_point.kernel.py_func
    environment = lowering.Environment(function.__globals__)
    codegen.set_env(code.environment, environment)
    module = importlib.import_module(function.__module__)
    return _dynfunc.make_function(
        module, function.__name__, function.__doc__ or "", address, environment, (entry_point,)
    )


def _code(library: Any, symbol: str, environment: str = "") -> Code:
    needs = tuple(sorted(one.name for one in library.linked()[1]))
    machine_code = _TARGET.codegen.machine_code(library, {symbol, environment})
    return Code(machine_code, symbol, needs, environment)


def _name(what: str, kernel: Any, signature: tuple) -> str:
    function = kernel.py_func
    types_hash = hashlib.sha256(repr(signature).encode()).hexdigest()[:16]
    return f"{function.__module__}.{function.__qualname__}-{types_hash}.{what}"


def _kernel_called(module: str, name: str) -> Any:
    return functools.reduce(getattr, name.split("."), importlib.import_module(module))
