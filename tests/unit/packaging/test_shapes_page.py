# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of docs/flavors-and-images.md. ``NOVELLA_REGENERATE=1 pytest …`` writes them anew."""

import os
import re
from pathlib import Path

from ansible_collections.novella.compute.plugins.module_utils.virt.shape import table

PAGE = Path(__file__).parents[3] / "docs/flavors-and-images.md"


def code(key: str) -> str:
    return f"`{key}`" if key else ""


def keys() -> str:
    lines = ["| extra spec | image property | values | what comes of it |", "| --- | --- | --- | --- |"]
    lines += [f"| {code(spec)} | {code(prop)} | {values} | {does} |" for spec, prop, values, does in table.rows()]
    return "\n".join(lines)


def refused() -> str:
    lines = ["| key | why |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {code(key)} | {why} |" for key, why in table.refused_rows())])


def test_the_page_has_a_row_for_every_key() -> None:
    page = PAGE.read_text()
    for name, rows in (("keys", keys()), ("refused", refused())):
        pattern = rf"(<!-- table: {name} -->\n).*?(<!-- end -->)"
        page = re.sub(pattern, lambda match, rows=rows: f"{match[1]}\n{rows}\n\n{match[2]}", page, flags=re.DOTALL)
    if os.environ.get("NOVELLA_REGENERATE"):
        PAGE.write_text(page)
    assert PAGE.read_text() == page


def test_no_key_is_both_honoured_and_refused() -> None:
    honoured = {*table.known_keys(True), *table.known_keys(False)}
    assert honoured & {key for key, _why in table.refused_rows()} == set()
    assert len({wish.name for wish in table.WISHES}) == len(table.WISHES)
