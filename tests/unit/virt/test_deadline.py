# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import subprocess
import sys
import threading
import time

import pytest
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.deadline import TookTooLong, Workers


def test_a_call_gives_its_result_or_its_error():
    workers = Workers()
    assert workers.call(lambda: 42, deadline=5) == 42
    with pytest.raises(KeyError, match="gone"):
        workers.call(lambda: {}["gone"], deadline=5)


def test_a_call_that_hangs_is_left_behind_in_time():
    workers, release = Workers(), threading.Event()
    begin = time.monotonic()
    with pytest.raises(TookTooLong):
        workers.call(release.wait, deadline=0.1)
    assert time.monotonic() - begin < 2
    assert workers.call(lambda: "still works", deadline=5) == "still works"
    release.set()


def test_a_long_wait_ends_when_nobody_answers_any_more():
    workers, release, said = Workers(), threading.Event(), iter([True, False])
    begin = time.monotonic()
    with pytest.raises(TookTooLong):
        workers.call(release.wait, deadline=60, answers=lambda: next(said), every=0.05)
    assert time.monotonic() - begin < 5
    release.set()


def test_a_long_wait_goes_on_while_somebody_answers():
    workers, release, asked = Workers(), threading.Event(), []

    def answers() -> bool:
        asked.append(True)
        if len(asked) == 3:
            release.set()
        return True

    assert workers.call(release.wait, deadline=60, answers=answers, every=0.02) is True
    assert len(asked) == 3


def test_one_thread_serves_calls_that_follow_each_other():
    workers = Workers()
    assert len({workers.call(threading.get_ident, deadline=5) for _number in range(50)}) == 1


def test_calls_of_many_threads_do_not_wait_for_each_other():
    workers, together = Workers(), threading.Barrier(4, timeout=5)
    threads = [threading.Thread(target=workers.call, args=(together.wait, 5)) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not together.broken


HANGING = """
import threading
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.deadline import TookTooLong, Workers
try:
    Workers().call(threading.Event().wait, deadline=0.05)
except TookTooLong:
    print("too long")
"""


def test_a_hung_call_does_not_keep_the_process_from_ending():
    done = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=20, check=True)
    assert (done.stdout, done.stderr) == ("too long\n", "")
