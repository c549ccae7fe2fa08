# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from collections.abc import Iterator

import pytest
from conformance.nova_process import NovaProcess


@pytest.fixture(scope="session")
def nova() -> Iterator[NovaProcess]:
    """Nova's side, started once for all scenarios."""
    with NovaProcess() as process:
        yield process
