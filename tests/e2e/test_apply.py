# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job on real hosts: from a fleet file to guests that have booted, and what goes wrong on the way."""

import functools
import hashlib
import http.server
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.playbooks import Outcome, run_playbook

IMAGE = "/srv/images/tiny.qcow2"
PARTS = {
    "version": "1.0",
    "name": "e2e",
    "flavors": {
        "tiny": {"vcpus": 1, "memory_mb": 128, "root_gb": 1},
        "huge": {"vcpus": 1, "memory_mb": 3072, "root_gb": 1},
    },
    "images": {"guest": {"source": IMAGE}},
    "networks": {"front": {"libvirt_network": "default"}},
    "aggregates": {"rack-b": {"hosts": ["kvm3"], "availability_zone": "az2"}},
    "server_groups": {"web": {"policy": "anti-affinity"}},
}


@dataclass
class Fleet:
    """A fleet file and the lab it is for."""

    lab: Any
    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "fleet.yml"

    def declare(self, instances: dict[str, Any], **parts: Any) -> None:
        common = {"flavor": "tiny", "image": "guest", "networks": [{"network": "front"}]}
        content = {**PARTS, **parts, "instances": {name: {**common, **body} for name, body in instances.items()}}
        self.path.write_text(yaml.safe_dump(content, sort_keys=False))

    def run(self, playbook: str, *options: str, **extra_vars: Any) -> Outcome:
        return run_playbook(playbook, *options, inventory=self.lab.inventory, fleet=str(self.path), **extra_vars)

    def apply(self, **extra_vars: Any) -> Outcome:
        outcome = self.run("apply", **extra_vars)
        assert outcome.code == 0, outcome.text
        return outcome

    def homes(self) -> dict[str, Any]:
        """By domain name of this fleet: its host."""
        return {name: host for host in self.lab.hosts for name in names(host) if name.startswith("e2e.")}

    def leftovers(self) -> list[str]:
        """Disks, config drives and logs of instances on all hosts."""
        folders = ("var/lib/libvirt/images", "var/log/libvirt/qemu")
        files = [path for host in self.lab.hosts for folder in folders for path in (host.files / folder).iterdir()]
        return [
            str(path)
            for path in files
            if path.suffixes[-2:] in ([".root", ".qcow2"], [".config", ".iso"]) or "console" in path.name
        ]


def names(host: Any) -> list[str]:
    return host.virsh("list", "--all", "--name").split()


@pytest.fixture
def fleet(lab: Any, tmp_path: Path) -> Iterator[Fleet]:
    """A fleet of its own; whatever the test built is gone afterwards."""
    fleet = Fleet(lab, tmp_path)
    yield fleet
    fleet.declare({})
    fleet.apply(prune=True)
    assert fleet.homes() == {}


def test_a_declared_fleet_boots_and_a_second_run_changes_nothing(fleet: Fleet) -> None:
    fleet.declare(
        {
            "web": {"count": 3, "server_group": "web", "metadata": {"role": "front"}},
            "db": {"availability_zone": "az2", "user_data": "#!/bin/sh\necho hello\n"},
            "spare": {"vm_state": "stopped"},
        }
    )
    first = fleet.apply()
    homes = fleet.homes()
    assert {homes[f"e2e.web-{number}"].name for number in (1, 2, 3)} == {"kvm1", "kvm2", "kvm3"}
    assert homes["e2e.db"].name == "kvm3"
    assert homes["e2e.spare"].virsh("domstate", "e2e.spare").strip() == "shut off"
    for name in ("web-1", "web-2", "web-3", "db"):
        console = homes[f"e2e.{name}"].wait_for_console(f"e2e.{name}", f"NOVELLA-GUEST READY hostname={name}")
        assert "NOVELLA-GUEST address eth0=192.168." in console
    assert "NOVELLA-GUEST meta role=front" in homes["e2e.web-1"].console("e2e.web-1")
    digest = hashlib.sha256(b"#!/bin/sh\necho hello\n").hexdigest()
    assert f"user_data sha256={digest}" in homes["e2e.db"].console("e2e.db")
    second = fleet.apply()
    assert first.changed > 0
    assert second.changed == 0, second.text
    assert all(f"192.168.10{home.name[-1]}." in second.text for home in homes.values())


def test_a_count_that_grows_and_shrinks_is_planned_shown_and_done(fleet: Fleet) -> None:
    fleet.declare({"web": {"count": 3}})
    fleet.apply()
    fleet.declare({"web": {"count": 4}})
    checked = fleet.run("apply", "--check", "--diff")
    assert "web-4" in checked.text
    assert "is declared but on no host" in checked.text
    assert "e2e.web-4" not in fleet.homes()
    fleet.apply()
    assert sorted(fleet.homes()) == [f"e2e.web-{number}" for number in (1, 2, 3, 4)]
    fleet.declare({"web": {"count": 2}})
    assert fleet.apply().changed == 0
    checked = fleet.run("apply", "--check", "--diff", prune=True)
    assert "is not in the fleet, and prune is on" in checked.text
    assert len(fleet.homes()) == 4
    fleet.apply(prune=True)
    assert sorted(fleet.homes()) == ["e2e.web-1", "e2e.web-2"]
    assert fleet.apply(prune=True).changed == 0


def test_what_virsh_did_by_hand_is_seen_explained_and_put_right(fleet: Fleet) -> None:
    fleet.declare({"web": {"count": 2}})
    fleet.apply()
    homes = fleet.homes()
    homes["e2e.web-1"].virsh("destroy", "e2e.web-1")
    homes["e2e.web-2"].wait_for_console("e2e.web-2", "NOVELLA-GUEST READY")
    homes["e2e.web-2"].virsh("destroy", "e2e.web-2")
    homes["e2e.web-2"].virsh("undefine", "e2e.web-2")
    checked = fleet.run("apply", "--check", "--diff")
    assert checked.code == 0, checked.text
    assert "was stopped outside Novella (vm_state active, power_state shutdown)" in checked.text
    assert f"its domain is gone from {homes['e2e.web-2'].name}; its root disk is kept and used again" in checked.text
    assert homes["e2e.web-1"].virsh("domstate", "e2e.web-1").strip() == "shut off"
    assert "e2e.web-2" not in fleet.homes()
    fleet.apply()
    assert {name: home.name for name, home in fleet.homes().items()} == {
        name: home.name for name, home in homes.items()
    }
    # The guest counts its boots on its disk: the old disk is back, not a new one.
    homes["e2e.web-2"].wait_for_console("e2e.web-2", "NOVELLA-GUEST boots=2")
    assert fleet.apply().changed == 0


def test_a_stop_and_new_metadata_are_done_in_place_and_virsh_shows_both(fleet: Fleet) -> None:
    fleet.declare({"web": {"metadata": {"role": "front"}}})
    fleet.apply()
    home = fleet.homes()["e2e.web"]
    home.wait_for_console("e2e.web", "NOVELLA-GUEST READY")
    fleet.declare({"web": {"metadata": {"role": "back"}, "vm_state": "stopped"}})
    fleet.apply()
    assert home.virsh("domstate", "e2e.web").strip() == "shut off"
    assert "NOVELLA-GUEST shutdown" in home.console("e2e.web")
    assert '"role":"back"' in home.virsh("metadata", "e2e.web", "--uri", "https://novella.dev/xmlns/compute/1")
    assert fleet.apply().changed == 0


def test_two_that_fit_nowhere_are_explained_and_everything_else_is_built(fleet: Fleet) -> None:
    fleet.declare({"big": {"count": 5, "flavor": "huge", "vm_state": "stopped"}, "small": {"count": 2}})
    outcome = fleet.run("apply")
    assert outcome.code == 2
    assert sorted(fleet.homes()) == ["e2e.big-1", "e2e.big-2", "e2e.big-3", "e2e.small-1", "e2e.small-2"]
    message = outcome.result("Summary")["msg"]
    for name in ("big-4", "big-5"):
        assert f"No valid host for {name} (huge): 0 of 3 hosts fit. RamFilter refused 3. Nearest: kvm" in message
    assert "MB of memory." in message
    assert outcome.result("Summary")["code"] == "NoValidHost"


def test_a_foreign_domain_is_counted_and_prune_leaves_it_alone(fleet: Fleet, tmp_path: Path) -> None:
    host = fleet.lab.host("kvm1")
    before = _memory_used(fleet, "kvm1")
    domain = ET.Element("domain", type="qemu")
    ET.SubElement(domain, "name").text = "old-vm"
    ET.SubElement(domain, "memory", unit="MiB").text = "512"
    ET.SubElement(domain, "vcpu").text = "2"
    ET.SubElement(ET.SubElement(domain, "os"), "type", arch="x86_64").text = "hvm"
    (host.files / "root/old-vm.xml").write_text(ET.tostring(domain, encoding="unicode"))
    host.virsh("define", "/root/old-vm.xml")
    try:
        assert _memory_used(fleet, "kvm1") == before + 512
        fleet.declare({})
        fleet.apply(prune=True)
        assert "old-vm" in names(host)
    finally:
        host.virsh("undefine", "old-vm")


def test_a_saved_plan_is_applied_exactly_or_refused_by_host(fleet: Fleet) -> None:
    fleet.declare({"web": {"count": 2}})
    plan_file = str(fleet.folder / "plan.json")
    assert fleet.run("plan", plan_file=plan_file).code == 0
    planned = {action["name"]: action["host"] for action in yaml.safe_load(Path(plan_file).read_text())["actions"]}
    fleet.apply(plan_file=plan_file)
    assert {name.removeprefix("e2e."): home.name for name, home in fleet.homes().items()} == planned
    refused = fleet.run("apply", plan_file=plan_file)
    assert refused.code == 2
    for host in set(planned.values()):
        assert f"{host} was changed" in refused.text


@dataclass
class WebServer:
    """Serves the lab's image over http, from the machine's end of the lab's network, and counts who asks."""

    url: str
    clients: list[str]


@pytest.fixture
def web_server(lab: Any) -> Iterator[WebServer]:
    clients: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            clients.append(self.client_address[0])
            super().do_GET()

        def log_message(self, *_arguments: Any) -> None:
            """The tests' output is no web server's log."""

    handler = functools.partial(Handler, directory=str(lab.images))
    gateway = lab.addresses["kvm1"].rpartition(".")[0] + ".254"
    with http.server.ThreadingHTTPServer((gateway, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield WebServer(f"http://{gateway}:{server.server_port}", clients)
        server.shutdown()
        thread.join()


def test_an_image_comes_over_http_once_per_host_however_many_instances_want_it(
    fleet: Fleet, web_server: WebServer
) -> None:
    digest = hashlib.sha256((fleet.lab.images / "tiny.qcow2").read_bytes()).hexdigest()
    for host in fleet.lab.hosts:
        (host.files / f"var/lib/libvirt/images/novella-base-{digest}.qcow2").unlink(missing_ok=True)
    images = {"guest": {"source": f"{web_server.url}/tiny.qcow2", "checksum": f"sha256:{digest}"}}
    fleet.declare({"web": {"count": 6, "vm_state": "stopped"}, "db": {}}, images=images)
    fleet.apply()
    home = fleet.homes()["e2e.db"]
    home.wait_for_console("e2e.db", "NOVELLA-GUEST READY")
    assert sorted(web_server.clients) == sorted(fleet.lab.addresses.values())


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ({"source": IMAGE, "checksum": "sha256:" + "0" * 64}, "has the checksum sha256:"),
        ({"source": "/srv/images/nowhere.qcow2"}, "/srv/images/nowhere.qcow2"),
    ],
    ids=["checksum mismatch", "image missing"],
)
def test_an_image_that_cannot_be_used_fails_clearly_and_leaves_nothing(fleet: Fleet, image: dict, words: str) -> None:
    before = fleet.leftovers()
    fleet.declare({"web": {}}, images={"guest": image})
    outcome = fleet.run("apply")
    assert outcome.code == 2
    assert words in outcome.text
    assert "Traceback" not in outcome.text
    assert fleet.homes() == {}
    assert fleet.leftovers() == before


def _memory_used(fleet: Fleet, host: str) -> int:
    outcome = run_playbook("audit", inventory=fleet.lab.inventory)
    documents = [result["ansible_facts"]["novella_host"] for result in outcome.results["Read the host"]]
    return next(each["compute_node"]["memory_mb_used"] for each in documents if each["compute_node"]["host"] == host)


def test_a_simulation_on_a_saved_audit_places_as_the_real_run_does(fleet: Fleet) -> None:
    saved = str(fleet.folder / "snapshot.json")
    fleet.declare({"web": {"count": 3, "server_group": "web"}, "db": {"count": 2, "availability_zone": "az2"}})
    audited = fleet.run("audit", save_to=saved)
    assert audited.code == 0, audited.text
    simulated = run_playbook("simulate", fleet=str(fleet.path), hosts_from=saved)
    assert simulated.code == 0, simulated.text
    placed = {f"e2e.{action['name']}": action["host"] for action in simulated.result("Plan")["plan"]["actions"]}
    fleet.apply()
    assert {name: host.name for name, host in fleet.homes().items()} == placed
