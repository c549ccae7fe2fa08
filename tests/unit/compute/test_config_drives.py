# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms of config drives, how they are renewed when what they tell changes, and waiting until guests are ready."""

from __future__ import annotations

import email
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.config_drive import (
    config_drive_files,
    digest,
    read_drive,
    renewed,
    with_password,
)
from ansible_collections.novella.compute.plugins.module_utils.compute.network_data import network_config, network_data
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import NotSupported, OptionInvalid
from ansible_collections.novella.compute.plugins.module_utils.objects.guest import GuestFile, GuestSettings, Readiness
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, NetworkRequest
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.network import FixedIP, Route
from ansible_collections.novella.compute.plugins.module_utils.virt.config_drive_image import build_image, read_image
from support.fake_host import FakeHost, act, create

META_DATA = "openstack/latest/meta_data.json"
VENDOR = b'{"cloud-init": "#cloud-config\\n{}\\n"}'
KEY = b"key of web\n"
CONTENTS = {digest(VENDOR): VENDOR, digest(KEY): KEY}
SETTINGS = GuestSettings(
    hostname="www",
    dns_domain="example.org",
    files=[GuestFile("/etc/web key", digest(KEY))],
    vendor_data_sha256=digest(VENDOR),
)
NIC = NetworkRequest("front", "02:00:00:00:00:01", bridge="br0")


def instance(**changes: Any) -> Instance:
    spec = InstanceSpec("web", Flavor("small", 1, 512), networks=[NIC], metadata={"role": "front"}, ssh_keys=["ssh a"])
    return Instance("uuid-of-web", spec.but(**{"guest": SETTINGS, **changes}))


def in_nocloud_form(mode: str | None = "0640") -> Instance:
    files = [GuestFile("/etc/web key", digest(KEY), mode)]
    return instance(guest=SETTINGS.but(config_drive_format="nocloud", files=files))


def test_openstack_form_tells_names_metadata_files_and_vendor_data() -> None:
    files = config_drive_files(instance(), b"#!/bin/sh\n", CONTENTS)
    told = json.loads(files[META_DATA])
    assert (told["uuid"], told["name"], told["hostname"]) == ("uuid-of-web", "web", "www.example.org")
    assert (told["meta"], told["public_keys"]) == ({"role": "front"}, {"key-0": "ssh a"})
    assert told["files"] == [{"path": "/etc/web key", "content_path": "/content/0000"}]
    assert "admin_pass" not in told
    assert files["openstack/content/0000"] == KEY
    assert files["openstack/latest/user_data"] == b"#!/bin/sh\n"
    assert json.loads(files["openstack/latest/vendor_data2.json"]) == {"static": json.loads(VENDOR)}


def test_the_image_has_novas_dated_folders_and_is_read_back_without_them() -> None:
    files = config_drive_files(instance(), None, CONTENTS)
    image = build_image(files)
    assert read_image(image) == files
    assert b"config-2" in image
    assert "2018-08-27".encode("utf-16-be") in image
    # Equal files are on it once.
    assert image.count(files[META_DATA]) == 1


def test_nocloud_form_tells_the_same_under_its_own_names() -> None:
    files = config_drive_files(in_nocloud_form(), None, CONTENTS)
    told = json.loads(files["meta-data"])
    assert (told["instance-id"], told["local-hostname"]) == ("uuid-of-web", "www.example.org")
    assert (told["public-keys"], told["meta"]) == (["ssh a"], {"role": "front"})
    # Without it cloud-init passes the drive over.
    assert files["user-data"] == b""
    assert json.loads(files["network-config"])["version"] == 2
    assert b"cidata" in build_image(files)


def test_the_script_of_nocloud_form_writes_the_files_as_they_are(tmp_path: Path) -> None:
    files = config_drive_files(in_nocloud_form(), None, CONTENTS)
    script, cloud_config = email.message_from_bytes(files["vendor-data"]).get_payload()
    text = script.get_payload(decode=True).decode()
    assert text.startswith("#cloud-boothook\n#!/bin/sh\n")
    assert cloud_config.get_payload(decode=True) == b"#cloud-config\n{}\n"
    there = text.replace("'/etc/web key'", f"'{tmp_path}/etc/web key'")
    for _boot in range(2):
        subprocess.run(["/bin/sh", "-c", there], check=True, env=os.environ)
        written = tmp_path / "etc/web key"
        assert (written.read_bytes(), oct(written.stat().st_mode & 0o777)) == (KEY, "0o640")
    assert [path.name for path in written.parent.iterdir()] == ["web key"]


@pytest.mark.parametrize("made", [instance(), in_nocloud_form()], ids=["openstack", "nocloud"])
def test_what_a_drive_hands_over_is_read_back(made: Instance) -> None:
    handed = read_drive(config_drive_files(made, b"#!/bin/sh\n", CONTENTS))
    assert (handed.user_data, handed.vendor_data) == (b"#!/bin/sh\n", VENDOR)
    [file] = handed.files
    assert (file.path, file.content) == ("/etc/web key", KEY)


def test_a_renewed_drive_keeps_user_data_and_seed_and_changes_its_form() -> None:
    before, after = instance(), in_nocloud_form(None)
    had = config_drive_files(before, b"#!/bin/sh\n", CONTENTS)
    # What is on the old drive need not be sent again.
    files = renewed(had, before, after, {})
    assert files["user-data"] == b"#!/bin/sh\n"
    assert json.loads(files["meta-data"])["random_seed"] == json.loads(had[META_DATA])["random_seed"]
    assert files["content/0000"] == KEY


def test_a_content_that_nobody_has_is_refused_by_name() -> None:
    with pytest.raises(OptionInvalid, match="The content of the file /etc/web key of web is not at hand"):
        config_drive_files(instance(), None, {digest(VENDOR): VENDOR})


def test_nocloud_form_has_no_place_for_a_password() -> None:
    made = in_nocloud_form()
    with pytest.raises(NotSupported, match="is in NoCloud's form, which has no place for a password"):
        with_password(config_drive_files(made, None, CONTENTS), made, "secret")


def test_guests_are_told_static_addresses_and_ask_for_the_others() -> None:
    told = FixedIP("192.0.2.5", 24, "192.0.2.1", ["192.0.2.53"], [Route("10.0.0.0/8", "192.0.2.254")])
    leased = FixedIP("198.51.100.7", 24, dhcp=True)
    six = FixedIP("2001:db8::5", 64, "2001:db8::1")
    other = NetworkRequest("back", "02:00:00:00:00:02", bridge="br1", addresses=[leased, six])
    spec = instance(networks=[NIC.but(addresses=[told], mtu=1400), other]).spec
    data = network_data(spec)
    assert [link["mtu"] for link in data["links"]] == [1400, None]
    assert [(item["link"], item["type"]) for item in data["networks"]] == [
        ("interface0", "ipv4"),
        ("interface1", "ipv4_dhcp"),
        ("interface1", "ipv6"),
    ]
    assert data["networks"][0]["routes"] == [
        {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.2.1"},
        {"network": "10.0.0.0", "netmask": "255.0.0.0", "gateway": "192.0.2.254"},
    ]
    assert data["services"] == [{"type": "dns", "address": "192.0.2.53"}]
    ethernets = network_config(spec)["ethernets"]
    assert ethernets["eth0"] == {
        "match": {"macaddress": "02:00:00:00:00:01"},
        "set-name": "eth0",
        "mtu": 1400,
        "addresses": ["192.0.2.5/24"],
        "routes": [{"to": "0.0.0.0/0", "via": "192.0.2.1"}, {"to": "10.0.0.0/8", "via": "192.0.2.254"}],
        "nameservers": {"addresses": ["192.0.2.53"]},
    }
    assert (ethernets["eth1"]["dhcp4"], ethernets["eth1"]["addresses"]) == (True, ["2001:db8::5/64"])


def test_a_guest_without_nics_is_told_of_none() -> None:
    spec = instance(networks=[]).spec
    assert (network_data(spec), network_config(spec)) == ({}, {"version": 2, "ethernets": {}})


def test_an_update_renews_the_drive_and_keeps_what_was_put_on_it_by_hand(host: FakeHost) -> None:
    made = create("web", vm_state="stopped")
    host.manager().reconcile([made], {made.uuid: b"#!/bin/sh\n"})
    spec = made.spec.but(metadata={"role": "back"}, guest=SETTINGS)
    [result] = host.manager().reconcile([act("update", "web", spec=spec)], {}, contents=CONTENTS)
    assert result["status"] == "done"
    drive = host.driver.read_config_drive(made.uuid)
    told = json.loads(drive[META_DATA])
    assert (told["meta"], told["hostname"]) == ({"role": "back"}, "www.example.org")
    assert drive["openstack/latest/user_data"] == b"#!/bin/sh\n"


def test_an_update_of_what_no_guest_is_told_leaves_the_drive_alone(host: FakeHost) -> None:
    made = create("web")
    host.reconcile(made)
    host.settings(failures={"write_config_drive": {"web": "must not be written"}})
    assert made.spec is not None
    [result] = host.reconcile(act("update", "web", spec=made.spec.but(tags=["public"])))
    assert result["status"] == "done"


def test_guests_that_are_ready_end_the_run_and_one_that_is_not_is_told_of_and_left(host: FakeHost) -> None:
    host.settings(agents={"web": {}}, consoles={"db": "booting\n\x1b[2Jlogin: "})
    by_agent, by_console = Readiness(agent=True, timeout=1), Readiness(console="never shown", timeout=1)
    web, db = host.reconcile(create("web", wait_for=by_agent), create("db", wait_for=by_console))
    assert (web["status"], web["remarks"]) == ("done", ["It was ready 0 s later."])
    assert (db["status"], db["error"]["code"]) == ("failed", "InstanceNotReady")
    assert "db was not ready 1 s after create: its console did not show 'never shown'." in db["error"]["message"]
    assert "\\x1b[2Jlogin:" in db["error"]["message"]
    states = {domain.name: domain.power_state for domain in host.driver.list_domains()}
    assert states == {"web": "running", "db": "running"}
