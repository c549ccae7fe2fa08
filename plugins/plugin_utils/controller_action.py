# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of actions that run on the controller alone."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible.plugins.action import ActionBase
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    NovellaError,
    OptionInvalid,
    nearest,
)

from .controller_input import to_plain


class ControllerAction(ActionBase):
    """Check the arguments, act, and turn Novella's errors into results. No host is connected to.

    Attributes:
        SPEC: The argument spec.
    """

    TRANSFERS_FILES = False
    _requires_connection = False

    SPEC: ClassVar[dict[str, dict[str, Any]]] = {}

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            result.update(self.act(self._read_arguments(), task_vars or {}))
        except NovellaError as error:
            result.update(failed=True, changed=False, msg=str(error), code=error.code)
        return result

    def act(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Do the work.

        Args:
            arguments: Checked, with their defaults, and plain but for those of type raw.
            variables: The task's.

        Returns:
            What to add to the result.

        Raises:
            NovellaError: It cannot be done.
        """
        raise NotImplementedError  # a subclass without it is a defect, and says so

    def _read_arguments(self) -> dict[str, Any]:
        for name in self._task.args:
            if name not in self.SPEC:
                raise OptionInvalid(
                    f"{self._task.action} has no option '{name}'.{nearest(name, list(self.SPEC))}",
                    f"Known are {', '.join(self.SPEC)}.",
                )
        _validated, arguments = self.validate_argument_spec(self.SPEC)
        # A fleet is read by its loader, which tells its faults better.
        return {
            name: value if self.SPEC[name]["type"] == "raw" else to_plain(value, name)
            for name, value in arguments.items()
        }
