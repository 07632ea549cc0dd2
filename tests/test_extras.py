"""The libraries of the extras do what they are wanted for, in the versions that the lock puts together."""
# pyright: reportMissingImports=false

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.torch


def test_onnx_makes_a_model_and_onnxruntime_runs_it() -> None:
    import onnx
    import onnxruntime

    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["B", 2]) for name in "xy")
    graph = onnx.helper.make_graph([node], "graph", [x], [y])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": np.array([[-1, 2]], dtype=np.float32)})
    np.testing.assert_array_equal(found, [[0, 2]])


def test_torch_and_numpy_share_memory() -> None:
    import torch

    array = np.zeros(3, dtype=np.float32)
    torch.from_numpy(array).add_(1)
    assert array.tolist() == [1, 1, 1]


def test_tensorboard_writes_and_reads_a_curve(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar("charts/episodic_return", 0.5, 3)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("charts/episodic_return")] == [(3, 0.5)]


def test_matplotlib_draws_without_a_screen(tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([0, 1], [1, 0])
    figure.savefig(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_pillow_writes_a_moving_picture(tmp_path: Path) -> None:
    from PIL import Image

    first, second = (Image.new("RGB", (4, 3), colour) for colour in ("red", "blue"))
    first.save(tmp_path / "moving.gif", save_all=True, append_images=[second])
    with Image.open(tmp_path / "moving.gif") as found:
        assert (found.format, found.size, found.n_frames) == ("GIF", (4, 3), 2)  # type: ignore[attr-defined]


def test_pettingzoo_and_gymnasium_agree_on_spaces() -> None:
    import gymnasium
    from pettingzoo.utils.env import ParallelEnv

    space = gymnasium.spaces.Discrete(3)
    assert isinstance(space, gymnasium.Space) and ParallelEnv.observation_space is not None


def test_stable_baselines3_learns_on_an_environment_of_gymnasium() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own imports
        import gymnasium
        from stable_baselines3 import PPO

    learner = PPO(
        "MlpPolicy", gymnasium.make("CartPole-v1"), n_steps=8, batch_size=8, n_epochs=1, device="cpu"
    )
    assert learner.learn(8).num_timesteps == 8
