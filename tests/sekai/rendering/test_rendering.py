"""Renderers beside environments: one, several, exchanged, recorded."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sekai
from sekai import SekaiError
from sekai.rendering import Recorder, Rendered, Renderer, save_frames, using
from sekai.testing import CountingEnv, EchoEnv


class Bar:
    """Draws the time as a bar, as any plain class might."""

    closed = 0

    def render(self, env: Any) -> np.ndarray:
        frame = np.zeros((16, 32, 3), np.uint8)
        frame[:, : 4 * env.unwrapped.time] = (200, 30, 30)
        return frame

    def close(self) -> None:
        self.closed += 1


class Console(Renderer):
    """Shows the time itself, and returns no frame."""

    def __init__(self) -> None:
        self.shown: list[int] = []

    def render(self, env: Any) -> None:
        self.shown.append(env.unwrapped.time)


def test_the_loop_of_the_documentation() -> None:
    env, plain, frames = CountingEnv(), Bar(), []
    env.reset(seed=0)
    with using(plain) as renderer:
        for _ in range(3):
            env.step(0.0)
            frames.append(renderer.render(env))
    assert plain.closed == 1 and [int((f[0, :, 0] > 0).sum()) for f in frames] == [4, 8, 12]
    with Console() as console:
        console.render(env)
    assert console.shown == [3] and using(console) is console


def test_several_at_once_are_all_closed() -> None:
    class Stuck(Bar):
        def close(self) -> None:
            raise OSError("stuck")

    env, bar, console = CountingEnv(), Bar(), Console()
    env.reset(seed=0)
    with pytest.raises(OSError, match="stuck"), using(Stuck(), bar, console) as all_three:
        frames = all_three.render(env)
    assert bar.closed == 1 and console.shown == [0] and frames[2] is None and frames[0].shape == (16, 32, 3)


@pytest.mark.parametrize("make", [CountingEnv, EchoEnv])
def test_a_layer_draws_by_itself_and_renderers_can_be_exchanged(make: Any) -> None:
    bar, console = Bar(), Console()
    env = Rendered(make(), bar)
    many = isinstance(env, sekai.MultiAgentEnv)
    action = {a: np.zeros(1) for a in env.possible_agents} if many else 0.0
    env.reset(seed=0)
    env.step(action)
    layer = env.wrapper if many else env
    assert (layer.frame[0, :, 0] > 0).sum() == 4
    layer.renderer = console
    env.step(action)
    env.close()
    assert console.shown == [2]


@pytest.mark.parametrize("ending", ["gif", "mp4"])
def test_recordings_come_back(tmp_path: Path, ending: str) -> None:
    imageio = pytest.importorskip("imageio.v2", reason="the extra render is not installed")
    path = tmp_path / "films" / f"bar.{ending}"
    env = Rendered(CountingEnv(length=6), Recorder(Bar(), path, fps=10, when=lambda k: k % 2 == 0))
    env.reset(seed=0)
    for _ in range(5):
        env.step(0.0)
    env.close()
    frames = [np.asarray(frame)[..., :3] for frame in imageio.mimread(path)]
    assert [round(float((f[8, :, 0] > 100).sum()), 0) for f in frames] == pytest.approx([0, 8, 16], abs=2)
    assert frames[0].shape == (16, 32, 3)


def test_mistakes(tmp_path: Path) -> None:
    env = CountingEnv()
    env.reset(seed=0)
    frame = np.zeros((4, 4, 3), np.uint8)
    for mistake, why in (
        (lambda: using(), "at least one renderer"),
        (lambda: using(3), r"must have render\(env\), got 3"),
        (lambda: Recorder(Console(), tmp_path / "a.gif").render(env), "draws no frames"),
        (lambda: save_frames([], tmp_path / "a.gif"), "at least one, got none"),
        (lambda: save_frames([frame], tmp_path / "a.gif", fps=0), "fps must be > 0"),
        (lambda: save_frames([frame], tmp_path / "a.xyz"), r"path must end in .* such as .gif or .mp4, got '.*a\.xyz'"),
        (lambda: save_frames([frame], tmp_path / "a"), r"path must end in .* such as .gif or .mp4, got '.*/a'"),
        (lambda: save_frames([frame, frame[:2]], tmp_path / "a.gif"), r"frames must be of one size: frames\[1\]"),
        (lambda: save_frames([frame.astype(float)], tmp_path / "a.gif"), r"must be uint8 \(height, width, 3\)"),
    ):
        with pytest.raises(SekaiError, match=why):
            mistake()
    with Recorder(Bar(), tmp_path / "never.gif"):
        pass
    assert not list(tmp_path.iterdir()), "nothing drawn, nothing written"


def test_a_film_that_lacks_its_library_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imageio = pytest.importorskip("imageio.v2", reason="the extra render is not installed")

    def no_backend(*_: Any, **__: Any) -> None:
        raise ValueError("Could not find a backend")

    monkeypatch.setattr(imageio, "mimsave", no_backend)
    with pytest.raises(SekaiError, match=r"cannot be written, '.*a\.mp4': .*\[render\].*Could not find a backend"):
        save_frames([np.zeros((4, 4, 3), np.uint8)], tmp_path / "a.mp4")
