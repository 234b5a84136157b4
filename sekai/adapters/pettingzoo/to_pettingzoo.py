"""Our many-agent environments as PettingZoo's: `ParallelEnv` and `AECEnv`.

If agents act at different times, the parallel form still asks all of them at every step, and uses the actions of those
whose turn it is. It settles with the others, so that everybody is told and paid at every step. The AEC form asks those
whose turn it is, one after the other, and pays an agent when its next turn comes.
"""

from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
from pettingzoo import AECEnv, ParallelEnv

from sekai.adapters.gymnasium.env import flags
from sekai.adapters.gymnasium.spaces import to_gymnasium_space
from sekai.adapters.gymnasium.values import (
    Conversion,
    action_from_gymnasium,
    to_gymnasium_action_space,
    value_to_gymnasium,
)
from sekai.adapters.pettingzoo.names import Lives
from sekai.core.env import MultiAgentEnv
from sekai.core.result import AgentID, MAResetResult, MAStepResult
from sekai.error import InvalidAgents, ResetRequired, SekaiError, did_you_mean
from sekai.spaces import Discrete

__all__ = ["ToAEC", "ToParallel"]


class _Converted:
    """What both forms have in common: ids, spaces, masks, frames."""

    def _set_up(self, env: MultiAgentEnv, renderer: Any) -> None:
        self.sekai_env = env
        self.renderer = renderer
        self.agents: list[AgentID] = []
        self.render_mode = None if renderer is None else "rgb_array"
        modes = [] if self.render_mode is None else [self.render_mode]
        name = type(env.unwrapped).__name__ if env.spec is None else env.spec.id
        self.metadata = {"name": name, **env.metadata, "render_modes": modes, "is_parallelizable": False}
        self._lives = Lives(env)
        self._has_begun = False
        self._keeps_start = getattr(env.unwrapped, "keeps_start", False) is True
        self._spaces: dict[tuple[str, AgentID], tuple[Any, gymnasium.Space[Any]]] = {}
        self._ways_out: dict[AgentID, Conversion] = {}
        self._ways_in: dict[AgentID, Conversion] = {}

    def _begin(self, seed: int | None, options: dict[str, Any] | None) -> MAResetResult:
        begun = self.sekai_env.reset(seed=seed, options=options)
        self._has_begun = True
        self._lives.begin()
        self._ways_out.clear()
        self._ways_in.clear()
        return begun

    @property
    def possible_agents(self) -> list[AgentID]:
        """All ids that may ever live; a later life of an agent joins when it begins."""
        return self._lives.possible

    @property
    def observation_spaces(self) -> dict[AgentID, gymnasium.Space[Any]]:
        """The observation space of each possible agent."""
        return {id: self.observation_space(id) for id in self.possible_agents}

    @property
    def action_spaces(self) -> dict[AgentID, gymnasium.Space[Any]]:
        """The action space of each possible agent."""
        return {id: self.action_space(id) for id in self.possible_agents}

    def observation_space(self, agent: AgentID) -> gymnasium.Space[Any]:
        """Return the agent's observation space, the same object every time."""
        ours = self.sekai_env.observation_space(self._lives.agent(agent))
        return self._space("observation", agent, ours, to_gymnasium_space)

    def action_space(self, agent: AgentID) -> gymnasium.Space[Any]:
        """Return the agent's action space, the same object every time; every choice is counted from 0."""
        ours = self.sekai_env.action_space(self._lives.agent(agent))
        return self._space("action", agent, ours, lambda space: to_gymnasium_action_space(space, self._keeps_start))

    def _space(self, kind: str, id: AgentID, ours: Any, convert: Callable[[Any], Any]) -> gymnasium.Space[Any]:
        known = self._spaces.get((kind, id))
        if known is None or (known[0] is not ours and known[0] != ours):
            known = self._spaces[kind, id] = (ours, convert(ours))
        return known[1]

    def _shown(self, agent: AgentID, observation: Any) -> Any:
        try:
            conversion = self._ways_out[agent]
        except KeyError:
            conversion = self._ways_out[agent] = value_to_gymnasium(self.sekai_env.observation_space(agent))
        return conversion(observation) if conversion else observation

    def _meant(self, agent: AgentID, action: Any) -> Any:
        try:
            conversion = self._ways_in[agent]
        except KeyError:
            conversion = self._ways_in[agent] = action_from_gymnasium(
                self.sekai_env.action_space(agent), self._keeps_start
            )
        return conversion(action) if conversion else action

    def render(self) -> Any:
        """Return the renderer's frame of the environment as it is now, or None where there is no renderer."""
        return None if self.renderer is None else self.renderer.render(self.sekai_env)

    def close(self) -> None:
        """Close the environment and the renderer."""
        self.sekai_env.close()
        if self.renderer is not None:
            self.renderer.close()

    @property
    def unwrapped(self) -> Any:
        """This."""
        return self

    def __str__(self) -> str:
        return str(self.metadata["name"])

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.sekai_env!r})>"

    def _deaths(self, result: MAStepResult) -> list[AgentID]:
        """Return the agents whose life ended; raises `SekaiError` where one is gone without a last result."""
        dead = [agent for agent in result.terminated if result.terminated[agent] or result.truncated[agent]]
        lost = [agent for agent in self._lives.ids if agent not in self.sekai_env.agents and agent not in dead]
        if lost:
            raise SekaiError(f"{lost} are no longer alive in {self.sekai_env!r}, but had no last result")
        return dead

    def _reborn(self, result: MAStepResult) -> MAStepResult:
        """Return the beginning of lives that begin as the agent's last one ends, as where episodes restart at once."""
        agents = [agent for agent in self.sekai_env.acting if agent not in self._lives.ids]
        over = dict.fromkeys(agents, False)
        return MAStepResult(
            {agent: result.observations[agent] for agent in agents},
            dict.fromkeys(agents, 0.0),
            over,
            over,
            {agent: result.info[agent] for agent in agents},
        )

    def action_masks(self) -> dict[AgentID, Any]:
        """Return which actions each agent whose turn it is may take, as arrays of booleans.

        Raises `SpaceMismatch` for actions that have no masks.
        """
        masks, env = self.sekai_env.action_masks(), self.sekai_env
        return {self._lives.ids[a]: flags(env.action_space(a), masks.get(a)) for a in env.acting}

    def _info(self, agent: AgentID, result: MAStepResult | MAResetResult) -> dict[str, Any]:
        """Return an agent's info; of masks those of a Discrete alone, which everybody reads alike (`action_masks`)."""
        info = result.info[agent]
        if "action_mask" in info and not isinstance(self.sekai_env.action_space(agent), Discrete):
            info = {name: value for name, value in info.items() if name != "action_mask"}
        if isinstance(result, MAResetResult):
            return {**info, "acting": agent in self.sekai_env.acting, "elapsed": 0.0}
        over = result.terminated[agent] or result.truncated[agent]
        elapsed = float(result.elapsed.get(agent, agent not in result.first))
        return {**info, "acting": not over and agent in self.sekai_env.acting, "elapsed": elapsed}


class ToParallel(_Converted, ParallelEnv):  # type: ignore[misc]
    """The environment `sekai_env` as a `ParallelEnv`; made by `to_parallel`."""

    def __init__(self, env: MultiAgentEnv, renderer: Any = None) -> None:
        self._set_up(env, renderer)

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[AgentID, Any], dict[AgentID, dict[str, Any]]]:
        """Begin an episode; return observations and infos of everybody alive."""
        env, lives = self.sekai_env, self._lives
        begun = self._begin(seed, options)
        self.agents = [lives.born(agent) for agent in env.agents]
        told: list[MAStepResult | MAResetResult] = [begun, *self._settled(begun.observations)]
        observations = {lives.ids[a]: self._shown(a, x) for result in told for a, x in result.observations.items()}
        infos = {lives.ids[a]: self._info(a, result) for result in told for a in result.observations}
        return {id: observations[id] for id in self.agents}, {id: infos[id] for id in self.agents}

    def step(self, actions: Mapping[AgentID, Any]) -> tuple[dict[AgentID, Any], ...]:
        """Take everybody's actions; return observations, rewards, terminations, truncations and infos.

        Of whoever is alive or has just died. Actions of agents that wait may be left out and do not count. When nobody
        is left and nobody acts, all five are empty. Raises `InvalidAgents` for a missing action, and for one of
        somebody who is not alive.
        """
        if self._has_begun and not self.agents and not actions:
            return {}, {}, {}, {}, {}
        env, lives = self.sekai_env, self._lives
        result = env.step(self._turn(actions))
        dead = self._deaths(result)
        fields: tuple[dict[AgentID, Any], ...] = ({}, {}, {}, {}, {})
        self._write(fields, result)
        for agent in dead:
            lives.died(agent)
        again = self._reborn(result)
        self._write(fields, again)
        for part in self._settled((result.observations.keys() - set(dead)) | again.observations.keys()):
            self._write(fields, part)
        self.agents = [lives.ids[agent] for agent in env.agents]
        return fields

    def _write(self, fields: tuple[dict[AgentID, Any], ...], result: MAStepResult) -> None:
        lives = self._lives
        for agent, observation in result.observations.items():
            id = lives.ids.get(agent) or lives.born(agent)
            fields[0][id] = self._shown(agent, observation)
            fields[1][id] = float(result.rewards[agent])
            fields[2][id] = bool(result.terminated[agent])
            fields[3][id] = bool(result.truncated[agent])
            fields[4][id] = self._info(agent, result)

    def _turn(self, actions: Mapping[AgentID, Any]) -> dict[AgentID, Any]:
        """Return the actions of those whose turn it is, by their names here."""
        lives, acting = self._lives, self.sekai_env.acting
        if not self.agents:
            raise ResetRequired("step, but nobody is alive: call reset() first")
        for id in actions:
            if id not in self.agents:
                raise InvalidAgents(f"actions must be for {self.agents}, got {id!r}.{did_you_mean(id, self.agents)}")
        missing = [lives.ids[agent] for agent in acting if lives.ids[agent] not in actions]
        if missing:
            raise InvalidAgents(f"actions are missing for {missing}, whose turn it is")
        return {agent: self._meant(agent, actions[lives.ids[agent]]) for agent in acting}

    def _settled(self, told: Any) -> list[MAStepResult]:
        """Settle with everybody alive who has not been told."""
        waiting = [agent for agent in self.sekai_env.agents if agent not in told]
        return [self.sekai_env.settle(waiting)] if waiting else []


class ToAEC(_Converted, AECEnv):  # type: ignore[misc]
    """The environment `sekai_env` as an `AECEnv`; made by `to_aec`."""

    def __init__(self, env: MultiAgentEnv, renderer: Any = None) -> None:
        self._set_up(env, renderer)
        self.agent_selection: AgentID = ""

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin an episode."""
        env, lives = self.sekai_env, self._lives
        begun = self._begin(seed, options)
        self.agents = []
        self._seen: dict[AgentID, Any] = {}
        self.rewards: dict[AgentID, float] = {}
        self._cumulative_rewards: dict[AgentID, float] = {}
        self.terminations: dict[AgentID, bool] = {}
        self.truncations: dict[AgentID, bool] = {}
        self.infos: dict[AgentID, dict[str, Any]] = {}
        self._actions: dict[AgentID, Any] = {}
        for agent in begun.observations:
            id = self._bear(agent)
            self._seen[id] = self._shown(agent, begun.observations[agent])
            self.infos[id] = self._info(agent, begun)
        self._meet()
        self.agents = [lives.ids[agent] for agent in env.agents]
        self._select([lives.ids[agent] for agent in env.acting])

    def step(self, action: Any) -> None:
        """Take the selected agent's action, None if it is dead; the last action of a turn steps the environment."""
        if not self.agents:
            raise ResetRequired("step, but nobody is alive: call reset() first")
        id = self.agent_selection
        dead = self.terminations[id] or self.truncations[id]
        if dead and action is not None:
            raise ValueError(f"{id!r} is dead: its action must be None, got {action!r}")
        self.rewards = dict.fromkeys(self.rewards, 0.0)
        if dead:
            self._bury(id)
        else:
            self._cumulative_rewards[id] = 0.0
            agent = self._lives.agent(id)
            self._actions[agent] = self._meant(agent, action)
        if self._turns[1:]:
            self._select(self._turns[1:])
        elif self._actions:
            self._move()

    def observe(self, agent: AgentID) -> Any:
        """Return what the agent saw last; one that was not heard of yet is settled with."""
        if agent not in self.agents:
            raise SekaiError(f"agent must be one of {self.agents}, got {agent!r}.{did_you_mean(agent, self.agents)}")
        if agent not in self._seen:
            self._hear(self.sekai_env.settle([self._lives.agent(agent)]))
        return self._seen[agent]

    def _move(self) -> None:
        """Step the environment with the actions that were collected."""
        env, lives = self.sekai_env, self._lives
        result = env.step(self._actions)
        self._actions = {}
        self._hear(result)
        dead = [lives.died(agent) for agent in self._deaths(result)]
        self._hear(self._reborn(result))
        self._meet()
        self.agents = [*dead, *(lives.ids[agent] for agent in env.agents)]
        self._select([*dead, *(lives.ids[agent] for agent in env.acting)])

    def _hear(self, result: MAStepResult) -> None:
        """Take in a result of the environment."""
        for agent, observation in result.observations.items():
            id = self._lives.ids.get(agent) or self._bear(agent)
            self._seen[id] = self._shown(agent, observation)
            self.rewards[id] += result.rewards[agent]
            self._cumulative_rewards[id] += result.rewards[agent]
            self.terminations[id] = bool(result.terminated[agent])
            self.truncations[id] = bool(result.truncated[agent])
            self.infos[id] = self._info(agent, result)

    def _meet(self) -> None:
        """Begin the lives of those alive of whom nothing was told yet, because they wait."""
        for agent in self.sekai_env.agents:
            if agent not in self._lives.ids:
                self.infos[self._bear(agent)] = {"acting": False, "elapsed": 0.0}

    def _bear(self, agent: AgentID) -> AgentID:
        id = self._lives.born(agent)
        self.rewards[id] = self._cumulative_rewards[id] = 0.0
        self.terminations[id] = self.truncations[id] = False
        return id

    def _bury(self, id: AgentID) -> None:
        fields = (self.rewards, self._cumulative_rewards, self.terminations, self.truncations, self.infos, self._seen)
        for field in fields:
            field.pop(id, None)
        self.agents.remove(id)

    def _select(self, turns: list[AgentID]) -> None:
        self._turns = turns
        if turns:
            self.agent_selection = turns[0]
