"""A run that was killed goes on where it stood: its state in one file, never a pickle."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from ml.batches import Batches
from ml.config import SASRecConfig, TrainingConfig
from ml.directories import sync
from ml.progress import Progress
from ml.sasrec import SASRec


class StateError(ValueError):
    """The state of a run cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class StateFile:
    """Where a run keeps its state, and after how many steps it writes it anew."""

    path: Path
    every: int = 100

    def is_due(self, step: int) -> bool:
        """Tell whether the state should be written after this step."""
        return self.every > 0 and step % self.every == 0

    def save(
        self,
        identity: str,
        model: SASRec,
        optimiser: torch.optim.Optimizer,
        batches: Batches,
        progress: Progress,
    ) -> None:
        """Write everything that the next step depends on; whole, or not at all."""
        moments = optimiser.state_dict()["state"]
        tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in progress.best_weights.items()}
        tensors |= {f"optimiser.{i}.{name}": t for i, row in moments.items() for name, t in row.items()}
        tensors |= {f"random.{name}": tensor for name, tensor in _random_states(model.bias.device).items()}
        facts = {"identity": identity, "progress": progress.to_dict(), "batches": batches.state()}
        tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
        draft = self.path.with_name(f"{self.path.name}.tmp")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(safetensors.torch.save(tensors, {"run": json.dumps(facts)}))
        sync(draft)
        draft.replace(self.path)
        sync(self.path.parent)

    def restore(
        self, identity: str, model: SASRec, optimiser: torch.optim.Optimizer, batches: Batches
    ) -> Progress:
        """Put a run back where it stood, and return its progress; a new one where there is no state.

        Raises StateError when the file cannot be read or belongs to another run.
        """
        if not self.path.exists():
            return Progress()
        facts, tensors = self._read()
        if facts["identity"] != identity:
            raise StateError(
                f"{self.path} belongs to a run with other data or settings; repeat that run's command, "
                "or remove the file to begin anew."
            )
        model.load_state_dict(_under("model.", tensors))
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _under("optimiser.", tensors).items():
            place, moment = name.split(".")
            moments.setdefault(int(place), {})[moment] = tensor
        groups = optimiser.state_dict()["param_groups"]
        optimiser.load_state_dict({"state": moments, "param_groups": groups})
        batches.restore(facts["batches"])
        _set_random_states(_under("random.", tensors), model.bias.device)
        return Progress(**facts["progress"], best_weights=_under("best.", tensors))

    def remove(self) -> None:
        """Forget the state of a run that has ended."""
        self.path.unlink(missing_ok=True)
        self.path.with_name(f"{self.path.name}.tmp").unlink(missing_ok=True)

    def _read(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        try:
            with safetensors.safe_open(self.path, "pt") as file:
                facts = json.loads(file.metadata()["run"])
                return facts, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
        except (OSError, ValueError, TypeError, KeyError, safetensors.SafetensorError) as error:
            raise StateError(f"{self.path} is not the state of a run; remove it to begin anew.") from error


def identity_of(
    fingerprint: str, model_config: SASRecConfig, config: TrainingConfig, parent: str | None
) -> str:
    """Return the sha256 of what a run is made of: data, settings, and the checkpoint it started from."""
    made_of = [fingerprint, asdict(model_config), asdict(config), parent]
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names begin so, without the beginning."""
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def _random_states(device: torch.device) -> dict[str, Tensor]:
    """Return the states by which a run on this device draws; several processes all have the same."""
    own = {"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {}
    return {"cpu": torch.get_rng_state()} | own


def _set_random_states(states: dict[str, Tensor], device: torch.device) -> None:
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
