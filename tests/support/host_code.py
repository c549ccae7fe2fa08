# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules are made of, for a host of a lab, which need not see the checkout."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import ansible
from support.playbooks import ROOT

PARTS = ("plugins/modules", "plugins/module_utils")
# Compiled for the Python of the controller, which the host's need not be.
_COMPILED = shutil.ignore_patterns("__pycache__")


def copy_code(place: Path, programs: Iterable[Path]) -> None:
    """Copy the collection's part for hosts, what it takes from Ansible, and programs that use them.

    Args:
        place: A folder for them, named in PYTHONPATH where they are run.
        programs: Files of Python.
    """
    for part in PARTS:
        shutil.copytree(ROOT / part, place / "ansible_collections/novella/compute" / part, ignore=_COMPILED)
    own = Path(ansible.__file__).parent
    shutil.copytree(own / "module_utils", place / "ansible/module_utils", ignore=_COMPILED)
    (place / "ansible/__init__.py").touch()
    for program in programs:
        shutil.copy(program, place)
