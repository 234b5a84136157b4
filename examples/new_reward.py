"""A new reward: profit, less a charge for what is held. Run it with `python examples/new_reward.py`."""

from __future__ import annotations

from sekai.modular import RewardMetric
from sekai.testing.walks import ModularWalk, ProfitMetric, WalkState


class Holding(RewardMetric[WalkState]):
    """The square of what is held, in lots."""

    @property
    def range(self) -> tuple[float, float]:
        return 0.0, float("inf")

    def compute_reward(self, state: WalkState) -> float:
        return float(state.position**2)


for charge in (0.0, 0.1, 1.0):
    env = ModularWalk(reward_metric=ProfitMetric() - charge * Holding())
    env.reset(seed=0)
    rewards = [env.step(2).reward for _ in range(3)]  # buys three times
    print(f"charge {charge}:", *(f"{reward:+.2f}" for reward in rewards))
