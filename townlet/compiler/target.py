"""What kernels are compiled for: the plain processor of an architecture, so that equal inputs give equal bytes on every
machine, and one cache serves all of them.

It is a target of Townlet's own beside Numba's `cpu`: nobody else's functions are compiled for it, and none of Numba's
settings is touched. Two things make it quick. What a kernel calls is typed and lowered once, and optimised and turned
into machine code only as part of what Python calls in the end (Numba does both again at every level). And how an
operator is typed (`+` of two float64) is found out once, not once for every line that has one.
"""

from __future__ import annotations

import hashlib
import operator
from typing import Any

import llvmlite.binding as llvm
from numba.core import callconv, codegen, cpu, datamodel, externals, itanium_mangler, types, typing
from numba.core.descriptors import TargetDescriptor
from numba.core.target_extension import CPU, target_registry

from townlet.compiler import elements, groups, vectors

NAME = "townlet"
ENVIRONMENT = ".NumbaEnv."  # Numba names a function's environment like the function
KERNELS: set[str] = set()  # names of all functions that are kernels, with their modules'
# As Numba optimises, but for its pass over single functions: first what brings loops into a form to be vectorised.
PASSES: tuple[dict[str, Any], ...] = (
    {"opt": 0, "loop_vectorize": False, "slp_vectorize": False, "cost": "cheap"},
    {"opt": 3, "loop_vectorize": True, "slp_vectorize": True},
)


class Townlet(CPU):
    """The target, as Numba's registry of targets knows it: what works for any CPU works for it."""


target_registry[NAME] = Townlet


class Reference:
    """Stands for the library of a kernel that is compiled on its own (`townlet.compiler.kernels`)."""

    def __init__(self, name: str) -> None:
        self.name = name

    def _ensure_finalized(self) -> None:
        """Numba's word for: be ready to be linked with."""


class Library(codegen.JITCodeLibrary):
    """The lowered code of one kernel. It becomes machine code as part of what links it."""

    def finalize(self) -> None:
        self._finalized = True

    def _optimize_functions(self, ll_module: Any) -> None:
        """Not yet: once, when all is linked."""
        ll_module.data_layout = self._codegen._data_layout

    def linked(self) -> tuple[list[Library], list[Reference]]:
        """This library and all below it, and what they refer to."""
        libraries: dict[Any, None] = {}
        references: dict[Reference, None] = {}
        waiting: list[Any] = [self]
        while waiting:
            one = waiting.pop()
            if isinstance(one, Reference):
                references[one] = None
            elif one not in libraries:
                libraries[one] = None
                waiting += one._linking_libraries
        return list(libraries), list(references)


class Codegen(codegen.JITCPUCodegen):
    """Code for the plain processor, whatever this machine has."""

    _library_class = Library

    def _get_host_cpu_name(self) -> str:
        return "generic"

    def _get_host_cpu_features(self) -> str:
        return ""

    def machine_code(self, library: Library, entries: set[str]) -> bytes:
        """An object file of all that the library links. It has the symbols `entries`; all else is inside.

        `private`, not `internal`: the loader finds internal symbols of one object for another too. A kernel that Python
        calls has a copy of what a unit is by itself, of the same name, and optimised to be called in another way.
        """
        module = llvm.parse_assembly(str(self._create_empty_module(library.name)))
        for one in library.linked()[0]:
            module.link_in(one._final_module, preserve=True)
        for symbol in (*module.functions, *module.global_variables):
            if not symbol.is_declaration and symbol.name not in entries:
                symbol.linkage = "private"
        for options in PASSES:
            manager, builder = self._module_pass_manager(**options)
            manager.run(module, builder)
        module.verify()
        return self._tm.emit_object(module)

    def load(self, code: bytes) -> None:
        """Take machine code into this process."""
        self._engine._ee.add_object_file(llvm.ObjectFileRef.from_data(code))

    def address(self, symbol: str) -> int:
        """Where a loaded function stands."""
        engine: Any = self._engine
        engine.finalize_object()
        return engine.get_function_address(symbol)


class TargetContext(cpu.CPUContext):
    """How kernels are lowered."""

    def init(self) -> None:
        self.is32bit = False
        self._internal_codegen = Codegen("townlet.exec")
        externals.c_math_functions.install(self)
        own = datamodel.manager.DataModelManager(dict(groups.MODELS))
        self.data_model_manager = own.chain(datamodel.default_manager)
        self._is_ready = False
        self._sizes: dict[Any, int] = {}

    def refresh(self) -> None:
        """Numba does this for every function that it compiles; once is enough, but see `get_function`."""
        if not self._is_ready:
            self._is_ready = True
            super().refresh()
            self.install_registry(groups.lowering)
            self.install_registry(elements.lowering)
            self.install_registry(vectors.lowering)

    def get_function(self, fn: Any, sig: Any, _firstcall: bool = True) -> Any:
        """How a function is implemented. Some of Numba's are only known once they have been typed."""
        try:
            return super().get_function(fn, sig, _firstcall=False)
        except NotImplementedError:
            self._is_ready = False
            self.refresh()
            return super().get_function(fn, sig, _firstcall=False)

    def mangler(self, name: str, types: Any, *, abi_tags: Any = (), uid: int | None = None) -> str:
        """A short symbol. A kernel's is the same in every process: it is linked to by name."""
        if name.removeprefix(ENVIRONMENT) in KERNELS:
            abi_tags, uid = (), None
        tag = hashlib.sha256(repr((types, abi_tags)).encode()).hexdigest()[:16]
        return itanium_mangler.mangle(name, (), abi_tags=(tag,), uid=uid)

    def get_abi_sizeof(self, ty: Any) -> int:
        """Bytes of a type: Numba has LLVM read a module for each question."""
        if ty not in self._sizes:
            self._sizes[ty] = super().get_abi_sizeof(ty)
        return self._sizes[ty]

    def apply_target_attributes(self, llvm_func: Any, argtypes: Any = None, restype: Any = None) -> None:
        """Numba asks for this wherever it declares a function."""
        groups.describe_arguments(llvm_func)

    def post_lowering(self, mod: Any, library: Any) -> None:
        """Kernels allocate nothing: Numba's runtime is not linked."""

    def get_executable(self, library: Any, fndesc: Any, env: Any) -> Any:
        """What Numba knows a compiled function by. None of these is called: see `kernels.open_door`."""
        return _Inside()

    def for_wrapper(self, fndesc: Any, environment: Any) -> TargetContext:
        """The context in which the entry point of a kernel is written."""
        model = callconv.create_error_model("numpy", self)
        return self.subtarget(error_model=model, fndesc=fndesc, environment=environment)


class _Inside:
    """Names a function that is reached from compiled code alone."""


class TypingContext(typing.Context):
    """How kernels are typed."""

    def __init__(self) -> None:
        self._known: dict[Any, tuple[Any, Any]] = {}
        self._is_ready = False
        super().__init__()

    def refresh(self) -> None:
        if not self._is_ready:
            self._is_ready = True
            super().refresh()
            self.install_registry(groups.typing)

    def resolve_function_type(self, func: Any, args: Any, kws: Any) -> Any:
        """As Numba does, but remembered. How a function is implemented is remembered with it: Numba keeps that on the
        function's type, which other targets use as well."""
        if kws or not isinstance(func, types.Function):
            return super().resolve_function_type(func, args, kws)
        key, implementations = (func, tuple(args)), func._impl_keys  # type: ignore[attr-defined]
        if key in self._known:
            found, implementation = self._known[key]
            implementations[found.args] = implementation
            return found
        found = super().resolve_function_type(func, args, kws)
        if found is not None:
            self._known[key] = found, implementations[found.args]
        return found

    def resolve_setitem(self, target: Any, index: Any, value: Any) -> Any:
        function = self.resolve_value_type(operator.setitem)
        return self.resolve_function_type(function, (target, index, value), {})


class Target(TargetDescriptor):
    """The contexts, made when the first kernel is compiled or loaded."""

    options = cpu.CPUTargetOptions

    def __init__(self) -> None:
        super().__init__(NAME)
        self._typing_context = TypingContext()
        self._target_context = TargetContext(self._typing_context, NAME)

    @property
    def typing_context(self) -> TypingContext:
        return self._typing_context

    @property
    def target_context(self) -> TargetContext:
        return self._target_context

    @property
    def codegen(self) -> Codegen:
        return self._target_context._internal_codegen
