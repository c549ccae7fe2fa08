# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the races need of other tests: sites of fake hosts, and the lab."""

import os
import random

from e2e.conftest import bring_up, lab
from functional.conftest import interpreter, make_site

__all__ = ["bring_up", "interpreter", "lab", "make_site"]

# Rounds on the fake driver, and on the lab.
ROUNDS = int(os.environ.get("NOVELLA_RACE_ROUNDS", "2"))
LAB_ROUNDS = int(os.environ.get("NOVELLA_RACE_LAB_ROUNDS", "3"))
SEED = int(os.environ.get("NOVELLA_RACE_SEED", random.SystemRandom().randrange(1, 1_000_000)))


def pytest_generate_tests(metafunc):
    """Give each round a seed; NOVELLA_RACE_SEED repeats the rounds from that one on."""
    rounds = LAB_ROUNDS if "lab" in metafunc.fixturenames else ROUNDS
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(SEED, SEED + rounds))
    # Half as many, for what is half as likely to go wrong in a new way.
    if "other_seed" in metafunc.fixturenames:
        metafunc.parametrize("other_seed", range(SEED, SEED + (rounds + 1) // 2))
