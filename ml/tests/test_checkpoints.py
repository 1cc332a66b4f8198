import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from ml.checkpoint import MANIFEST, WEIGHTS, Checkpoint, CheckpointError
from ml.config import SASREC_ALONE, SASRecConfig
from ml.history import History
from ml.id_maps import IdMap
from ml.item_item import ItemItem
from ml.ranker import Ranker
from ml.sasrec import SASRec
from ml.tests.conftest import MECHA, ROMANCE, rewrite


def test_save_and_load_are_bit_identical(trained, saved):
    loaded = Checkpoint.load(saved)
    assert loaded.config == trained.config
    assert loaded.id_map == trained.id_map
    assert loaded.weights.keys() == trained.weights.keys()
    assert all(torch.equal(loaded.weights[name], trained.weights[name]) for name in trained.weights)
    assert torch.equal(loaded.item_counts, trained.item_counts)
    assert loaded.mix == trained.mix
    assert loaded.item_item.tensors.keys() == trained.item_item.tensors.keys()
    assert all(torch.equal(loaded.item_item.tensors[n], t) for n, t in trained.item_item.tensors.items())
    history = History.of(ROMANCE[:3])
    before, after = Ranker(trained).rank(history, 5), Ranker.load(saved).rank(history, 5)
    assert [item.item_id for item in after] == [item.item_id for item in before]
    # the last bit of a product depends on where in memory a table begins
    assert [item.score for item in after] == pytest.approx([item.score for item in before], abs=1e-5)
    assert Ranker.load(saved).version == loaded.version


def test_half_precision_is_small_and_stable(trained, saved, tmp_path):
    trained.save(tmp_path / "half", half=True)
    sizes = [(path / WEIGHTS).stat().st_size for path in (tmp_path / "half", saved)]
    assert sizes[0] < 0.6 * sizes[1]
    loaded = Checkpoint.load(tmp_path / "half")
    assert {weight.dtype for weight in loaded.weights.values()} == {torch.float32}
    again = loaded.save(tmp_path / "again", half=True)
    assert again.version == loaded.version


def test_what_made_it_is_written_down(saved):
    manifest = json.loads((saved / MANIFEST).read_text())
    assert len(manifest["data"]["fingerprint"]) == 64
    assert manifest["training"]["seed"] == 0
    assert manifest["created"]
    assert len(manifest["git_revision"] or "0" * 40) == 40


def test_a_version_covers_the_mix_the_config_and_the_ids(trained, saved, tmp_path):
    version = Checkpoint.load(saved).version
    assert trained.save(tmp_path / "same").version == version
    others = {
        "mix": replace(trained, mix=SASREC_ALONE),
        "config": replace(trained, config=replace(trained.config, context=("time",))),
        "ids": replace(trained, id_map=IdMap(trained.id_map.ids[::-1])),
        "weights": replace(trained, weights=trained.weights | {"bias": trained.weights["bias"] + 1}),
    }
    versions = {other.save(tmp_path / name).version for name, other in others.items()}
    assert len(versions | {version}) == 5


def test_a_checkpoint_is_never_overwritten(trained, fresh):
    with pytest.raises(FileExistsError, match="exists already"):
        trained.save(fresh)
    assert [path.name for path in fresh.parent.iterdir()] == ["it"]


def test_a_failed_save_leaves_nothing(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(Checkpoint, "manifest", lambda self, digest: {"unfit": object()})
    with pytest.raises(TypeError):
        trained.save(tmp_path / "it")
    assert list(tmp_path.iterdir()) == []


def test_extension_keeps_old_rows_bit_identical_and_old_scores(trained):
    longer = trained.extended((999, ROMANCE[0], 998))
    assert longer.id_map.ids == (*trained.id_map.ids, 999, 998)
    assert torch.equal(longer.weights["items.weight"][:-2], trained.weights["items.weight"])
    states = torch.randn(3, trained.config.width)
    old, new = (checkpoint.model().score(states) for checkpoint in (trained, longer))
    # a wider matrix product may round the last bit otherwise; the rows and the sums behind it are the same
    torch.testing.assert_close(old[:, 1:], new[:, 1:-2], rtol=0, atol=1e-6)
    tables = [checkpoint.weights["items.weight"][1:31] for checkpoint in (trained, longer)]
    assert torch.equal(*((states[:, None] * table).sum(-1) for table in tables))
    history = History.of(MECHA[:4])
    order = [item.item_id for item in Ranker(trained).rank(history, 9)]
    ranked = Ranker(longer).rank(history, 11)
    assert [item.item_id for item in ranked if item.item_id < 900][:9] == order


def damage_truncated(path):
    blob = (path / WEIGHTS).read_bytes()
    (path / WEIGHTS).write_bytes(blob[: len(blob) // 2])


def damage_wrong_hash(path):
    rewrite(path, weights_sha256="0" * 64)


def damage_format(path):
    rewrite(path, format_version=99)


def damage_unknown_entry(path):
    rewrite(path, surprise=1)


def damage_config(path):
    rewrite(path, config={"width": 16})


def damage_mix(path):
    rewrite(path, mix={"coherence": [0.1, 0.1], "sasrec": [1, 1], "sparse": [0, 0], "spectral": [0, 0]})


def damage_mix_silently(path):
    rewrite(path, mix={"coherence": [0.1], "sasrec": [1.0], "sparse": [0.0], "spectral": [0.0]})


def damage_config_silently(path):
    config = json.loads((path / MANIFEST).read_text())["config"]
    rewrite(path, config=config | {"context": ["time"]})


def damage_ids_silently(path):
    ids = json.loads((path / "id_map.json").read_text())
    (path / "id_map.json").write_text(json.dumps(ids[::-1]))


def damage_missing_weights(path):
    (path / WEIGHTS).unlink()


def damage_missing_manifest(path):
    (path / MANIFEST).unlink()


def damage_json(path):
    (path / MANIFEST).write_text("{")


def damage_id_map(path):
    (path / "id_map.json").write_text("[1, 2, 3]")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_truncated, "do not match their sha256"),
        (damage_wrong_hash, "do not match their sha256"),
        (damage_format, "has format 99"),
        (damage_unknown_entry, "unknown entries .'surprise'"),
        (damage_config, "config names differ"),
        (damage_mix, "coherences of a mix must rise"),
        (damage_mix_silently, "a mix that do not match its version"),
        (damage_config_silently, "a config or a mix that do not match its version"),
        (damage_ids_silently, "has ids, a config or a mix that do not match"),
        (damage_missing_weights, "is not complete"),
        (damage_missing_manifest, "is not complete"),
        (damage_json, "is not complete"),
        (damage_id_map, "has 3 ids for 30 titles"),
    ],
)
def test_a_damaged_checkpoint_is_refused_with_what_to_do(fresh, damage, message):
    damage(fresh)
    with pytest.raises(CheckpointError, match=message) as refusal:
        Checkpoint.load(fresh)
    assert "train a new one with python -m ml.train" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_foreign_file_is_refused(tmp_path):
    (tmp_path / "foreign").write_text("hello")
    for path in (tmp_path / "foreign", tmp_path / "nothing"):
        with pytest.raises(CheckpointError, match="is not complete"):
            Checkpoint.load(path)


def resave(path, tensors):
    """Write other tensors with a hash that fits, as a faulty program would."""
    blob = safetensors.torch.save(tensors)
    (path / WEIGHTS).write_bytes(blob)
    rewrite(path, weights_sha256=hashlib.sha256(blob).hexdigest())


def test_weights_that_are_not_finite_are_refused(trained, fresh, tmp_path):
    tensors = safetensors.torch.load((fresh / WEIGHTS).read_bytes())
    tensors["bias"][3] = float("nan")
    resave(fresh, tensors)
    with pytest.raises(CheckpointError, match="not finite in bias"):
        Checkpoint.load(fresh)
    broken = trained.weights | {"bias": trained.weights["bias"] * float("inf")}
    with pytest.raises(CheckpointError, match="not finite"):
        replace(trained, weights=broken).save(tmp_path / "inf")


def test_missing_strange_and_misshapen_tensors_are_refused(fresh):
    tensors = safetensors.torch.load((fresh / WEIGHTS).read_bytes())
    missing = {name: tensor for name, tensor in tensors.items() if name != "bias"}
    strange = tensors | {"extra": torch.zeros(1)}
    misshapen = tensors | {"bias": torch.zeros(3)}
    term = "item_item.targets"
    outside = tensors | {term: tensors[term] + 1}
    short = tensors | {term: tensors[term][1:]}
    untermed = {name: tensor for name, tensor in tensors.items() if name != term}
    for wrong, name in (
        (missing, "bias"),
        (strange, "extra"),
        (misshapen, "bias"),
        (outside, term),
        (short, "item_item.offsets"),
        (untermed, term),
    ):
        resave(fresh, wrong)
        with pytest.raises(CheckpointError, match=f"do not fit its config: {name}"):
            Checkpoint.load(fresh)


@pytest.fixture
def wide(tmp_path):
    """Save a checkpoint whose title table, 16 MB in float16, is most of it."""
    config = SASRecConfig(16_000, width=512, n_blocks=1, hidden_ratio=1)
    ids, counts = IdMap(range(1, 16_001)), torch.ones(16_001, dtype=torch.int64)
    term = ItemItem.nothing(16_000)
    checkpoint = Checkpoint(config, ids, SASRec(config).state_dict(), counts, term, SASREC_ALONE)
    checkpoint.save(tmp_path / "wide", half=True)
    return tmp_path / "wide"


def own_memory():
    """Return how many bytes of this process no other can share."""
    try:
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    except OSError:
        pytest.skip("only Linux tells what memory is shared")
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))


def test_a_mapped_title_table_is_no_memory_of_this_process(wide):
    table = 16_001 * 512 * 2
    before = own_memory()
    mapped = Checkpoint.mapped(wide)
    assert mapped.weights["items.weight"].dtype == torch.float16
    assert own_memory() - before < table / 2
    copied = Checkpoint.load(wide)  # in float32, for training
    assert own_memory() - before > 1.5 * table
    assert torch.equal(mapped.weights["items.weight"].float(), copied.weights["items.weight"])
    assert mapped.version == copied.version


def test_a_served_model_reads_the_mapped_table_and_says_the_same(wide):
    mapped, copied = Checkpoint.mapped(wide), Checkpoint.load(wide)
    served = mapped.served_model()
    assert served.items.weight.data_ptr() == mapped.weights["items.weight"].data_ptr()
    history = History.of([3, 500, 9_000])
    ours, theirs = (Ranker(checkpoint).scores([history]) for checkpoint in (mapped, copied))
    assert np.array_equal(np.isneginf(ours), np.isneginf(theirs))
    np.testing.assert_allclose(ours[np.isfinite(ours)], theirs[np.isfinite(theirs)], rtol=0, atol=1e-4)


def test_a_removed_checkpoint_keeps_serving(trained, tmp_path):
    trained.save(tmp_path / "gone", half=True)
    ranker, history = Ranker.load(tmp_path / "gone"), History.of(MECHA[:3])
    before = ranker.rank(history, 5)
    shutil.rmtree(tmp_path / "gone")
    assert ranker.rank(history, 5) == before


def test_a_trained_model_is_a_copy(wide):
    mapped = Checkpoint.load(wide)
    with torch.no_grad():
        mapped.model().bias.add_(1)
    assert not mapped.weights["bias"].any()
