"""A checkpoint: an immutable directory of weights (safetensors) and what is needed to use them (JSON)."""

import hashlib
import json
import shutil
import subprocess
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from ml.checkpoint_files import problem_of_files, problem_of_manifest
from ml.config import SASREC_ALONE, Mix, SASRecConfig
from ml.directories import new_directory
from ml.id_maps import IdMap
from ml.item_item import ItemItem
from ml.sasrec import SASRec
from ml.shapes import without_weights

FORMAT_VERSION = 4
WEIGHTS, MANIFEST, ID_MAP = "weights.safetensors", "checkpoint.json", "id_map.json"
COUNTS = "item_counts"  # beside the model's tensors: people per title in training, (N + 1,)
TITLES = "items.weight"  # the table of title vectors, (N + 1, D)
TERM = "item_item."  # before the names of the item-item term's tensors
PIECE = 2**20  # numbers looked at together: a large table is checked without a copy of it
KEYS = {
    "format_version",
    "config",
    "mix",
    "version",
    "weights_sha256",
    "created",
    "git_revision",
    "parent",
    "data",
    "training",
    "metrics",
}


class CheckpointError(ValueError):
    """A checkpoint cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """A trained model, with its titles and where it comes from.

    Weights are float32, or as they are stored where they are mapped from a file for serving. `item_counts`
    (N + 1,) int64 are the people per title in training, the cold-start answer. `mix` says what the model and
    the item-item term count, by the coherence of a history. `version` is a sha256 over all that decides a
    ranking (weights, ids, config and mix), empty until saved or loaded; `parent` the version it was
    fine-tuned from.
    """

    config: SASRecConfig
    id_map: IdMap
    weights: dict[str, Tensor]
    item_counts: Tensor
    item_item: ItemItem
    mix: Mix = SASREC_ALONE
    data: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    parent: str | None = None
    version: str = ""
    created: str = ""

    def model(self) -> SASRec:
        """Build the model with a copy of these weights, in evaluation mode."""
        model = SASRec(self.config)
        model.load_state_dict(self.weights)
        return model.eval()

    def served_model(self) -> SASRec:
        """Build the model for reading only, upon this very table of titles, float16 or not."""
        weights = {n: t if n == TITLES else t.to(torch.float32, copy=True) for n, t in self.weights.items()}
        model = without_weights(self.config)
        model.load_state_dict(weights, assign=True)
        return model.eval().requires_grad_(False)

    def as_float32(self) -> "Checkpoint":
        """Widen what is stored as float16."""
        weights = {name: tensor.float() for name, tensor in self.weights.items()}
        return replace(self, weights=weights, item_item=self.item_item.as_float32())

    def extended(self, item_ids: tuple[int, ...]) -> "Checkpoint":
        """Add titles. Old rows stay bit-identical; a new title starts as the average and the rarest one.

        The item-item term says nothing about it.
        """
        id_map = self.id_map.extend(item_ids)
        n_new = len(id_map) - len(self.id_map)
        if not n_new:
            return self
        table, bias = self.weights[TITLES], self.weights["bias"]
        rows = table[1:].mean(0, keepdim=True).expand(n_new, -1)
        weights = self.weights | {
            TITLES: torch.cat([table, rows]),
            "bias": torch.cat([bias, bias[1:].min().expand(n_new)]),
        }
        counts = torch.cat([self.item_counts, self.item_counts.new_zeros(n_new)])
        config = replace(self.config, n_items=len(id_map))
        return replace(
            self,
            config=config,
            id_map=id_map,
            weights=weights,
            item_counts=counts,
            item_item=self.item_item.extended(n_new),
            version="",
        )

    def save(self, path: Path, half: bool = False) -> "Checkpoint":
        """Write the directory atomically and return the checkpoint with its version.

        With `half` floating-point weights are stored as float16 (half the size; loaded as float32). Raises
        FileExistsError when `path` exists and CheckpointError when a weight is not finite.
        """
        dtype = torch.float16 if half else torch.float32
        term = {TERM + name: tensor for name, tensor in self.item_item.tensors.items()}
        tensors = {
            name: (tensor.to(dtype) if tensor.is_floating_point() else tensor).contiguous()
            for name, tensor in (self.weights | term).items()
        }
        _refuse_not_finite(path, tensors)
        blob = safetensors.torch.save(tensors | {COUNTS: self.item_counts})
        created = datetime.now(UTC).isoformat(timespec="seconds")
        digest = hashlib.sha256(blob).hexdigest()
        saved = replace(self, version=version_of(digest, self.id_map, self.config, self.mix), created=created)
        with new_directory(path) as draft:
            (draft / WEIGHTS).write_bytes(blob)
            (draft / ID_MAP).write_text(json.dumps(list(self.id_map.ids)) + "\n")
            (draft / MANIFEST).write_text(json.dumps(saved.manifest(digest), indent=1) + "\n")
        return saved

    def manifest(self, digest: str) -> dict[str, Any]:
        """Return `checkpoint.json`; `digest` is the sha256 of the weights file."""
        return {
            "format_version": FORMAT_VERSION,
            "config": self.config.to_dict(),
            "mix": asdict(self.mix),
            "version": self.version,
            "weights_sha256": digest,
            "created": self.created,
            "git_revision": git_revision(),
            "parent": self.parent,
            "data": self.data,
            "training": self.training,
            "metrics": self.metrics,
        }

    @classmethod
    def load(cls, path: Path | str) -> "Checkpoint":
        """Read what `save` wrote, in float32. Raises CheckpointError like `mapped`."""
        return cls.mapped(path).as_float32()

    @classmethod
    def mapped(cls, path: Path | str) -> "Checkpoint":
        """Map what `save` wrote, numbers as stored: all processes of a host share one copy in memory.

        Nobody may write into the file afterwards; to remove the directory does no harm. Raises
        CheckpointError, saying what to do, when anything is not right.
        """
        path = Path(path)
        manifest, ids = _read(path)
        _refuse_other_formats(path, manifest)
        try:
            config, id_map, mix = (
                SASRecConfig.from_dict(manifest["config"]),
                IdMap(ids),
                Mix(**manifest["mix"]),
            )
            tensors = safetensors.torch.load_file(path / WEIGHTS)  # mapped, and no page is read yet
        except (ValueError, TypeError, OverflowError, SafetensorError) as error:
            raise _error(path, f"cannot be read ({error})") from error
        term = ItemItem({n.removeprefix(TERM): tensors.pop(n) for n in list(tensors) if n.startswith(TERM)})
        _refuse_strangers(path, config, id_map, tensors)
        if problem := term.problem(config.n_items):
            raise _error(path, f"has tensors that do not fit its config: {problem}")
        counts = tensors.pop(COUNTS)
        _refuse_not_finite(path, tensors | term.tensors)
        if version_of(manifest["weights_sha256"], id_map, config, mix) != manifest["version"]:
            raise _error(path, "has ids, a config or a mix that do not match its version: a file was changed")
        return cls(
            config,
            id_map,
            tensors,
            counts,
            term,
            mix,
            manifest["data"],
            manifest["training"],
            manifest["metrics"],
            manifest["parent"],
            manifest["version"],
            manifest["created"],
        )


def version_of(digest: str, id_map: IdMap, config: SASRecConfig, mix: Mix) -> str:
    """Return the sha256 (hex) of all that decides a ranking; `digest` is that of the weights file."""
    content = {"weights": digest, "ids": id_map.ids, "config": config.to_dict(), "mix": asdict(mix)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def git_revision() -> str | None:
    """Return the commit of this code, or None outside a git checkout."""
    git = shutil.which("git")
    if git is None:
        return None
    answer = subprocess.run(
        [git, "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None


def _error(path: Path, what: str) -> CheckpointError:
    return CheckpointError(
        f"Checkpoint {path} {what}; restore it or train a new one with python -m ml.train."
    )


def _read(path: Path) -> tuple[dict[str, Any], list[int]]:
    """Read the two files of JSON as they are."""
    try:
        problem = problem_of_files(path)
    except OSError as error:
        raise _error(path, f"is not complete ({type(error).__name__}: {error})") from error
    if problem:
        raise _error(path, problem)
    try:
        manifest = json.loads((path / MANIFEST).read_text())
        ids = json.loads((path / ID_MAP).read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise _error(path, f"is not complete ({type(error).__name__}: {error})") from error
    if not isinstance(manifest, dict) or not isinstance(ids, list):
        raise _error(path, "has JSON of another shape")
    return manifest, ids


def _refuse_other_formats(path: Path, manifest: dict[str, Any]) -> None:
    """Raise CheckpointError unless the entries are this format's and the weights are those written."""
    if manifest.get("format_version") != FORMAT_VERSION:
        raise _error(path, f"has format {manifest.get('format_version')!r}, this code reads {FORMAT_VERSION}")
    if set(manifest) != KEYS:
        raise _error(path, f"has missing or unknown entries {sorted(set(manifest) ^ KEYS)}")
    if problem := problem_of_manifest(manifest):
        raise _error(path, problem)
    try:
        digest = _sha256(path / WEIGHTS)
    except OSError as error:
        raise _error(path, f"is not complete ({type(error).__name__}: {error})") from error
    if digest != manifest["weights_sha256"]:
        raise _error(path, "has weights that do not match their sha256: the file was cut short or changed")


def _refuse_strangers(path: Path, config: SASRecConfig, id_map: IdMap, tensors: dict[str, Tensor]) -> None:
    """Raise CheckpointError unless names and shapes are exactly those of the config."""
    if len(id_map) != config.n_items:  # first: what follows makes room for them
        raise _error(path, f"has {len(id_map)} ids for {config.n_items} titles")
    wanted = {name: tuple(tensor.shape) for name, tensor in without_weights(config).state_dict().items()}
    wanted[COUNTS] = (config.n_items + 1,)
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if found != wanted:
        wrong = sorted({name for name, _ in found.items() ^ wanted.items()})
        raise _error(path, f"has tensors that do not fit its config: {', '.join(wrong)}")


def _sha256(path: Path) -> str:
    """Hash a file piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_not_finite(path: Path, tensors: dict[str, Tensor]) -> None:
    """Raise CheckpointError when a weight is NaN or infinite."""
    for name, tensor in tensors.items():
        pieces = tensor.flatten().chunk(tensor.numel() // PIECE + 1) if tensor.is_floating_point() else ()
        if not all(piece.isfinite().all() for piece in pieces):
            raise _error(path, f"has a weight that is not finite in {name}")
