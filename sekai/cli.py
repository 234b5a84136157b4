"""The command `sekai`. It knows no market: commands come from the entry points of group `sekai.commands`.

An entry point's name is the command's, its value a function whose parameters carry typer's annotations and whose
docstring opens with the command's line of help. Only the command that is asked for is imported; help needs all.
Mistakes of the person who typed, which are `SekaiError`s, are printed without a traceback and exit with 2.
"""

from __future__ import annotations

import errno
import inspect
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

import sekai
from sekai.error import SekaiError, install_hint
from sekai.registry.encoding import imported

if TYPE_CHECKING:
    import typer

__all__ = ["info", "list_environments", "main"]

_COMMANDS_GROUP = "sekai.commands"
_MISTAKE = 2
_APP_LIBRARIES = ("jinja2", "matplotlib", "rich", "typer")
_NEEDS_APP = f"the command needs typer, rich, jinja2 and matplotlib: {install_hint('app')}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line ``arguments`` (default: those of the process) and return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a sign shows a question mark
    try:
        _app(words)(args=words, prog_name="sekai")
    except SystemExit as end:  # typer ends every command this way
        return _flushed(end.code if isinstance(end.code, int) else int(end.code is not None))
    except SekaiError as error:
        return _mistake(str(error))
    except ModuleNotFoundError as error:
        if error.name not in _APP_LIBRARIES:
            raise
        return _mistake(_NEEDS_APP)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        return _lost(error)
    return _flushed(0)


def _flushed(status: int) -> int:
    """Return `status` once all that was printed is out; the disk behind standard output may be full."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return _lost(error)
    return status


def _lost(error: OSError) -> int:
    """Say that not all could be printed, and print no more."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _mistake(f"what was printed is not complete: {error.strerror}")


def _mistake(words: str) -> int:
    """Print an error's words, without characters that a terminal would obey; return the exit status."""
    print("sekai:", "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in words), file=sys.stderr)
    return _MISTAKE


def _app(words: Sequence[str]) -> typer.Typer:
    """Return an app with the commands that ``words`` may need: the named one, or all where help will be shown."""
    import typer

    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.command("list")(list_environments)
    app.command("info")(info)
    named = next((word for word in words if not word.startswith("-")), None)
    points = sorted(entry_points(group=_COMMANDS_GROUP), key=lambda point: point.name)
    is_known = named in ("list", "info", *(point.name for point in points))
    shows_help = not is_known and "--version" not in words
    for point in points:
        if point.name == named or shows_help:
            app.command(point.name)(_load(point, is_asked_for=is_known))

    wanted = typer.Option(False, "--version", help="Print the version.", callback=_print_version, is_eager=True)

    @app.callback()
    def options(version: bool = wanted) -> None:
        """Limit order book markets for many agents."""

    return app


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        import typer

        print(f"sekai {sekai.__version__}")
        raise typer.Exit


def _load(point: EntryPoint, is_asked_for: bool) -> Callable[..., Any]:
    """Return the function of a command; one that cannot be imported fails only where it is asked for."""
    try:
        function: Callable[..., Any] = point.load()
    except ImportError as error:
        if is_asked_for:
            raise
        reason = str(error)

        def function() -> None:
            raise SekaiError(f"the command {point.name} cannot be imported from {point.value}: {reason}")

        function.__doc__ = f"(cannot be imported: {reason})"
    return function


def list_environments() -> None:
    """List every environment by namespace, a line each."""
    with warnings.catch_warnings(record=True) as left_out:
        warnings.simplefilter("always")
        specs = sekai.all_specs()
    for warning in left_out:
        print(f"sekai: {warning.message}", file=sys.stderr)
    width = max((len(spec.id) for spec in specs), default=0)
    namespace = None
    for spec in specs:
        if spec.namespace != namespace:
            namespace = spec.namespace
            print(f"{namespace}/")
        print(f"  {spec.id:<{width}}  {_headline(spec)}".rstrip())


def info(id: str, trust: bool = False) -> None:
    """Describe one environment: what its agents see and do. --trust lets a file import the code that it names."""
    spec = sekai.spec(id)
    env: Any = sekai.make(id, trust=True) if trust else sekai.make(id)
    try:
        print("\n".join(_description(spec, env)))
    finally:
        env.close()


def _headline(spec: sekai.EnvSpec) -> str:
    """Return the spec's description, else the entry point's first line of documentation, else nothing."""
    if spec.description:
        return spec.description
    entry_point: object = spec.entry_point
    if isinstance(entry_point, str):
        try:
            entry_point = imported(entry_point)
        except (ImportError, AttributeError):
            return ""
    return (inspect.getdoc(entry_point) or "").partition("\n")[0]


def _description(spec: sekai.EnvSpec, env: Any) -> Iterator[str]:
    """Yield the lines of `sekai info`; an environment that has `explain(agents)` says itself what its agents are."""
    yield spec.id
    yield f"  {_headline(spec) or env.metadata.get('description', '')}"
    yield ""
    entry_point = spec.entry_point if isinstance(spec.entry_point, str) else spec.to_json()["entry_point"]
    arguments = ", ".join(f"{name}={value!r}" for name, value in spec.kwargs.items())
    yield f"made by     {entry_point}({arguments})"
    if spec.max_episode_steps is not None:
        yield f"time limit  {spec.max_episode_steps:,} steps"
    if spec.reward_threshold is not None:
        yield f"solved at   {spec.reward_threshold:g}"
    yield f"wrappers    {env!r}"
    is_of_many = isinstance(env, sekai.MultiAgentEnv)
    below = env if is_of_many else getattr(env.unwrapped, "multi", env)
    if hasattr(below.unwrapped, "explain"):
        yield ""
        yield from below.unwrapped.explain(env.possible_agents if is_of_many else [env.unwrapped.agent])
    elif is_of_many:
        for agent in env.possible_agents:
            yield ""
            yield agent
            yield from _spaces(env.observation_space(agent), env.action_space(agent))
    else:
        yield ""
        yield from _spaces(env.observation_space, env.action_space)


def _spaces(observation: object, action: object) -> Iterator[str]:
    """Yield what is seen and what is done, one line for every key of a Dict."""
    for name, space in (("observes", observation), ("acts", action)):
        parts = space.spaces.items() if isinstance(space, sekai.Dict) else [("", space)]
        for index, (key, part) in enumerate(parts):
            yield f"  {name if index == 0 else '':<9} {f'{key}: ' if key else ''}{part!r}"
