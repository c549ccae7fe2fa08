# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NumPy, where the controller has it, and the names of its arrays here.

Plugins must be importable without it, for ansible-doc and for ansible-test; who schedules is told what is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import NotSupported

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Rows = NDArray[np.intp]
    Column = NDArray[np.float64]
else:
    try:
        import numpy as np
    except ImportError:
        np = None
    Mask = Rows = Column = NDArray = Any

__all__ = ["Column", "Mask", "NDArray", "Rows", "np", "require_numpy"]


def require_numpy() -> None:
    """Do nothing where NumPy is there.

    Raises:
        NotSupported: It is missing.
    """
    if np is None:
        raise NotSupported(
            "The scheduler needs the Python library numpy on the controller.",
            "Install it beside ansible-core: pip install numpy.",
        )
