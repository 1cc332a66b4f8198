"""What a checkpoint's files may be, looked at before anything in them is believed."""

import stat
from pathlib import Path
from typing import Any


def problem_of_files(path: Path) -> str | None:
    """Say what in a checkpoint directory is no plain file; None when all of it is.

    A link could lead out of the folder, and reading a pipe or a device would never end. Raises OSError.
    """
    for file in sorted(path.iterdir()):
        if not stat.S_ISREG(file.lstat().st_mode):
            return f"holds {file.name}, which is no plain file (a link, a folder, a pipe or a device)"
    return None


def problem_of_manifest(manifest: dict[str, Any]) -> str | None:
    """Say which entry of a manifest has another shape than `ml.checkpoint` writes; None when none has."""
    kinds = {
        "config": dict,
        "mix": dict,
        "data": dict,
        "training": dict,
        "metrics": dict,
        "version": str,
        "weights_sha256": str,
        "created": str,
        "parent": str | None,
        "git_revision": str | None,
    }
    wrong = [name for name, kind in kinds.items() if not isinstance(manifest[name], kind)]
    return f"has entries of another shape: {', '.join(wrong)}" if wrong else None
