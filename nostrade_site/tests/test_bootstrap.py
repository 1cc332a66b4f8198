"""Setting up an environment: installs once, and refuses with a sentence."""

import subprocess
import sys
from pathlib import Path

import pytest

from nostrade_site import bootstrap

SCRIPT = Path(bootstrap.__file__)


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "venv", "wanted.txt"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_it_installs_once_and_again_when_the_pins_change(tmp_path):
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("# nothing to download\n")
    first, second = run(tmp_path), run(tmp_path)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert "Making the virtual environment" in first.stdout
    assert second.stdout == ""
    wanted.write_text("# nothing else to download\n")
    third = run(tmp_path)
    assert "Installing wanted.txt" in third.stdout
    assert "Making" not in third.stdout


def test_it_mends_an_environment_whose_python_is_gone(tmp_path):
    (tmp_path / "wanted.txt").write_text("")
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").symlink_to("/nowhere/python")
    outcome = run(tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert (tmp_path / "venv" / "bin" / "python").exists()


def test_a_failed_install_is_said_and_tried_again(tmp_path):
    (tmp_path / "wanted.txt").write_text("./no-such-package\n")
    for outcome in (run(tmp_path), run(tmp_path)):
        assert outcome.returncode == 1
        assert "nostrade: installing wanted.txt failed" in outcome.stderr
        assert "Traceback" not in outcome.stderr


def test_it_rejects_missing_pins_with_a_sentence(tmp_path):
    outcome = run(tmp_path)
    assert outcome.returncode == 1
    assert outcome.stderr == "nostrade: wanted.txt: No such file or directory.\n"


def test_it_rejects_an_old_python(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    with pytest.raises(SystemExit, match=r"Python 3\.11 or newer is needed and this is 3\.9"):
        bootstrap.refuse_old_python()


def test_it_rejects_a_full_disk(monkeypatch):
    monkeypatch.setattr(bootstrap, "FREE_MEGABYTES", 10**9)
    with pytest.raises(SystemExit, match="installing needs about 1000000000 MB of free disk"):
        bootstrap.refuse_full_disk()


def test_it_rejects_a_python_without_venv(monkeypatch, tmp_path):
    monkeypatch.setattr(bootstrap.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="install its venv package"):
        bootstrap.make_environment(str(tmp_path / "venv"))
