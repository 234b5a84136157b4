"""What errors say."""

import inspect

import numpy as np
import pytest

import sekai


def test_every_error_is_at_the_top_and_a_sekai_error() -> None:
    errors = {name for name, kind in vars(sekai.error).items() if inspect.isclass(kind) and not name.startswith("_")}
    assert errors - {"Iterable"} <= set(sekai.__all__)
    assert all(issubclass(getattr(sekai, name), sekai.SekaiError) for name in errors - {"Iterable"})


def test_large_values_are_cut_out_of_a_message() -> None:
    """It still begins with what is wrong, and ends with what was given."""
    wide = sekai.Box(np.linspace(0.0, 1.0, 900), np.linspace(1.0, 2.0, 900))
    env = sekai.CheckAction(sekai.testing.CountingEnv())
    env.action_space = env.env.action_space = wide
    env.reset(seed=0)
    with pytest.raises(sekai.InvalidAction) as caught:
        env.step(3.0)
    text = str(caught.value)
    assert text.startswith("action must be in Box(") and text.endswith("got 3.0")
    assert len(text) < 700 and "\n" not in text and " ... " in text
    assert str(sekai.SpaceMismatch("x must be 1, got 2")) == "x must be 1, got 2"
