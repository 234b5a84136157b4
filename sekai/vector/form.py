"""What all rows of a vector env have in common: who acts in them, and their spaces."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sekai.core.base import stack
from sekai.core.env import Env, MultiAgentEnv
from sekai.core.result import AgentID
from sekai.error import SekaiError, SpaceMismatch, UnsupportedWrapper
from sekai.spaces.space import Space

__all__ = ["SOLE", "Form", "check_alike", "form_below", "form_of", "made", "sole"]

SOLE: AgentID = ""
"""How the one agent of an `Env` is called in here: a group of one."""


@dataclass(frozen=True)
class Form:
    """The agents of a row, their spaces and their groups; `many` is False for an `Env`, whose one agent is `SOLE`."""

    many: bool
    agents: tuple[AgentID, ...]
    observation_spaces: dict[AgentID, Space[Any]]
    action_spaces: dict[AgentID, Space[Any]]
    groups: dict[str, tuple[AgentID, ...]]

    def with_spaces(self, observations: Mapping[AgentID, Any], actions: Mapping[AgentID, Any]) -> "Form":
        """Return this form with other spaces for some agents."""
        spaces = {**self.observation_spaces, **observations}, {**self.action_spaces, **actions}
        return Form(self.many, self.agents, *spaces, self.groups)

    @property
    def stored(self) -> dict[str, tuple[AgentID, ...]]:
        """The groups whose observation spaces are equal, and each agent of the others on its own."""
        stored: dict[str, tuple[AgentID, ...]] = {}
        for name, agents in self.groups.items():
            spaces = [self.observation_spaces[agent] for agent in agents]
            together = all(space == spaces[0] for space in spaces)
            stored |= {name: agents} if together else {agent: (agent,) for agent in agents}
        return stored


def form_of(env: Env[Any, Any] | MultiAgentEnv) -> Form:
    """Return the form of an environment."""
    if isinstance(env, MultiAgentEnv):
        groups = {name: tuple(agents) for name, agents in env.groups.items()}
        spaces = dict(env.observation_spaces), dict(env.action_spaces)
        return Form(True, tuple(env.possible_agents), *spaces, groups)
    return sole(env.observation_space, env.action_space)


def sole(observation_space: Space[Any], action_space: Space[Any]) -> Form:
    """Return the form of one agent's environments."""
    return Form(False, (SOLE,), {SOLE: observation_space}, {SOLE: action_space}, {SOLE: (SOLE,)})


def form_below(vec: Any) -> Form:
    """Return the form of a vector env, whose spaces a user's wrapper may have changed."""
    if not vec.many:
        return sole(vec.observation_space, vec.action_space)
    return Form(True, tuple(vec.possible_agents), vec.observation_spaces, vec.action_spaces, vec.groups)


def check_alike(forms: Sequence[Form], first: Form, begin: int = 0) -> None:
    """Raise `SpaceMismatch` unless each of `forms`, numbered from `begin`, has the agents and spaces of `first`."""
    for index, form in enumerate(forms, begin):
        if form.many != first.many:
            raise SpaceMismatch(f"environment {index} must have one agent as environment 0 has, or many as it has")
        for name in ("observation_spaces", "action_spaces"):
            ours, theirs = getattr(form, name), getattr(first, name)
            if ours != theirs:
                if not form.many:
                    name, ours, theirs = name[:-1], ours[SOLE], theirs[SOLE]
                raise SpaceMismatch(f"all environments must have the same {name}: {index} has {ours}, 0 has {theirs}")


def made(env_fns: Iterable[Callable[[], Any]], begin: int = 0) -> list[Any]:
    """Call each function for an environment of its own; they are numbered from `begin`."""
    envs: list[Any] = []
    for index, make in enumerate(env_fns, begin):
        if not callable(make):
            raise SekaiError(f"env_fns[{index}] must be callable and make an environment, got {make!r}")
        try:
            env = make()
        except Exception as error:
            error.add_note(f"in env_fns[{index}]")
            raise
        if not isinstance(env, Env | MultiAgentEnv):
            raise SekaiError(f"env_fns[{index}] must make an Env or a MultiAgentEnv, got {env!r}")
        if any(env is other for other in envs):
            raise SekaiError(f"env_fns[{index}] gave an environment that is there already: make a new one each time")
        if any(getattr(part, "restarts", False) for part in stack(env)):
            raise UnsupportedWrapper(f"env_fns[{index}]: a vector env resets by itself, leave AutoReset out of {env!r}")
        envs.append(env)
    if not envs:
        raise SekaiError("env_fns must be at least one function that makes an environment, got none")
    return envs
