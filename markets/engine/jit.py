"""How every kernel is compiled, where its machine code is kept, and what numba has no word for: `call`, `prefetch`.

Numba throws a cached kernel away when *its own file* changes, not when a file that it calls into does. So the cache
lives in a directory named after the contents of the whole engine: edit anything, and everything is compiled afresh.
Each cached kernel has exactly one signature. Nothing is compiled at import.
"""

from __future__ import annotations

import gc
import hashlib
import inspect
import linecache
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.compiler_lock import global_compiler_lock
from numba.core.errors import NumbaError
from numba.extending import intrinsic, typeof_impl
from numba.np import arrayobj

from .terms import Words

__all__ = [
    "AGENT_SIGNATURE",
    "CACHE",
    "ENGINE",
    "F",
    "JIT",
    "KEPT_CACHES",
    "OPTIONS",
    "BadKernel",
    "address_of",
    "cache_home",
    "cache_is_warm",
    "call",
    "config",
    "entry_of",
    "fingerprint",
    "inlined",
    "kernel",
    "llvm",
    "locked",
    "njit",
    "plain",
    "prefetch",
    "verb",
]

config: Any = numba.config
njit: Any = numba.njit
locked: Any = global_compiler_lock
llvm: Any = vars(cgutils)["ir"]  # what numba itself builds machine code with
F = TypeVar("F", bound=Callable[..., Any])

_module: Any = types.Module  # whose attributes are constants
typeof_impl.register(Words)(lambda namespace, _context: _module(namespace))

JIT: bool = not config.DISABLE_JIT
ENGINE = Path(__file__).parent
KEPT_CACHES = 4  # directories of older engines that are kept beside the current one


def fingerprint(source: Path = ENGINE) -> str:
    """Return a hash of all Python files below `source`, of the settings that change machine code, and of the CPU."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(source.rglob("*.py")):
        digest.update(path.relative_to(source).as_posix().encode() + b"\0")
        digest.update(hashlib.blake2b(path.read_bytes(), digest_size=16).digest())
    settings = (config.BOUNDSCHECK, config.OPT, config.DEBUGINFO_DEFAULT, config.CPU_NAME, config.CPU_FEATURES)
    machine = (platform.machine(), platform.processor(), numba.__version__, np.__version__, platform.python_version())
    digest.update(repr((settings, machine)).encode())
    return digest.hexdigest()


def cache_home() -> str | None:
    """Return the first writable of `$SEKAI_CACHE_DIR`, numba's own setting and the user's cache directory, or None.

    Cached files are pickles, so a directory that others may write is not looked for.
    """
    user = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    for home in (os.environ.get("SEKAI_CACHE_DIR"), config.CACHE_DIR, user):
        if not home:
            continue
        path = Path(home) / "sekai" / fingerprint()
        try:
            path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path):
                pass
        except OSError:
            continue
        _prune(path)
        return str(path)
    return None


def _prune(current: Path) -> None:
    """Remove all but the newest few caches of older engines beside `current`; others may be doing the same."""
    try:
        os.utime(current)
        older = [p for p in current.parent.iterdir() if p != current and len(p.name) == len(current.name)]
        for path in sorted(older, key=lambda p: p.stat().st_mtime, reverse=True)[KEPT_CACHES:]:
            shutil.rmtree(path, ignore_errors=True)
    except OSError:
        return


CACHE: str | None = cache_home() if JIT else None
OPTIONS: dict[str, Any] = {
    "cache": CACHE is not None,
    "_nrt": False,
    "error_model": "numpy",
    "nogil": True,
    "no_cfunc_wrapper": True,
}


def cache_is_warm(kernel_name: str = "advance") -> bool:
    """Return whether a kernel of this very engine has been compiled on this machine before, or need not be."""
    return not JIT or (CACHE is not None and any(Path(CACHE).rglob(f"*.{kernel_name}-*.nbi")))


def _cache_of(function: Any) -> str | None:
    """Return where a kernel's machine code is kept: the engine's own directory, or one below it for an agent's.

    That one is named after all that is compiled in: the files of the kernels that it calls, however far away, and the
    values of the constants that it reads. None where something that it names is of no such kind.
    """
    if CACHE is None or _is_ours(function):
        return CACHE
    digest = hashlib.blake2b(digest_size=8)
    try:
        _take_in(digest, function, set())
    except (OSError, _Unknown):
        return None
    return str(Path(CACHE) / f"agents-{digest.hexdigest()}")


def _is_ours(function: Any) -> bool:
    """Return whether a function is written in the engine, and not by a user."""
    return Path(function.__code__.co_filename).is_relative_to(ENGINE)


class _Unknown(Exception):
    """Something whose change would not be noticed."""


def _take_in(digest: Any, function: Any, seen: set[Any]) -> None:
    """Add to a digest the file of a function and all that its code names, kernel by kernel."""
    if function in seen or _is_ours(function):
        return
    seen.add(function)
    digest.update(Path(function.__code__.co_filename).read_bytes() + b"\0")
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    scope = {**function.__globals__, **{name: cell.cell_contents for name, cell in cells}}
    for code in _codes(function.__code__):
        for name in code.co_names + code.co_freevars:
            if name in scope:
                _take_in_value(digest, name, scope[name], code.co_names, seen)


def _codes(code: Any) -> Any:
    yield code
    for constant in code.co_consts:
        if hasattr(constant, "co_names"):
            yield from _codes(constant)


def _take_in_value(digest: Any, name: str, value: Any, names: tuple[str, ...], seen: set[Any]) -> None:
    module = getattr(value, "__module__", None) or getattr(value, "__name__", "")
    if str(module).partition(".")[0] in ("numpy", "numba", "math", "builtins"):
        return
    if hasattr(value, "py_func"):
        _take_in(digest, value.py_func, seen)
    elif isinstance(value, type(os) | Words):
        for attribute in set(names) & set(vars(value)):
            _take_in_value(digest, attribute, getattr(value, attribute), names, seen)
    elif isinstance(value, np.ndarray):
        digest.update(f"{name}{value.dtype}{value.shape}".encode() + value.tobytes())
    elif isinstance(value, int | float | complex | str | bytes | tuple | np.generic | type(None)):
        digest.update(f"{name}={value!r}".encode())
    elif hasattr(value, "__code__"):
        _take_in(digest, value, seen)
    else:
        raise _Unknown(name)


def _compile(function: F, **more: Any) -> F:
    home = _cache_of(function)
    keeps = home is not None and Path(function.__code__.co_filename).suffix == ".py"  # not what was typed at a prompt
    options = OPTIONS | more | {"cache": keeps}
    kept, config.CACHE_DIR = config.CACHE_DIR, home or ""
    try:
        compiled: F = njit(**options)(function)
    finally:
        config.CACHE_DIR = kept
    if JIT:
        _pass_int64(compiled)
        _compile_quickly(compiled, is_copied="forceinline" in more, is_ours=_is_ours(function))
    else:
        vars(compiled)["is_kernel"] = True  # what tells it from a part's plain function
    return compiled


def _pass_int64(dispatcher: Any) -> None:
    """Make calls from other kernels pass every signed integer as int64.

    Left alone, numba compiles a kernel again for each constant that it is called with, and for each width.
    """
    template = dispatcher.get_call_template

    def widened(args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        return template(tuple(_widened(a) for a in args), {name: _widened(a) for name, a in kws.items()})

    dispatcher.get_call_template = widened


@contextmanager
def _plain_indices() -> Iterator[None]:
    """Compile the engine's kernels, meanwhile, without numba's rule that a negative index counts from the end.

    It costs the engine a fifth of its speed, and no index of it is negative. Who else is compiled meanwhile, a user's
    kernel or numba's own, keeps the rule; and so does everybody where numba no longer has the function that is
    replaced.
    """
    before: Any = getattr(arrayobj, "fix_integer_index", None)
    if before is None or [*inspect.signature(before).parameters] != ["context", "builder", "idxty", "idx", "size"]:
        yield
        return

    def fix_integer_index(context: Any, builder: Any, idxty: Any, idx: Any, size: Any) -> Any:
        if _MANGLED_PACKAGE in builder.function.name:
            return context.cast(builder, idx, idxty, types.intp)
        return before(context, builder, idxty, idx, size)

    vars(arrayobj)["fix_integer_index"] = fix_integer_index
    try:
        yield
    finally:
        vars(arrayobj)["fix_integer_index"] = before


_MANGLED_PACKAGE = "".join(f"{len(part)}{part}" for part in __name__.split(".")[:-1])  # as in the names of machine code


def _compile_quickly(dispatcher: Any, *, is_copied: bool, is_ours: bool) -> None:
    """Let the garbage collector rest meanwhile, and leave what is copied elsewhere to be optimised there.

    It saves a fifth of the time to compile everything, for at most a twentieth of the speed, of special orders.
    """
    compile_slowly, wanted = dispatcher.compile, config.OPT
    chosen = type(wanted)(min(wanted, 1)) if is_copied else wanted  # whoever it is that needs it now

    def compile_quickly(signature: Any) -> Any:
        collects, level = gc.isenabled(), config.OPT
        gc.disable()
        config.OPT = chosen
        try:
            with _plain_indices() if is_ours else nullcontext():
                return compile_slowly(signature)
        finally:
            config.OPT = level
            if collects:
                gc.enable()

    dispatcher.compile = locked(compile_quickly)  # or two threads would leave each other's level behind


def _widened(argument: Any) -> Any:
    plain: Any = types.unliteral(argument)  # type: ignore[no-untyped-call]
    is_signed = isinstance(argument, types.Integer) and plain.signed
    return types.int64 if is_signed else plain


def kernel(function: F) -> F:
    """Compile `function` on its first call, from the cache where it is there."""
    return _compile(function)


def inlined(function: F) -> F:
    """Compile `function` as `kernel` does, and copy it into whoever calls it.

    A call passes a row as seven words. A day of orders through the book ran at 28 M messages per CPU-second with calls,
    at 57 without; compiling took a tenth longer.
    """
    return _compile(function, forceinline=True)


def plain(function: Any) -> Callable[..., Any]:
    """Return a kernel as it was written: interpreted, and for arrays where it takes numbers, if it looks at none."""
    written: Callable[..., Any] = getattr(function, "py_func", function)
    return written


def verb(*, reals: tuple[int, ...]) -> Callable[[F], F]:
    """Compile a kernel as `inlined` does, whose arguments of these numbers are reals, whatever number is given.

    So it has one signature, and who writes `show(row, me, 0, 1)` need not write `1.0`.
    """

    def compile_verb(function: F) -> F:
        compiled = inlined(function)
        if JIT:
            _pass_float64(compiled, reals)
        return compiled

    return compile_verb


def _pass_float64(dispatcher: Any, reals: tuple[int, ...]) -> None:
    """Make calls from other kernels pass the arguments of these numbers as float64."""
    template = dispatcher.get_call_template

    def converted(args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        numbers = (types.Integer, types.Boolean, types.Float)
        return template(
            tuple(types.float64 if k in reals and isinstance(a, numbers) else a for k, a in enumerate(args)), kws
        )

    dispatcher.get_call_template = converted


AGENT_SIGNATURE = types.int64(types.int64[::1], types.int64)
_interpreted: list[Callable[[Any, int], int]] = []


def address_of(function: Callable[[Any, int], int]) -> int:
    """Compile `function(row, seat) -> int64` with the agents' one signature; return what `call` needs to reach it.

    An address is good in this process only: store names, never addresses.
    """
    if not JIT:
        if function not in _interpreted:
            _interpreted.append(function)
        return _interpreted.index(function)
    dispatcher: Any = function if hasattr(function, "py_func") else kernel(function)
    try:
        dispatcher.compile(AGENT_SIGNATURE.args)
    except (NumbaError, TypeError) as error:
        raise BadKernel(_in_a_sentence(dispatcher.py_func, error)) from error
    result = dispatcher.overloads[AGENT_SIGNATURE.args]
    returned: Any = types.unliteral(result.signature.return_type)  # type: ignore[no-untyped-call]
    if returned != AGENT_SIGNATURE.return_type:
        where = _place(dispatcher.py_func, dispatcher.py_func.__code__.co_firstlineno)
        what = "nothing on some way through it" if "none" in str(returned).lower() else f"a {returned}"
        raise BadKernel(f"kernel {dispatcher.__name__!r} ({where}) must return an integer always, but returns {what}")
    return int(result.library.get_pointer_to_function(result.fndesc.llvm_func_name))


class BadKernel(TypeError):
    """Raised for a seat's kernel that cannot be compiled: one sentence, with the file and the line."""


def _place(function: Any, line: int) -> str:
    return f"{function.__code__.co_filename}, line {line}"


def _in_a_sentence(function: Any, error: Exception) -> str:
    """Return what numba says on a page: which line of which file, and what is wrong with it."""
    code = function.__code__
    if code.co_argcount != 2:
        where = _place(function, code.co_firstlineno)
        return f"kernel {function.__name__!r} ({where}) must take two arguments, (row, me), got {code.co_argcount}"
    at = getattr(error, "loc", None)
    file, line = (code.co_filename, code.co_firstlineno) if at is None else (at.filename, at.line)
    said = [text.strip() for text in str(error).splitlines() if text.strip()]
    said = [text for text in said if not text.startswith(("Failed in nopython", "There are", "- Of which", "During"))]
    reason = said[0] if said else type(error).__name__
    if reason.startswith("No implementation of function"):
        reason = "an operation that does not fit the types of its values"
    elif reason.startswith("Cannot bind"):
        reason = "a call with wrong arguments: " + reason.rpartition('"TypeError: ')[2].rstrip('"')
    elif "from none to int64" in reason:
        reason = "a return without a value; a kernel must return an integer always"
    source = linecache.getline(file, line).strip()
    return f"kernel {function.__name__!r} cannot be compiled: {file}, line {line}, `{source}`: {reason}"


def entry_of(function: Callable[..., Any], *arguments: Any) -> Callable[..., Any]:
    """Compile a kernel for arguments like these; return its way in from Python, which looks at no types any more.

    For arguments of exactly these types only: others are read as what they are not. It saves 0.3 us a call.
    """
    if not JIT:
        return function
    dispatcher: Any = function
    typeof: Any = numba.typeof
    signature = tuple(typeof(argument) for argument in arguments)
    dispatcher.compile(signature)
    entry: Callable[..., Any] = dispatcher.overloads[signature].entry_point
    return entry


def _call_compiled(_context: Any, _address: Any, row: Any, _seat: Any) -> Any:
    """Call the agent kernel at an address, `call(address, row, seat)`, and return what it returns."""
    arguments = (row, types.int64)

    def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        convention = context.call_conv
        pointer = builder.inttoptr(values[0], convention.get_function_type(types.int64, arguments).as_pointer())
        status, result = convention.call_function(builder, pointer, types.int64, arguments, values[1:])
        with builder.if_then(status.is_error, likely=False):
            convention.return_status_propagate(builder, status)
        return result

    return types.int64(types.int64, row, types.int64), generate


def _call_interpreted(address: int, row: Any, seat: int) -> int:
    """Call the agent kernel of a number, interpreted."""
    return _interpreted[address](row, seat)


def _prefetch_compiled(_context: Any, array: Any, _index: Any) -> Any:
    """Ask for the cache line of an element that need not exist: `prefetch(array, index)` changes nothing but time."""

    def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        byte, number = llvm.IntType(8).as_pointer(), llvm.IntType(32)
        where = builder.gep(context.make_array(array)(context, builder, values[0]).data, [values[1]])
        hint = llvm.FunctionType(llvm.VoidType(), [byte, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], hint)
        to_write, keep_near, of_data = number(1), number(3), number(1)
        builder.call(function, [builder.bitcast(where, byte), to_write, keep_near, of_data])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


def _prefetch_interpreted(array: Any, index: int) -> None:
    """Do nothing: an interpreter has no cache lines to wait for."""


# A call costs 2 ns, and the caller is compiled without knowing any agent. (Of numba's own first-class functions each
# costs 42 us to pass in.)
_intrinsic: Any = intrinsic
call: Callable[[int, Any, int], int] = _intrinsic(_call_compiled) if JIT else _call_interpreted
prefetch: Callable[[Any, int], None] = _intrinsic(_prefetch_compiled) if JIT else _prefetch_interpreted
if not JIT:
    np.seterr(over="ignore")  # interpreted, the words of the generator wrap around as they do compiled
