# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads options that give names a ratio each, as nova.conf writes them: ``name1=1.0, name2=-0.5``."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid


def read_ratios(setting: Iterable[str], option: str) -> dict[str, float]:
    """Return the ratio of each name.

    Args:
        setting: Elements of the form ``name=ratio``.
        option: How a message names the option.

    Raises:
        OptionInvalid: An element cannot be read, or names something a second time.
    """
    ratios: dict[str, float] = {}
    for element in setting:
        name, _equals, number = (part.strip() for part in element.partition("="))
        if name in ratios:
            raise OptionInvalid(f"{option} names {name} twice.")
        try:
            ratio = float(number)
        except ValueError:
            ratio = math.nan
        if not name or not math.isfinite(ratio):
            raise OptionInvalid(f"{option} has the element {element!r:.60}.", "Write it as name=ratio, such as a=1.5.")
        ratios[name] = ratio
    return ratios
