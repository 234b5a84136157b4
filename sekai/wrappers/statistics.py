"""Statistics of each episode, for a tracker and in the last info."""

from collections.abc import Sequence
from time import perf_counter
from typing import Any

from sekai.core.agents import agents_named
from sekai.core.env import Env, MultiAgentEnv
from sekai.core.result import AgentID, MAResetResult, MAStepResult, StepResult
from sekai.core.wrapper import EnvActT, EnvObsT, EpisodeWrapper
from sekai.error import SekaiError
from sekai.stats.tracker import EpisodeStats, InMemoryTracker, StatsTracker

__all__ = ["RecordEpisodeStatistics"]


class RecordEpisodeStatistics(EpisodeWrapper[EnvObsT, EnvActT]):
    """Puts `info["episode"]`, an `EpisodeStats`, into the result that ends an episode, and tells `tracker`.

    Of many agents, each one's own end has its own statistics in `info[agent]["episode"]`; with `agents`, names of
    agents or of roles, only theirs are kept.
    """

    some_agents = True
    over_restarts = True

    def __init__(
        self, env: Env[EnvObsT, EnvActT], tracker: StatsTracker | None = None, agents: Sequence[str] | None = None
    ) -> None:
        super().__init__(env)
        if agents is not None and not isinstance(env, MultiAgentEnv):
            raise SekaiError(f"agents must be None around one agent, got {agents!r}")
        if tracker is not None and not isinstance(tracker, StatsTracker):
            raise SekaiError(f"tracker must have on_reset, on_step, on_episode_end and summary, got {tracker!r}")
        self._agents = None if agents is None else agents_named(env, agents)
        self.tracker: StatsTracker = InMemoryTracker() if tracker is None else tracker
        self._tells_steps = getattr(type(self.tracker), "on_step", None) is not InMemoryTracker.on_step
        self._many = isinstance(env, MultiAgentEnv)
        self._return = 0.0
        self._length = 0
        self._tallies: dict[AgentID, tuple[float, int, float]] = {}
        self._since = perf_counter()
        self._seed: int | None = None

    def before_reset(self, seed: int | None, options: dict[str, Any] | None) -> None:
        """Remember the seed, for the tracker."""
        self._seed = seed

    def on_reset(self, result: Any) -> Any:
        """Restart the count."""
        self._return, self._length, self._since = 0.0, 0, perf_counter()
        self._tallies.clear()
        self.tracker.on_reset(self._env_id(), self._seed)
        if isinstance(result, MAResetResult):
            self._tallies.update(dict.fromkeys(result.observations, (0.0, 0, self._since)))
        return result

    def on_step(self, result: Any) -> Any:
        """Count the step; at the end, tell the tracker."""
        if self._many:
            return self._on_steps(result)
        if self._tells_steps:
            self.tracker.on_step(result.reward, result.terminated, result.truncated, result.info)
        self._length += 1
        self._return += result.reward
        if result.terminated or result.truncated:
            return self._on_end(result)
        return result

    def _on_end(self, result: StepResult[Any]) -> StepResult[Any]:
        stats = self._sum_up(self._return, self._length, self._since, result.terminated, result.truncated, None)
        self._return, self._length, self._since = 0.0, 0, perf_counter()
        info = {**result.info, "episode": stats}
        return StepResult(result.observation, result.reward, result.terminated, result.truncated, info)

    def on_settle(self, result: MAStepResult) -> MAStepResult:
        """Add the rewards; settling is no step of an agent's."""
        for agent, reward in result.rewards.items():
            total, length, since = self._tallies.get(agent, (0.0, 0, perf_counter()))
            self._tallies[agent] = (total + reward, length, since)
        return result

    def _on_steps(self, result: MAStepResult) -> MAStepResult:
        tallies, terminated, truncated = self._tallies, result.terminated, result.truncated
        info = result.info
        for agent, reward in result.rewards.items():
            if self._agents is not None and agent not in self._agents:
                continue
            if agent in result.first:
                tallies[agent] = (0.0, 0, perf_counter())
                continue
            if self._tells_steps:
                self.tracker.on_step(reward, terminated[agent], truncated[agent], result.info[agent])
            total, length, since = tallies.get(agent) or (0.0, 0, perf_counter())
            tallies[agent] = (total + reward, length + 1, since)
            if terminated[agent] or truncated[agent]:
                stats = self._sum_up(*tallies.pop(agent), terminated[agent], truncated[agent], agent)
                info = {**info, agent: {**info[agent], "episode": stats}}
        if info is result.info:
            return result
        return MAStepResult(
            result.observations, result.rewards, terminated, truncated, info, result.first, result.elapsed
        )

    def _sum_up(
        self, total: float, length: int, since: float, terminated: bool, truncated: bool, agent: AgentID | None
    ) -> EpisodeStats:
        stats = EpisodeStats(
            float(total), length, perf_counter() - since, bool(terminated), bool(truncated), self._env_id(), agent
        )
        self.tracker.on_episode_end(stats)
        return stats

    def _env_id(self) -> str | None:
        spec = self.spec
        return None if spec is None else spec.id
