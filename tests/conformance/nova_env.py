# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nova in an environment of its own, for whoever wants to stand beside it."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "nova-requirements.txt"
CACHE = HERE.parents[1] / ".cache"
NOVA_VENV = CACHE / "nova-venv"


class NovaMissing(Exception):
    """Nova could not be installed."""


def ensure_nova() -> Path:
    """Return the Python that has Nova; install it where it is missing or was installed for something else.

    Several processes may ask at once: one installs, the others wait.

    Raises:
        NovaMissing: pip could not install it.
    """
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "nova-venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_right():
            _install()
    return NOVA_VENV / "bin" / "python"


def _wanted() -> str:
    """Return what the environment is made of: it is right as long as this stays the same."""
    content = REQUIREMENTS.read_text(encoding="utf-8") + sys.version
    return hashlib.sha256(content.encode()).hexdigest()


def _stamp() -> Path:
    return NOVA_VENV / "novella.stamp"


def _is_right() -> bool:
    # The link is dead after the system's Python was replaced.
    python = NOVA_VENV / "bin" / "python"
    return _stamp().exists() and python.exists() and _stamp().read_text(encoding="utf-8") == _wanted()


def _install() -> None:
    print(f"Installing Nova into {NOVA_VENV} (once)", file=sys.stderr, flush=True)
    pip = [str(NOVA_VENV / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(NOVA_VENV)], check=True)
        subprocess.run([*pip, "install", "--no-deps", "--requirement", str(REQUIREMENTS)], check=True)
    except subprocess.CalledProcessError as exc:
        raise NovaMissing(
            f"Nova could not be installed: {exc}. If this machine cannot reach a package index, name one that it can "
            "in PIP_INDEX_URL, or a folder of wheels in PIP_FIND_LINKS with PIP_NO_INDEX=1."
        ) from exc
    _stamp().write_text(_wanted(), encoding="utf-8")


if __name__ == "__main__":
    print(ensure_nova())
