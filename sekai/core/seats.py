"""What a wrapper written for one agent needs around many: an instance for each agent, and a seat for it to stand on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from sekai.core.agents import agents_named, role
from sekai.core.base import BaseEnv, Derived
from sekai.core.env import Env, MultiAgentEnv
from sekai.core.recipe import Recipe
from sekai.core.result import AgentID
from sekai.core.seeding import child_seed
from sekai.error import UnsupportedWrapper

if TYPE_CHECKING:
    import numpy as np

__all__ = ["AgentSeat", "AgentWrappers", "Seats"]


class AgentSeat(Derived, Env[Any, Any]):
    """What an agent's innermost wrapper finds below it: that agent's spaces, and a random stream of its own.

    It cannot be stepped; a wrapper that must decide when to step is a `ProgramWrapper`.
    """

    below = "multi"
    _set_rng = BaseEnv._set_rng

    def __init__(self, multi: MultiAgentEnv, agent: AgentID) -> None:
        self.multi = multi
        self.agent = agent
        self._seed: int | None = None
        self.observation_space = multi.observation_space(agent)
        self.action_space = multi.action_space(agent)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> NoReturn:
        """Raise `UnsupportedWrapper`."""
        self._reject("reset")

    def step(self, action: Any) -> NoReturn:
        """Raise `UnsupportedWrapper`."""
        self._reject("step")

    def action_mask(self) -> Any:
        """Return which actions are allowed to this agent now; None where all are."""
        return self.multi.action_masks().get(self.agent)

    def close(self) -> None:
        """Do nothing: the environment is closed by whoever has all of it."""

    @property
    def unwrapped(self) -> Any:
        """The environment underneath all wrappers."""
        return self.multi.unwrapped

    def __repr__(self) -> str:
        return f"<{self.agent!r} of {self.multi!r}>"

    def seed_stream(self, seed: int | None) -> None:
        """Restart the stream, when it is next drawn from, from the environment's `seed` and the agent's name."""
        self._seed, self._rng = seed, None

    @property
    def rng(self) -> "np.random.Generator":
        """The random stream of this agent's wrappers."""
        if self._rng is None:
            seed = None if self._seed is None else child_seed(self._seed, "layers", self.agent)
            self._set_rng(seed)
        assert self._rng is not None
        return self._rng

    def _reject(self, method: str) -> NoReturn:
        raise UnsupportedWrapper(
            f"a wrapper of {self.agent!r} cannot {method} an environment of many agents: "
            "use the hooks observation, reward, action, on_reset, on_step, or a ProgramWrapper"
        )


class Seats(dict[AgentID, AgentSeat]):
    """The seats of an environment's agents, each made when its agent first appears."""

    def __init__(self, env: MultiAgentEnv) -> None:
        super().__init__()
        self.env = env
        self.seed: int | None = None

    def __missing__(self, agent: AgentID) -> AgentSeat:
        seat = self[agent] = AgentSeat(self.env, agent)
        seat.seed_stream(self.seed)
        return seat

    def seed_streams(self, seed: int | None) -> None:
        """Restart all streams from `seed`, or continue them where it is None."""
        if seed is not None:
            self.seed = seed
            for seat in self.values():
                seat.seed_stream(seed)

    def __reduce__(self) -> Any:
        return Seats, (self.env,), {"seed": self.seed}, None, iter(self.items())


class AgentWrappers:
    """The instances of one wrapper, an agent each, and which agents it serves."""

    def __init__(self, env: MultiAgentEnv, recipe: Recipe) -> None:
        self.recipe, names = recipe, recipe.agents
        self.names = None if names is None else frozenset([names] if isinstance(names, str) else names)
        self.roles = {agent: group for group, agents in env.groups.items() for agent in agents}
        self.instances: dict[AgentID, Any] = {}
        if self.names is not None:
            agents_named(env, self.names)

    def serves(self, agent: AgentID) -> bool:
        """Say whether the wrapper goes around this agent."""
        return self.names is None or agent in self.names or self.role(agent) in self.names

    def role(self, agent: AgentID) -> str:
        """Return the agent's group, or the role that its name says."""
        return self.roles.get(agent) or role(agent)

    def instance(self, agent: AgentID, below: Env[Any, Any]) -> Any:
        """Return the agent's instance, made around `below` if it is not there yet."""
        if agent not in self.instances:
            kin: Sequence[Any] = [i for name, i in self.instances.items() if self.role(name) == self.role(agent)]
            born = self.recipe.made(below)
            born.on_birth(agent, kin)
            self.instances[agent] = born
        return self.instances[agent]
