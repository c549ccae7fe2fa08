# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages that would quietly go out of step with the code."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def test_every_dependency_has_its_reason_and_no_other_has() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    names = {re.split(r"[<>=!~\[; ]", requirement)[0] for requirement in declared}
    page = (ROOT / "docs" / "dependencies.md").read_text()
    explained = re.findall(r"^- `([^`]+)`.*", page, flags=re.MULTILINE)
    # The hosts' distributions bring the one, and the tests install the other beside Novella.
    assert sorted(explained) == sorted(names | {"libvirt-python", "nova"})


def test_the_readme_has_absolute_links_only() -> None:
    links = LINK.findall((ROOT / "README.md").read_text())
    assert links
    assert [link for link in links if not link.startswith("https://")] == []


def test_links_between_pages_lead_somewhere() -> None:
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "CONTRIBUTING.md"]
    broken = [
        f"{page.name}: {link}"
        for page in pages
        for link in LINK.findall(page.read_text())
        if not link.startswith(("https://", "#")) and not (page.parent / link.split("#")[0]).exists()
    ]
    assert broken == []


def test_every_page_that_the_readme_names_is_there() -> None:
    pages = re.findall(r"/blob/main/([^)#]+)", (ROOT / "README.md").read_text())
    assert pages
    assert [page for page in pages if not (ROOT / page).is_file()] == []


def test_every_make_target_in_the_pages_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    named = {name for page in pages for name in re.findall(r"(?:`|^|&& )make ([a-z0-9-]+)", page.read_text(), re.M)}
    assert named
    assert named - targets == set()
