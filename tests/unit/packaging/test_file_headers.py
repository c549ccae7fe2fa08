# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every file says whose it is and under which licence: code by itself, the rest through REUSE.toml."""

import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[3]
HEADER = (
    "Copyright (c) 2026, The Novella team",
    "GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "SPDX-License-Identifier: GPL-3.0-or-later",
)
# Made by tools or by the lab, and never committed; collection/ is a link to all the rest.
SKIPPED = {".git", ".venv", ".ansible", ".cache", ".hypothesis", "__pycache__", "collection", "dist"}
MADE = {ROOT / "collections", ROOT / "inventories" / "lab"}
MACHINE_PATH = re.compile(r"(?<![\w.-])/(work|home/\w+)/")


def project_files(folder: Path = ROOT) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in SKIPPED or fnmatch(path.name, ".*_cache") or path in MADE:
            continue
        if path.is_dir():
            yield from project_files(path)
        elif path.suffix not in {".pyc", ".gz"}:
            yield path


def is_code(path: Path) -> bool:
    with path.open("rb") as file:
        return path.suffix in {".py", ".awk", ".sh"} or path.name == "Makefile" or file.read(2) == b"#!"


def test_every_file_of_code_begins_with_the_header() -> None:
    def has_header(path: Path) -> bool:
        lines = [line.lstrip("#/ ").rstrip() for line in path.read_text().splitlines()[:6]]
        return tuple(lines[:3]) == HEADER or tuple(lines[1:4]) == HEADER

    code = [path for path in project_files() if is_code(path)]
    assert code
    assert [str(path.relative_to(ROOT)) for path in code if not has_header(path)] == []


def test_every_other_file_is_named_in_reuse_toml() -> None:
    (annotation,) = tomllib.loads((ROOT / "REUSE.toml").read_text())["annotations"]
    names = {path.relative_to(ROOT).as_posix() for path in project_files() if not is_code(path)}
    covered = {name for name in names for pattern in annotation["path"] if matches(name, pattern)}
    assert sorted(name for name in names - covered if not name.startswith("LICENSES/") and not has_tag(name)) == []


def matches(name: str, pattern: str) -> bool:
    """REUSE's patterns: ``*`` stays within a folder, ``**`` does not."""
    expression = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    return re.fullmatch(expression, name) is not None


def has_tag(name: str) -> bool:
    return "SPDX-License-Identifier: GPL-3.0-or-later" in (ROOT / name).read_text()


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    found = [str(path.relative_to(ROOT)) for path in project_files() if MACHINE_PATH.search(path.read_text())]
    assert found == []
