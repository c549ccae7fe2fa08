# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Line numbers of what a file declares, in the shape of the content."""

from __future__ import annotations

from dataclasses import dataclass

from .wording import Path


@dataclass(frozen=True, slots=True)
class Mark:
    """The line of a key or list item, and the marks of what it holds."""

    line: int
    children: dict[str, Mark] | list[Mark] | None = None

    def line_of(self, path: Path) -> int:
        """Return the line of the value at `path`; where the path ends early, the line of the last step there is."""
        mark = self
        for step in path:
            found = mark._child(step)
            if found is None:
                break
            mark = found
        return mark.line

    def _child(self, step: str | int) -> Mark | None:
        if isinstance(self.children, dict) and isinstance(step, str):
            return self.children.get(step)
        if isinstance(self.children, list) and isinstance(step, int) and step < len(self.children):
            return self.children[step]
        return None
