# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tracker.db that was damaged, in whatever way, is used or refused in words, and never ends in a traceback."""

import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.manager import ComputeManager
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import FILE_NAME, TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import NovellaError
from ansible_collections.novella.compute.plugins.module_utils.virt.fake import FakeDriver
from support.fake_host import create

PAGE = 4096


@pytest.fixture
def used_database(host) -> Path:
    """The file of a host that has instances and a history."""
    host.reconcile(*(create(f"web-{number}", memory_mb=64) for number in range(20)))
    host.db.close()
    return host.path / FILE_NAME


def scribble(path: Path, rng: random.Random) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        for _place in range(rng.choice([1, 5, 50])):
            file.seek(rng.randrange(0, size))
            file.write(rng.randbytes(rng.choice([1, 16, 300, PAGE])))


def cut(path: Path, rng: random.Random) -> None:
    with path.open("r+b") as file:
        file.truncate(rng.randrange(1, path.stat().st_size))


def blank(path: Path, rng: random.Random) -> None:
    pages = path.stat().st_size // PAGE
    with path.open("r+b") as file:
        for page in rng.sample(range(pages), rng.randint(1, pages)):
            file.seek(page * PAGE)
            file.write(bytes(PAGE))


def work_on(host, folder: Path) -> str:
    """Do what a module run does, and return what it would say at its end."""
    db = TrackerDB(str(folder))
    try:
        db.open()
        manager = ComputeManager(host.options, FakeDriver("kvm1", str(folder), db), db)
        manager.init_host()
        manager.reconcile([create("new-1", memory_mb=64)], {})
        manager.audit()
    except NovellaError as error:
        return str(error)
    except sqlite3.Error as error:
        return str(db.explain(error))
    finally:
        db.close()
    return ""


@pytest.mark.parametrize("damage", [scribble, cut, blank])
def test_a_damaged_file_is_used_or_refused_in_words(host, used_database, tmp_path, damage) -> None:
    said = set()
    for seed in range(60):
        folder = tmp_path / str(seed)
        folder.mkdir()
        shutil.copy(used_database, folder / FILE_NAME)
        damage(folder / FILE_NAME, random.Random(seed))
        said.add(work_on(host, folder).replace(str(folder), "/var/lib/novella"))
    assert any("mv /var/lib/novella/tracker.db* /var/tmp/" in words for words in said), said


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("database disk image is malformed", "Only history is lost"),
        ("file is not a database", "Only history is lost"),
        ("database is locked", "Run again when that has ended."),
        ("database or disk is full", "Free some space on its file system."),
        ("unable to open database file", "Look at the folder's owner, mode and file system."),
    ],
)
def test_each_fault_of_the_file_comes_with_its_own_remedy(host, fault: str, words: str) -> None:
    assert words in str(host.db.explain(sqlite3.OperationalError(fault)))
