# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a silent host may be holding. Unreachable is not absent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from .observation import Observation
from .survey import join


def where_it_may_be(uuid: str, observation: Observation) -> Optional[str]:
    """Return where among the silent hosts an instance is or may be, as a sentence goes on; None if on none of them.

    The others remember what was on a host when a run ended, and what was about to be made there. Of a host that none of
    them was ever told of, anything may be there.
    """
    if not observation.unreachable:
        return None
    remembered = observation.remembered
    if remembered is not None and uuid in remembered.instances:
        host = remembered.instances[uuid].host
        return f"was last on {host}, which did not answer ({observation.unreachable[host]})"
    strange = list(observation.unreachable) if remembered is None else remembered.strange
    return f"may be on {_name(strange, observation)}" if strange else None


def _name(silent: Sequence[str], observation: Observation) -> str:
    if len(silent) == 1:
        return f"{silent[0]}, which did not answer ({observation.unreachable[silent[0]]})"
    if len(silent) <= 3:
        return f"one of {join(list(silent))}, which did not answer"
    return f"one of the {len(silent)} hosts that did not answer"
