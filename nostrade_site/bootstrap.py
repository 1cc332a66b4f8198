"""Makes a virtual environment and installs into it: `python3 nostrade_site/bootstrap.py VENV REQUIREMENTS`.

Runs on the system's Python before anything is installed, so: standard library only, and syntax that a Python
too old for the site can still read. A stamp beside what it installed makes every later call take no time.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from typing import NoReturn

FREE_MEGABYTES = 3000


def main(venv: str, requirements: str) -> None:
    refuse_old_python()
    with open(requirements, "rb") as file:
        wanted = hashlib.sha256(file.read()).hexdigest()
    python = os.path.join(venv, "bin", "python")
    works = os.path.exists(python) and subprocess.call([python, "-c", ""], stderr=subprocess.DEVNULL) == 0
    stamp = os.path.join(venv, requirements.replace(os.sep, "-") + ".sha256")
    if works and os.path.exists(stamp) and open(stamp).read() == wanted:
        return
    refuse_full_disk()
    if not works:
        make_environment(venv)
    print("Installing %s into %s (the first time this downloads some hundred MB)" % (requirements, venv))
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--requirement", requirements]
    if subprocess.call(pip) != 0:
        stop(
            "installing %s failed; pip's last lines above say why. Run the same command again." % requirements
        )
    with open(stamp, "w") as file:
        file.write(wanted)


def refuse_old_python() -> None:
    if sys.version_info < (3, 11):
        stop(
            "Python 3.11 or newer is needed and this is %d.%d: PYTHON=python3.12 make run"
            % sys.version_info[:2]
        )


def refuse_full_disk() -> None:
    free = shutil.disk_usage(".").free // 2**20
    if free < FREE_MEGABYTES:
        stop(
            "installing needs about %d MB of free disk and there are %d MB: make room."
            % (FREE_MEGABYTES, free)
        )


def make_environment(venv: str) -> None:
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        stop("this Python cannot make virtual environments: install its venv package (Debian: python3-venv).")
    print("Making the virtual environment %s" % venv)
    if subprocess.call([sys.executable, "-m", "venv", "--clear", venv]) != 0:
        stop("%s could not be made; the lines above say why." % venv)


def stop(sentence: str) -> NoReturn:
    sys.exit("nostrade: " + sentence)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        stop("interrupted; run the same command again.")
    except OSError as error:
        stop("%s: %s." % (error.filename, error.strerror))
