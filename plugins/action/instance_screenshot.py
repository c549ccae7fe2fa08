# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from ansible_collections.novella.compute.plugins.plugin_utils.host_action import HostAction
from ansible_collections.novella.compute.plugins.plugin_utils.private_file import holds, write_private


class ActionModule(HostAction):
    """Have the host take the picture, and write it on the controller."""

    def ask(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        answer = super().ask(arguments, variables)
        # It is long, and in the file.
        content = answer.pop("content", None)
        if answer.get("failed") or content is None:
            return answer
        dest = Path(self._loader.path_dwim(arguments["dest"]))
        png = base64.b64decode(content)
        answer["screenshot"]["dest"] = str(dest)
        try:
            answer["changed"] = not holds(dest, png)
            if answer["changed"] and not self._task.check_mode:
                write_private(dest, png)
        except OSError as error:
            reason = f"{dest} on the controller cannot be written: {error.strerror}."
            answer.update(failed=True, changed=False, msg=reason, code="OptionInvalid")
        return answer
