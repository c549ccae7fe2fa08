# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two releases of Novella at work on one host: what one writes the other must be able to read."""

from __future__ import annotations


def test_records_are_written_in_the_version_that_all_releases_read(make_site) -> None:
    site = make_site(1, novella_record_version_cap="1.0", novella_reclaim_instance_interval=3600)
    site.write_fleet({"web": {}})
    assert site.run("apply").code == 0
    assert record(site) == {"version": "1.0", "vm_state": "active"}
    site.write_fleet({})
    assert site.run("apply", prune=True).code == 0
    assert record(site) == {"version": "1.0", "vm_state": "soft-delete"}


def test_what_such_records_cannot_hold_is_refused_by_name(make_site) -> None:
    site = make_site(1, novella_record_version_cap="1.1")
    site.write_fleet({"web": {"tags": ["public"]}, "db": {}})
    refused = site.run("apply")
    assert refused.code != 0
    assert "web has tags, and record_version_cap is 1.1: its record cannot hold that." in " ".join(refused.text.split())
    assert site.domains() == {"kvm1": {"test.db": "running"}}


def test_a_cap_that_cannot_be_kept_is_refused_before_anything_is_done(make_site) -> None:
    site = make_site(1, novella_record_version_cap="0.9")
    site.write_fleet({"web": {}})
    refused = site.run("apply")
    assert refused.code != 0
    assert "Documents of kind 'instance' cannot be written at 0.9; this release writes 1.4." in refused.text
    assert site.domains() == {"kvm1": {}}


def record(site) -> dict[str, str]:
    [domain] = site.driver("kvm1").list_domains()
    told = {"version": None, "vm_state": None, "deleted_at": None, "old_vm_state": None}
    return {key: domain.record[key] for key in told if key in domain.record}
