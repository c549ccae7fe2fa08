# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_module
short_description: Run a module of this collection by the code that its host keeps
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - The actions of this collection's modules reach their hosts by this one. There is no reason to use it in a playbook.
  - A module is sent to its host with all that it imports, which Ansible looks up, and the host compiles, in every run.
    Of this collection's modules that takes longer than most of their work. So a host keeps their code, in a folder that
    is named by its digest, and is sent no more than this module.
  - Code that was not used for 30 days is removed when other code comes.
extends_documentation_fragment:
  - novella.compute.attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode the host keeps no code that it has not; it is used from where it was sent to.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  module:
    description:
      - The name of a module of this collection, without the collection's.
    type: str
    required: true
  arguments:
    description:
      - Its options.
    type: dict
    required: true
  code:
    description:
      - The folder that its code is in, or is to be kept in.
    type: path
    required: true
  archive:
    description:
      - A zip file on the host with the code, which is unpacked into O(code). Without it the code must be there.
    type: path
"""

EXAMPLES = r"""
- name: Read this host as compute_node_facts does
  novella.compute.host_module:
    module: compute_node_facts
    arguments:
      host: "{{ inventory_hostname }}"
    code: /var/lib/novella/code/9b74c9897bac770ffc029102a200c5de
"""

RETURN = r"""
is_missing:
  description: Whether the host has not got the code. Otherwise all that is returned is the other module's.
  returned: when O(code) is not there, and no O(archive) is given
  type: bool
  sample: true
"""

import contextlib
import importlib
import os
import shutil
import tempfile
import time
from pathlib import Path
from types import ModuleType

from ansible.module_utils import basic

COLLECTION = "ansible_collections.novella.compute"
DAY = 24 * 60 * 60
UNUSED = 30 * DAY
# How the names of what is not whole begin.
HALF = ".new-"


def main() -> None:
    module = basic.AnsibleModule(
        argument_spec={
            "module": {"type": "str", "required": True},
            # Secrets may be among them: their module says which, and logs the others.
            "arguments": {"type": "dict", "required": True, "no_log": True},
            "code": {"type": "path", "required": True},
            "archive": {"type": "path"},
        },
        supports_check_mode=True,
    )
    # What Ansible says to every module beside its options.
    context = {key: value for key, value in basic._load_params().items() if key.startswith("_ansible_")}
    name, code, archive = module.params["module"], Path(module.params["code"]), module.params["archive"]
    if not name.isidentifier():
        module.fail_json(msg=f"'{name}' is no module of this collection.")
    if code.is_dir():
        _keep_from_removal(code)
    elif archive is None:
        module.exit_json(changed=False, is_missing=True)
    elif module.check_mode or not _unpack(archive, code):
        code = Path(archive)
    arguments = {**module.params["arguments"], **context, "_ansible_module_name": f"novella.compute.{name}"}
    # Where AnsibleModule has its options from.
    basic._load_params = lambda: arguments
    _import(name, code).main()


def _import(name: str, code: Path) -> ModuleType:
    """Return a module, imported from a folder or an archive, though Ansible has packages of these names."""
    for package in (f"{COLLECTION}.plugins", f"{COLLECTION}.plugins.modules"):
        found = importlib.import_module(package)
        found.__path__ = [str(code.joinpath(*package.split("."))), *found.__path__]
    return importlib.import_module(f"{COLLECTION}.plugins.modules.{name}")


def _unpack(archive: str, code: Path) -> bool:
    """Keep the code from now on. It is whole or it is not there, whoever else does the same, and whenever this ends.

    Returns:
        Whether the host has room and leave for it.
    """
    # Only the first run needs it.
    import zipfile

    around, folder = code.parent, None
    try:
        around.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_unused(around)
        folder = tempfile.mkdtemp(dir=around, prefix=HALF)
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
        # A host that loses its power must not be left with files that have names and nothing in them.
        os.sync()
        with contextlib.suppress(OSError):  # another run was faster, and the same code is there
            Path(folder).rename(code)
    except (OSError, zipfile.BadZipFile):
        pass
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    return code.is_dir()


def _keep_from_removal(code: Path) -> None:
    with contextlib.suppress(OSError):
        if time.time() - code.stat().st_mtime > DAY:
            os.utime(code)


def _remove_unused(around: Path) -> None:
    for entry in around.iterdir():
        unused = time.time() - entry.lstat().st_mtime
        if unused > (DAY if entry.name.startswith(HALF) else UNUSED):
            shutil.rmtree(entry, ignore_errors=True)


if __name__ == "__main__":
    main()
