"""Environments by id: `namespace/name-vN`, where the namespace and the version may be left out.

An id without a version means the newest. A namespace is loaded when one of its ids is first used: by the function given
to `register_namespace`, or by a distribution's entry point in the group `sekai.envs`, whose name is the namespace and
whose value is a module that registers on import, or a function that registers. A loader that fails is tried again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, overload

from sekai.core.env import Env, MultiAgentEnv
from sekai.error import (
    EnvAlreadyRegistered,
    LoaderError,
    NameNotFound,
    NamespaceNotFound,
    RegistrationError,
    SekaiError,
    VersionNotFound,
    did_you_mean,
    nearest,
)
from sekai.registry.encoding import imported
from sekai.registry.spec import EntryPoint, EnvSpec, WrapperSpec, parse_id

if TYPE_CHECKING:
    from inspect import Parameter

__all__ = [
    "GROUP",
    "Registry",
    "all_specs",
    "make",
    "make_env",
    "make_multi_agent",
    "pprint",
    "register",
    "register_namespace",
    "registry",
    "spec",
]

_FILES = "sekai.files"

GROUP = "sekai.envs"


class Registry:
    """Specs by id and loaders by namespace."""

    def __init__(self, group: str | None = None) -> None:
        self._group = group
        self._specs: dict[str, EnvSpec] = {}
        self._loaders: dict[str, Callable[[], Any]] = {}
        self._loading: set[str] = set()
        self._loaded: set[str] = set()
        self._plugins: dict[str, Any] | None = None
        self._plugged: set[str] = set()

    def add(self, spec: EnvSpec) -> None:
        """Add a spec, in place of one with the same id.

        Raises `EnvAlreadyRegistered` if an id of the same name has a version where this has none, or the reverse.
        """
        siblings = [s for s in self._specs.values() if (s.namespace, s.name) == (spec.namespace, spec.name)]
        if any((s.version is None) != (spec.version is None) for s in siblings):
            raise EnvAlreadyRegistered(f"{spec.id!r} clashes with {siblings[0].id!r}: give all a version, or none")
        self._specs[spec.id] = spec

    def add_namespace(self, namespace: str, loader: Callable[[], Any]) -> None:
        """Call `loader` when an id of `namespace` is first used."""
        if not callable(loader):
            raise RegistrationError(f"loader must be callable, got {loader!r}")
        self._loaders[namespace] = loader

    def find(self, id: str) -> EnvSpec:
        """Return the spec of `id`, loading its namespace first if need be.

        The path of a file that a package can read, such as a scenario's, is an id too. Raises `NamespaceNotFound`,
        `NameNotFound` or `VersionNotFound`, with the nearest that exists, and `LoaderError` where the namespace cannot
        be loaded.
        """
        spec = self._spec_of_file(id)
        if spec is not None:
            return spec
        namespace, name, version = parse_id(id)
        if version is not None and id in self._specs:
            return self._specs[id]
        if namespace is not None:
            self.load(namespace)
        if id in self._specs:
            return self._specs[id]
        versions = {s.version: s for s in self._specs.values() if (s.namespace, s.name) == (namespace, name)}
        if version is None and versions:
            return versions[max(v for v in versions if v is not None)]
        self._explain(id, namespace, name, versions)

    def _spec_of_file(self, id: str) -> EnvSpec | None:
        """Return the spec of a file, where `id` ends like one that a package can read (entry points `sekai.files`)."""
        _, dot, ending = id.rpartition(".") if isinstance(id, str) and self._group else ("", "", "")
        if not dot:
            return None
        from importlib.metadata import entry_points

        for point in entry_points(group=_FILES, name=ending):
            spec: EnvSpec = point.load()(id)
            return spec
        return None

    def load(self, namespace: str) -> None:
        """Call the loader of `namespace`, if there is one that has not succeeded yet."""
        if namespace in self._loading:
            return
        self._loading.add(namespace)
        try:
            if namespace in self._loaders:
                self._loaders[namespace]()
                del self._loaders[namespace]
                self._loaded.add(namespace)
            plugin = self._find_plugins().get(namespace)
            if plugin is not None and namespace not in self._plugged:
                loaded = plugin.load()
                if callable(loaded):
                    loaded()
                self._plugged.add(namespace)
        except SekaiError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise LoaderError(f"the loader of namespace {namespace!r} failed: {reason}") from error
        finally:
            self._loading.discard(namespace)

    def all(self) -> list[EnvSpec]:
        """Return all specs in the order of their ids, loading every namespace that can be loaded.

        A namespace that cannot be loaded is left out, with a warning.
        """
        for namespace, error in self._load_all():
            import warnings

            warnings.warn(f"namespace {namespace!r} is left out: {error}", stacklevel=3)
        return sorted(self._specs.values(), key=lambda s: (s.namespace or "", s.name, s.version or 0))

    def _load_all(self) -> list[tuple[str, SekaiError]]:
        """Load every namespace; return those that cannot be loaded, and why."""
        failed = []
        for namespace in sorted({*self._loaders, *self._find_plugins()}):
            try:
                self.load(namespace)
            except SekaiError as error:
                failed.append((namespace, error))
        return failed

    def namespaces(self) -> set[str]:
        """Return all namespaces, loaded or not."""
        named = {s.namespace for s in self._specs.values() if s.namespace}
        return named | {*self._loaders, *self._loaded, *self._find_plugins()}

    def _find_plugins(self) -> dict[str, Any]:
        if self._plugins is None:
            if self._group is None:
                return {}
            from importlib.metadata import entry_points

            self._plugins = {point.name: point for point in entry_points(group=self._group)}
        return self._plugins

    def _explain(self, id: str, namespace: str | None, name: str, versions: Mapping[int | None, EnvSpec]) -> NoReturn:
        namespaces = self.namespaces()
        if namespace is not None and namespace not in namespaces:
            raise NamespaceNotFound(f"no namespace {namespace!r} for {id!r}.{did_you_mean(namespace, namespaces)}")
        if versions:
            known = ", ".join(s.id for s in versions.values())
            raise VersionNotFound(f"no {id!r}; {name!r} has {known}")
        raise NameNotFound(f"no environment {id!r} is registered.{self._did_you_mean(namespace, name)}")

    def _did_you_mean(self, namespace: str | None, name: str) -> str:
        """Return a suggestion by the name alone: from its namespace if a similar one is there, else from all of them.

        What ids have in common, a namespace and a version, would make any two of them look alike.
        """
        ids = {s.name: s.id for s in self._specs.values() if s.namespace == namespace}
        found = nearest(name, ids)
        if found is None:
            self._load_all()
            ids = {s.name: s.id for s in self._specs.values()}
            found = nearest(name, ids)
        return f" Did you mean {ids[found]!r}?" if found else ""


registry = Registry(GROUP)


def register(
    id: str,
    entry_point: EntryPoint,
    max_episode_steps: int | None = None,
    kwargs: Mapping[str, Any] | None = None,
    reward_threshold: float | None = None,
    additional_wrappers: Sequence[WrapperSpec] = (),
    description: str = "",
) -> None:
    """Register an environment under `id`; the fields are those of `EnvSpec`. Registering again replaces it."""
    wrappers = tuple(additional_wrappers)
    arguments = dict(kwargs or {})
    registry.add(EnvSpec(id, entry_point, max_episode_steps, arguments, reward_threshold, wrappers, description))


def register_namespace(namespace: str, loader: Callable[[], Any]) -> None:
    """Call `loader`, which registers environments, when an id of `namespace` is first used."""
    registry.add_namespace(namespace, loader)


def spec(id: str) -> EnvSpec:
    """Return the spec of `id`, of the newest version if it names none; raises `EnvNotFound`."""
    return registry.find(id)


def all_specs() -> list[EnvSpec]:
    """Load every namespace; return the specs of everything that is registered, in the order of ids."""
    return registry.all()


def pprint(namespace: str | None = None) -> None:
    """Print the ids of everything that is registered, or of one namespace; each namespace is a paragraph."""
    by_namespace: dict[str, list[str]] = {}
    for found in all_specs():
        if namespace in (None, found.namespace):
            by_namespace.setdefault(found.namespace or "", []).append(found.id)
    if namespace is not None and not by_namespace:
        registry.load(namespace)
        raise NamespaceNotFound(f"no namespace {namespace!r}.{did_you_mean(namespace, registry.namespaces())}")
    paragraphs = (
        "\n".join([f"{name or 'without a namespace'}:", *(f"  {id}" for id in ids)])
        for name, ids in by_namespace.items()
    )
    print("\n\n".join(paragraphs))


def make_env(id: str | EnvSpec, **kwargs: Any) -> Env[Any, Any]:
    """Make the environment `id` of one agent, as `make` does; of many, `agent` says whose view it is.

    Raises `SekaiError` for an environment of many agents without `agent`.
    """
    env = make(id, **kwargs)
    if not isinstance(env, Env):
        raise SekaiError(f"{env!r} has many agents: say whose view it is, agent=..., or use make_multi_agent")
    return env


def make_multi_agent(id: str | EnvSpec, **kwargs: Any) -> MultiAgentEnv:
    """Make the environment `id` of many agents, as `make` does; an `Env` becomes one of many with a single agent."""
    env = make(id, **kwargs)
    return env if isinstance(env, MultiAgentEnv) else env.as_multi_agent()


@overload
def make(
    id: str | EnvSpec,
    *,
    agent: str,
    others: Mapping[str, Any] | None = None,
    max_episode_steps: int | None = None,
    **kwargs: Any,
) -> Env[Any, Any]: ...


@overload
def make(
    id: str | EnvSpec, *, agent: None = None, max_episode_steps: int | None = None, **kwargs: Any
) -> Env[Any, Any] | MultiAgentEnv: ...


def make(
    id: str | EnvSpec,
    *,
    agent: str | None = None,
    others: Mapping[str, Any] | None = None,
    max_episode_steps: int | None = None,
    **kwargs: Any,
) -> Env[Any, Any] | MultiAgentEnv:
    """Make the environment `id`: an `Env` or a `MultiAgentEnv`, with its `spec` set.

    `kwargs` go to the entry point, over those registered; `max_episode_steps` stands in for the registered one. The
    environment comes inside `OrderEnforcing`, then `TimeLimit` if it has a limit, then its additional wrappers. Of many
    agents, `agent` makes the view of that one, with `others` as in `MultiAgentEnv.view`. An entry point that takes
    one of these three itself is given it. Raises `SekaiError` for an argument that the entry point does not take, and
    for one that it lacks.
    """
    from sekai.wrappers.episode import OrderEnforcing, TimeLimit  # 20 ms, which only making is worth

    found = id if isinstance(id, EnvSpec) else registry.find(id)
    entry_point = _import(found.entry_point, found.id)
    given = {"agent": agent, "others": others, "max_episode_steps": max_episode_steps}
    arguments = {**found.kwargs, **kwargs, **{name: value for name, value in given.items() if value is not None}}
    untaken = [name for name in given if name in arguments and not _takes(entry_point, name)]
    seat: dict[str, Any] = {name: arguments.pop(name) for name in untaken}
    limit = seat.pop("max_episode_steps", found.max_episode_steps)
    _check_arguments(found.id, entry_point, arguments)
    spec = replace(found, kwargs={**arguments, **seat}, max_episode_steps=limit)
    env: Any = entry_point(**arguments)
    if seat and not isinstance(env, MultiAgentEnv):
        raise SekaiError(f"{found.id!r} has one agent: make it without {' and '.join(seat)}")
    env.unwrapped.spec = spec
    env = OrderEnforcing(env)
    if limit is not None:
        env = TimeLimit(env, limit)
    for wrapper in found.additional_wrappers:
        env = _wrapped(env, wrapper)
    if seat:
        if "agent" not in seat:
            raise SekaiError(f"others without an agent: say which agent of {found.id!r} is yours, agent=...")
        env = env.view(**seat)
    return env  # type: ignore[no-any-return]


def _wrapped(env: Any, wrapper: WrapperSpec) -> Any:
    """Put a wrapper around `env`; its argument `agents`, where it has many, says around whom."""
    entry_point = _import(wrapper.entry_point, wrapper.name)
    if isinstance(env, MultiAgentEnv) and "agents" in wrapper.kwargs and not _takes(entry_point, "agents"):
        return env.wrap(entry_point, **wrapper.kwargs)  # type: ignore[arg-type]
    return entry_point(env, **wrapper.kwargs)


def _import(entry_point: EntryPoint, name: str) -> Callable[..., Any]:
    if not isinstance(entry_point, str):
        return entry_point
    try:
        return imported(entry_point)  # type: ignore[no-any-return]
    except (ImportError, AttributeError) as error:
        raise LoaderError(f"entry point {entry_point!r} of {name!r} cannot be imported: {error}") from error


def _takes(entry_point: Callable[..., Any], name: str) -> bool:
    return name in (_parameters(entry_point) or ())


def _parameters(entry_point: Callable[..., Any]) -> Mapping[str, "Parameter"] | None:
    """Return the parameters of a callable; None where it does not tell."""
    from inspect import signature

    try:
        return signature(entry_point).parameters
    except (TypeError, ValueError):
        return None


def _check_arguments(id: str, entry_point: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """Raise `SekaiError` for arguments that the entry point of `id` does not take, and for those that it lacks."""
    parameters = _parameters(entry_point)
    if parameters is None:
        return
    named = {name: p for name, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    takes = f"it takes {', '.join(named)}" if named else "it takes none"
    for name in arguments if not takes_any else ():
        if name not in named:
            raise SekaiError(f"{id!r} has no argument {name!r}; {takes}.{did_you_mean(name, named)}")
    missing = [name for name, p in named.items() if p.default is p.empty and name not in arguments]
    if missing:
        raise SekaiError(f"{id!r} lacks the argument {missing[0]!r}; {takes}")
