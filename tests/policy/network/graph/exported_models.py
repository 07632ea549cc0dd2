# pyright: reportMissingImports=false
"""Networks of PyTorch as its two exporters write them: what people bring who train elsewhere.

`python -m tests.policy.network.graph.exported_models` writes the files of the folder `exported` anew, and what PyTorch
makes of the same inputs. It needs the extra `train`, onnx, and for the newer exporter onnxscript.
"""

from __future__ import annotations

import io
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from tests.policy.network.graph.graphs import ACTIONS, FEATURES, MAP
from townlet.policy.network.graph.probe import probe_inputs
from townlet.policy.network.onnx_fields import decode
from townlet.policy.network.onnx_session import content_of

FOLDER = Path(__file__).with_name("exported")
EXPORTERS = ("older", "newer")  # torch.onnx.export(dynamo=False), and dynamo=True
COMPILED = (
    "plain",
    "view",
    "masked",
    "column",
)  # how the map is flattened, logits are masked, the value is given
OTHERS = {"conv": "the operator Conv", "log_mask": "the operator Log"}  # and why they are not compiled
INPUTS = ("map", "features", "mask")
GIVEN = probe_inputs({"map": MAP, "features": (FEATURES,), "mask": (ACTIONS,)}, ACTIONS)


def network(kind: str) -> Any:
    """A network with an actor and a critic of their own; features are normalised with buffers."""
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            inputs = int(np.prod(MAP)) + FEATURES
            self.register_buffer("mean", torch.randn(FEATURES))
            self.register_buffer("variance", torch.rand(FEATURES) + 0.1)
            self.conv = nn.Conv2d(MAP[0], MAP[0], 3, padding=1) if kind == "conv" else nn.Identity()
            self.actor = nn.Sequential(nn.Linear(inputs, 5), nn.Tanh(), nn.Linear(5, ACTIONS))
            self.critic = nn.Sequential(nn.Linear(inputs, 5), nn.ReLU(), nn.Dropout(0.1), nn.Linear(5, 1))

        def forward(self, map: Any, features: Any, mask: Any) -> tuple[Any, Any]:
            seen = ((features - self.mean) / torch.sqrt(self.variance + 1e-8)).clamp(-5, 5)
            map = self.conv(map)
            flat = map.view(map.size(0), -1) if kind == "view" else map.flatten(1)
            x = torch.cat([flat, seen], -1)
            logits, value = self.actor(x), self.critic(x)
            if kind == "masked":
                logits = logits.masked_fill(~mask, -1e9)
            if kind == "log_mask":
                logits = logits + torch.log(mask.float()).clamp(min=-1e30)
            return logits, value if kind == "column" else value.squeeze(-1)

    torch.manual_seed(0)
    return Network().eval()


def export(model: Any, exporter: str) -> bytes:
    """The ONNX file of a network."""
    import torch

    arguments = tuple(torch.tensor(GIVEN[name]) for name in INPUTS)
    names: dict[str, Any] = {"input_names": list(INPUTS), "output_names": ["logits", "value"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the older one is old
        if exporter == "older":
            file = io.BytesIO()
            axes = {name: {0: "batch"} for name in (*INPUTS, "logits", "value")}
            torch.onnx.export(model, arguments, file, dynamo=False, dynamic_axes=axes, **names)
            return file.getvalue()
        batch = {0: torch.export.Dim("batch")}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "m.onnx")
            torch.onnx.export(
                model, arguments, str(path), dynamo=True, dynamic_shapes=(batch, batch, batch),
                external_data=False, verbose=False, **names,
            )  # fmt: skip
            return path.read_bytes()


def torch_results(model: Any) -> tuple[np.ndarray, np.ndarray]:
    """Logits [8, U] and values [8] of a network for `GIVEN`."""
    import torch

    with torch.no_grad():
        logits, values = model(*(torch.tensor(GIVEN[name]) for name in INPUTS))
    return logits.numpy(), values.numpy().reshape(-1)


def write_all() -> None:
    """Write all files; without what is not read, such as where the exporter was installed."""
    FOLDER.mkdir(exist_ok=True)
    for exporter in EXPORTERS:
        for kind in (*COMPILED, *OTHERS):
            model = network(kind)
            data = content_of(decode(export(model, exporter)))
            logits, values = torch_results(model)
            (FOLDER / f"{exporter}_{kind}.onnx").write_bytes(data)
            np.savez(FOLDER / f"{kind}.npz", logits=logits, values=values)


if __name__ == "__main__":
    write_all()
