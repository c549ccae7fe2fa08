# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks a fleet's structure against its JSON Schema, which is the truth about it."""

from __future__ import annotations

import functools
import json
from pathlib import Path as FilePath
from typing import Any

from .draft import Draft
from .faults import Faults
from .sentences import translate

SCHEMA_FILE = FilePath(__file__).with_name("fleet.schema.json")


def check_structure(draft: Draft, faults: Faults) -> None:
    """Add a fault for everything that the schema refuses."""
    for error in _validator().iter_errors(draft.content):
        for sentence in translate(error):
            faults.add(draft.place(sentence.path), sentence.path, sentence.text, sentence.joint)


@functools.cache
def _validator() -> Any:
    # Takes 0.1 s to load: only who reads a fleet pays for it.
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(SCHEMA_FILE.read_text("utf-8")))
