"""What each of many agents has of a layer that is written for one: an instance, and a seat for it to stand on."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from sekai.core.env import Env
from sekai.core.multi_agent import MultiAgentEnv, role
from sekai.core.result import AgentID
from sekai.core.seeding import child_seed
from sekai.core.wrapper import Recipe, Wrapper
from sekai.error import SekaiError, UnsupportedWrapper, did_you_mean

if TYPE_CHECKING:
    import numpy as np

    from sekai.registry.spec import EnvSpec

__all__ = ["AgentLayer", "AgentSeat", "Seats", "agents_named"]


class AgentSeat(Env[Any, Any]):
    """What an agent's innermost layer finds below it: that agent's spaces, and a random stream of its own.

    It cannot be stepped; a layer that must decide when to step is a `FlowWrapper`.
    """

    def __init__(self, multi: MultiAgentEnv, agent: AgentID) -> None:
        self.multi = multi
        self.agent = agent
        self._seed: int | None = None
        self.observation_space = multi.observation_space(agent)
        self.action_space = multi.action_space(agent)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> NoReturn:
        """Refuse."""
        self._refuse("reset")

    def step(self, action: Any) -> NoReturn:
        """Refuse."""
        self._refuse("step")

    def action_mask(self) -> Any:
        """Return which actions are allowed to this agent now; None where all are."""
        return self.multi.action_masks().get(self.agent)

    @property  # type: ignore[misc]
    def spec(self) -> "EnvSpec | None":
        """The spec of the world."""
        return self.multi.spec

    @property
    def metadata(self) -> dict[str, Any]:  # type: ignore[override]
        """The metadata of the world."""
        return self.multi.metadata

    @property
    def unwrapped(self) -> Any:
        """The world underneath all wrappers."""
        return self.multi.unwrapped

    def __repr__(self) -> str:
        return f"<{self.agent!r} of {self.multi!r}>"

    def plant(self, seed: int | None) -> None:
        """Begin the stream anew, as the world's `seed` and the agent's name have it, when it is next drawn from."""
        self._seed, self._rng = seed, None

    @property
    def rng(self) -> "np.random.Generator":
        """The random stream of this agent's layers."""
        if self._rng is None and self._seed is not None:
            self._set_rng(child_seed(self._seed, "layers", self.agent))
        return super().rng

    def _refuse(self, method: str) -> NoReturn:
        raise UnsupportedWrapper(
            f"a layer of {self.agent!r} cannot {method} a world of many agents: "
            "use the hooks observation, reward, action, on_reset, on_step, or a FlowWrapper"
        )


class Seats(dict[AgentID, AgentSeat]):
    """The seats of a world's agents, each made when its agent first appears, with the stream that the seed gives it."""

    def __init__(self, world: MultiAgentEnv) -> None:
        super().__init__()
        self.world = world
        self.seed: int | None = None

    def __missing__(self, agent: AgentID) -> AgentSeat:
        seat = self[agent] = AgentSeat(self.world, agent)
        seat.plant(self.seed)
        return seat

    def plant(self, seed: int | None) -> None:
        """Begin all streams anew from `seed`, or go on with them where it is None."""
        if seed is not None:
            self.seed = seed
            for seat in self.values():
                seat.plant(seed)

    def __reduce__(self) -> Any:
        return Seats, (self.world,), {"seed": self.seed}, None, iter(self.items())


class AgentLayer:
    """One lifted wrapper: which agents it serves, and its instances."""

    def __init__(self, env: MultiAgentEnv, recipe: Recipe) -> None:
        self.recipe, names = recipe, recipe.agents
        self.names = None if names is None else frozenset([names] if isinstance(names, str) else names)
        self.roles = {agent: group for group, agents in env.groups.items() for agent in agents}
        self.instances: dict[AgentID, Wrapper[Any, Any]] = {}
        if self.names is not None:
            agents_named(env, self.names)

    def serves(self, agent: AgentID) -> bool:
        """Say whether the wrapper goes around this agent."""
        return self.names is None or agent in self.names or self.role(agent) in self.names

    def role(self, agent: AgentID) -> str:
        """Return the agent's group, or the role that its name says."""
        return self.roles.get(agent) or role(agent)

    def instance(self, agent: AgentID, below: Env[Any, Any]) -> Wrapper[Any, Any]:
        """Return the agent's instance, around `below` if it is born only now."""
        if agent not in self.instances:
            kin = [other for name, other in self.instances.items() if self.role(name) == self.role(agent)]
            born = self.recipe.made(below)
            born.on_birth(agent, kin)
            self.instances[agent] = born
        return self.instances[agent]


def agents_named(env: MultiAgentEnv, names: Iterable[str] | str) -> frozenset[AgentID]:
    """Return the agents that `names`, of agents or of roles, stand for; raises `SekaiError` for one that is neither."""
    wanted = [names] if isinstance(names, str) else list(names)
    roles = {agent: group for group, agents in env.groups.items() for agent in agents}
    known = [*roles, *roles.values()]
    for name in wanted:
        if name not in known:
            raise SekaiError(
                f"agents must name agents or roles, {[*roles]} or {[*env.groups]}, got {name!r}."
                f"{did_you_mean(name, known)}"
            )
    return frozenset(agent for agent, group in roles.items() if agent in wanted or group in wanted)
