# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of what an instance is called, told, guarded by and placed by: rounds that follow each other."""

from __future__ import annotations

import json
from typing import Any

from support.felt.evidence import Look, drive_says, record, said
from support.felt.trial import Change
from support.lab_fleet import PREFIX
from support.lab_guest import Guest

# What each guest answers on, and what for: rules, provider rules, a group more, and no filter at all.
OPENED, STOPPED, GROUPED, UNGUARDED = 8080, 8081, 8082, 8083
GREETING = "well met"
FILES = {"issue": "old\n", "other-issue": "new\n"}
OLD_MOTD, NEW_MOTD = ({"path": "/etc/motd", "content": text} for text in ("old\n", "new\n"))


def tcp(port: int, **keys: Any) -> dict[str, Any]:
    return {"protocol": "tcp", "ports": port, **keys}


BEFORE: dict[str, Any] = {
    "version": "1.0",
    "flavors": {"tiny": {"vcpus": 1, "memory_mb": 128, "root_gb": 1}},
    "images": {"guest": {"source": "/srv/images/tiny.qcow2"}},
    "networks": {"front": {"libvirt_network": "default"}},
    "guest": {"dns_domain": "old.test", "vendor_data": {"cloud-init": "#cloud-config\n{}\n"}},
    "security_groups": {"web": {"rules": [tcp(STOPPED)]}, "more": {"rules": [tcp(GROUPED)]}},
    "server_groups": {"pair": {"policy": "soft-anti-affinity"}},
    "aggregates": {"ssd": {"hosts": ["kvm2"], "availability_zone": "az0"}},
    "instances": {
        "web": {
            "flavor": "tiny",
            "image": "guest",
            "host": "kvm2",
            "networks": [{"network": "front"}],
            "security_groups": ["web"],
            "files": [OLD_MOTD, {"path": "/etc/issue", "content_file": "issue"}],
        },
        "many": {
            "count": 1,
            "flavor": "tiny",
            "image": "guest",
            "host": "kvm2",
            "networks": [{"network": "front"}],
            "security_groups": ["web"],
        },
    },
}


def web(**keys: Any) -> dict[str, Any]:
    return {"instances": {"web": keys}}


def many(**keys: Any) -> dict[str, Any]:
    return {"instances": {"many": keys}}


def file(number: int, **keys: Any) -> dict[str, Any]:
    return web(files={number: keys})


def serve(guest: Guest) -> None:
    """Have a guest answer on all ports."""
    for port in (OPENED, STOPPED, GROUPED, UNGUARDED):
        guest.execute(f"nc -ll -p {port} -e echo {GREETING} </dev/null >/dev/null 2>&1 &")


def is_heard(port: int) -> Look:
    """Whether the host is greeted by a port of the guest."""

    def look(guest: Guest) -> bool:
        address = guest.execute("ip -4 -o address show dev eth0").split()[3].split("/")[0]
        script = f"timeout 5 bash -c 'cat </dev/tcp/{address}/{port}' 2>/dev/null; true"
        return GREETING in guest.home.run(["bash", "-c", script])

    return look


def nocloud(path: str) -> Look:
    """What a file of a config drive in NoCloud form holds; nothing while the guest has no such drive."""

    def look(guest: Guest) -> Any:
        mount = "grep -qs ' /mnt ' /proc/mounts || mount -o ro $(findfs LABEL=cidata) /mnt 2>/dev/null"
        found = guest.execute(f"({mount}) && cat /mnt/{path}; true")
        return json.loads(found) if found else None

    return look


def file_told(number: int, key: str) -> Look:
    def look(guest: Guest) -> Any:
        files = nocloud("files.json")(guest)
        return files and files[number][key]

    return look


ROUNDS: dict[str, tuple[Change, ...]] = {
    "what holds at once": (
        Change(
            "security_groups",
            {"security_groups": {"web": {"rules": [tcp(STOPPED), tcp(OPENED)]}}},
            "rules of its security groups have changed",
            is_heard(OPENED),
            True,
        ),
        Change(
            "provider_rules",
            {"provider_rules": [tcp(STOPPED, direction="ingress")]},
            "the provider rules have changed",
            is_heard(STOPPED),
            False,
        ),
        Change(
            "instances.security_groups",
            many(security_groups=["web", "more"]),
            "security_groups web -> ",
            is_heard(GROUPED),
            True,
            guest="many-1",
        ),
        Change("instances.tags", web(tags=["public"]), "tags none -> public", record("spec", "tags"), ["public"]),
        Change(
            "instances.display_name",
            web(display_name="Shop"),
            "display_name none -> Shop",
            lambda guest: guest.title(),
            "Shop",
        ),
        Change(
            "instances.server_group",
            web(server_group="pair"),
            "server_group none -> pair",
            record("spec", "server_group"),
            "pair",
        ),
    ),
    "no filter": (
        Change(
            "instances.port_security",
            many(port_security=False, security_groups=None),
            "security_groups more, web -> none",
            is_heard(UNGUARDED),
            True,
            guest="many-1",
        ),
    ),
    "a lock": (Change("instances.locked", web(locked=True), "it is declared locked", record("locked"), True),),
    "no lock": (Change("instances.locked", web(locked=False), "it is declared unlocked", record("locked"), None),),
    "what counts when an instance is placed or booted, and what may be done": (
        Change("version", {"version": "1.3"}),
        Change("allow", {"allow": ["restart"]}),
        Change("scheduler", {"scheduler": {"ram_weight_multiplier": -1.0, "max_attempts": 5}}),
        Change("server_groups.policy", {"server_groups": {"pair": {"policy": "anti-affinity"}}}),
        Change("server_groups.max_server_per_host", {"server_groups": {"pair": {"max_server_per_host": 2}}}),
        Change("server_groups.spread", {"server_groups": {"pair": {"spread": {"over": "disk"}}}}),
        Change("aggregates.hosts", {"aggregates": {"ssd": {"hosts": ["kvm1", "kvm2"]}}}),
        Change("aggregates.availability_zone", {"aggregates": {"ssd": {"availability_zone": "az1"}}}),
        Change("aggregates.metadata", {"aggregates": {"ssd": {"metadata": {"disk": "ssd"}}}}),
        Change("instances.allow", web(allow=["restart", "rebuild"])),
        Change("instances.wait_for", web(wait_for={"console": "never shown", "timeout": 1})),
        Change("instances.where", web(where=[{"key": "free_ram_mb", "operator": ">", "value": 0}])),
        Change("instances.scheduler_hints", web(scheduler_hints={"different_host": ["many-1"]})),
        Change("instances.host", many(host=None), guest="many-1"),
    ),
    "what the config drive tells": (
        Change(
            "guest",
            {"guest": {"dns_domain": "new.test"}},
            "dns_domain old.test -> new.test",
            lambda guest: drive_says("hostname")(guest).partition(".")[2],
            "new.test",
        ),
        Change(
            "instances.vendor_data",
            {"guest": {"vendor_data": {"cloud-init": "#cloud-config\n{packages: []}\n"}}},
            "a change of vendor_data",
            drive_says("cloud-init", document="vendor_data.json"),
            "#cloud-config\n{packages: []}\n",
        ),
        Change(
            "instances.metadata",
            # It is waited for by what is said before.
            web(metadata={"role": "web"}, wait_for=None),
            "metadata.role none -> web",
            drive_says("meta", "role"),
            "web",
        ),
        Change(
            "instances.availability_zone",
            web(availability_zone="az1"),
            "availability_zone none -> az1",
            drive_says("availability_zone"),
            "az1",
        ),
        Change("instances.hostname", web(hostname="www"), "hostname none -> www", said("hostname"), "www"),
        Change(
            "instances.files",
            file(2, path="/etc/new", content="more\n"),
            "a new file /etc/new",
            said("cat /config/openstack/content/0002 2>/dev/null; true"),
            "more",
        ),
        Change(
            "instances.files.content",
            file(0, content="new\n"),
            "a change of the file /etc/motd",
            said("cat /config/openstack/content/0000"),
            "new",
        ),
        Change(
            "instances.files.content_file",
            file(1, content_file="other-issue"),
            "a change of the file /etc/issue",
            said("cat /config/openstack/content/0001"),
            "new",
        ),
    ),
    "another form of the config drive": (
        Change(
            "instances.config_drive",
            web(config_drive={"format": "nocloud"}),
            "config_drive.format openstack -> nocloud",
            said("findfs LABEL=cidata >/dev/null 2>&1 && echo there || echo none"),
            "there",
        ),
        Change(
            "instances.dns_domain",
            web(dns_domain="mine.test"),
            "dns_domain new.test -> mine.test",
            lambda guest: (nocloud("meta-data")(guest) or {}).get("local-hostname"),
            "www.mine.test",
        ),
        Change(
            "instances.files.path",
            file(0, path="/etc/motd.more"),
            "a new file /etc/motd.more",
            file_told(0, "path"),
            "/etc/motd.more",
        ),
        Change(
            "instances.files.mode",
            file(1, mode="0600"),
            "a change of the file /etc/issue",
            file_told(1, "mode"),
            "0600",
        ),
    ),
}
# The others need not boot, and may be placed.
OFF = {"instances": {name: {"vm_state": "stopped", "scheduler_hints": None} for name in BEFORE["instances"]}}
NOBODY = Change("name", {"instances": None})
# What makes another instance of one, or more of them: the plan would create them, and lets those be that there are.
OTHERS: tuple[Change, ...] = (
    Change("name", {"name": f"{PREFIX}another", **OFF}, "is declared but on no host"),
    Change("project_id", {"project_id": "another", **OFF}, "is declared but on no host"),
    Change("instances.count", many(count=2), "is declared but on no host", guest="many-1"),
)
# No host has that one.
ADOPTED = Change(
    "instances.adopted",
    web(
        adopted="00000000-0000-4000-8000-000000000001",
        image=None,
        files=None,
        networks=None,
        config_drive=None,
        dns_domain=None,
        hostname=None,
        where=None,
        scheduler_hints=None,
    ),
    "It was adopted, so Novella cannot make it",
)
PAUSED = Change("instances.vm_state", web(vm_state="paused"), "vm_state: paused is declared")
