# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images that are files of one host, wanted on others. The files are real, and so is their way through Ansible."""

import hashlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.novella.compute.plugins.plugin_utils.image_store import FOLDER
from ansible_collections.novella.compute.plugins.plugin_utils.run_identity import new_run
from support.controllers import start
from support.lab_fleet import await_condition


@pytest.fixture(autouse=True)
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where controllers have their temporary files."""
    monkeypatch.setenv("ANSIBLE_LOCAL_TEMP", str(tmp_path / "local"))
    return tmp_path / "local"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A disk of random bytes and a long hole, so that several chunks travel and zeros among them."""
    path = tmp_path / "app.raw"
    with path.open("wb") as file:
        file.write(os.urandom(3 << 20))
        file.seek(20 << 20)
        file.write(b"the end" * 1000)
    return path


def brought(site: Any, host: str) -> dict[str, str]:
    """By source: the digest of what came to a host."""
    rows = site.driver(host)._rows("SELECT source, digest FROM fake_brought_images")
    return {row["source"]: row["digest"] for row in rows}


def digest_of(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def declare(site: Any, image: Path, *hosts: str, checksum: str = "", host: str = "kvm1") -> None:
    """Declare an instance of the image for each of these hosts, and one of an image that each host has."""
    app = {"source": f"{host}:{image}", **({"checksum": checksum} if checksum else {})}
    images = {"tiny": {"source": "/srv/images/tiny.qcow2"}, "app": app}
    wanted = {f"on-{name}-{number}": {"image": "app", "host": name} for number, name in enumerate(hosts)}
    site.write_fleet({**wanted, "other": {"host": "kvm2"}}, images=images)


def guests(site: Any) -> dict[str, list[str]]:
    return {host: sorted(name.partition(".")[2] for name in found) for host, found in site.domains().items()}


def disconnect(site: Any, host: str) -> None:
    """Have a host that does not answer: nobody listens at that port."""
    inventory = yaml.safe_load(site.inventory.read_text())
    lost = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    inventory["compute"]["hosts"][host].update(lost)
    site.inventory.write_text(yaml.safe_dump(inventory))


def test_it_comes_once_to_each_host_that_uses_it_and_then_no_more(make_site, image, local) -> None:
    site = make_site(3)
    # Too much for one piece.
    with image.open("r+b") as file:
        file.write(os.urandom(66 << 20))
    declare(site, image, "kvm1", "kvm2", "kvm2", "kvm3")
    first = site.run("apply")
    assert first.code == 0, first.text
    assert first.text.count("Image 'app' comes from kvm1 (66 MiB)") == 1
    assert guests(site) == {"kvm1": ["on-kvm1-0"], "kvm2": ["on-kvm2-1", "on-kvm2-2", "other"], "kvm3": ["on-kvm3-3"]}
    for host in ("kvm2", "kvm3"):
        assert brought(site, host) == {f"kvm1:{image}": digest_of(image)}
        assert not list(site.state_path(host).glob("*.arriving"))
    assert brought(site, "kvm1") == {}
    assert not list(local.glob(f"ansible-local-*/{FOLDER}"))
    second = site.run("apply")
    assert (second.code, second.changed) == (0, 0), second.text
    assert "Fetch images" not in second.text
    # One more of what the host has: nothing travels.
    declare(site, image, "kvm1", "kvm2", "kvm2", "kvm3", "kvm2")
    third = site.run("apply")
    assert third.code == 0, third.text
    assert "comes from" not in third.text
    assert "on-kvm2-4" in guests(site)["kvm2"]


def test_what_changed_on_its_host_comes_anew(make_site, image) -> None:
    site = make_site(2)
    declare(site, image, "kvm2")
    assert site.run("apply").code == 0
    image.write_bytes(b"another disk" * 100_000)
    declare(site, image, "kvm2", "kvm2")
    ended = site.run("apply")
    assert ended.code == 0, ended.text
    assert brought(site, "kvm2") == {f"kvm1:{image}": digest_of(image)}


def test_check_mode_says_what_would_come_and_brings_nothing(make_site, image) -> None:
    site = make_site(2)
    declare(site, image, "kvm2")
    checked = site.run("apply", "--check")
    assert checked.code == 0, checked.text
    assert "image 'app' would be brought from kvm1 to kvm2 (20 MiB)" in checked.text
    assert brought(site, "kvm2") == {}
    assert guests(site)["kvm2"] == []


def test_check_mode_says_what_could_not_come(make_site, tmp_path) -> None:
    site = make_site(2)
    declare(site, tmp_path / "gone.raw", "kvm2")
    checked = site.run("apply", "--check")
    assert f"[WARNING]: Image 'app' is not at {tmp_path}/gone.raw on kvm1." in flat(checked.text)


def test_an_image_that_is_gone_fails_what_needs_it_and_nothing_else(make_site, tmp_path) -> None:
    site = make_site(2)
    declare(site, tmp_path / "gone.raw", "kvm2")
    ended = site.run("apply")
    assert ended.code == 2
    assert f"create on-kvm2-0 on kvm2: Image 'app' is not at {tmp_path}/gone.raw on kvm1." in flat(ended.text)
    assert guests(site)["kvm2"] == ["other"]


def test_the_image_of_a_host_that_does_not_answer_fails_what_needs_it_and_nothing_else(make_site, image) -> None:
    site = make_site(2)
    # So that its neighbour can tell what was on it.
    site.write_fleet({"first": {"host": "kvm1"}, "second": {"host": "kvm2"}})
    assert site.run("apply").code == 0
    disconnect(site, "kvm1")
    declare(site, image, "kvm2")
    ended = site.run("apply")
    assert ended.code != 0
    told = f"create on-kvm2-0 on kvm2: Image 'app' is at {image} on kvm1, which does not offer it:"
    assert told in flat(ended.text), ended.text
    assert guests(site)["kvm2"] == ["other", "second"]


def test_a_host_that_has_it_needs_no_answer_from_where_it_came(make_site, image) -> None:
    site = make_site(2)
    declare(site, image, "kvm2")
    assert site.run("apply").code == 0
    disconnect(site, "kvm1")
    declare(site, image, "kvm2", "kvm2")
    ended = site.run("apply")
    assert guests(site)["kvm2"] == ["on-kvm2-0", "on-kvm2-1", "other"], ended.text


def test_a_wrong_checksum_is_found_where_the_image_comes_to(make_site, image) -> None:
    site = make_site(2)
    declare(site, image, "kvm2", checksum=f"sha256:{'0' * 64}")
    ended = site.run("apply")
    assert ended.code == 2
    assert f"Image 'app' has the checksum {digest_of(image)}, not" in flat(ended.text)
    assert guests(site)["kvm2"] == ["other"]
    declare(site, image, "kvm2", checksum=digest_of(image))
    assert site.run("apply").code == 0
    assert guests(site)["kvm2"] == ["on-kvm2-0", "other"]


def test_a_host_that_does_not_exist_is_an_error_that_names_the_nearest(make_site, image) -> None:
    site = make_site(2)
    declare(site, image, "kvm2", host="kwm1")
    ended = site.run("apply")
    assert ended.code == 2
    told = "images.app.source: there is no host 'kwm1' in the inventory. Did you mean 'kvm1'?"
    assert told in flat(ended.text)
    assert guests(site)["kvm2"] == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_interrupted_leaves_nothing_for_long(make_site, image, tmp_path, local, ending) -> None:
    site = make_site(2)
    site.settings("kvm2", delays={"receive_image": 3})
    declare(site, image, "kvm2")
    controller = start("apply", site.inventory, tmp_path, fleet=str(tmp_path / "fleet.yml"))
    try:
        await_condition(lambda: bool(list(local.glob(f"ansible-local-*/{FOLDER}/*/*"))), "it is on its way")
        os.killpg(controller.process.pid, ending)
        await_condition(lambda: not controller.is_running, "it has ended")
    finally:
        controller.stop()
    assert bool(list(local.glob(f"ansible-local-*/{FOLDER}"))) == (ending == signal.SIGKILL)
    site.settings("kvm2")
    assert site.run("apply").code == 0
    # Whom nothing can tell of its end, the next run clears up after.
    assert not list(local.glob(f"ansible-local-*/{FOLDER}"))
    assert guests(site)["kvm2"] == ["on-kvm2-0", "other"]
    assert not list(site.state_path("kvm2").glob("*.arriving"))


def test_what_a_killed_run_left_on_the_controller_goes(make_site, image, local) -> None:
    site = make_site(2)
    alive, dead = (local / f"ansible-local-{name}" / FOLDER for name in ("alive", "dead"))
    run = new_run()
    for folder, owner in ((alive, run), (dead, run.rpartition("/")[0] + "/0")):
        folder.mkdir(parents=True)
        (folder / "run").write_text(owner)
    declare(site, image, "kvm2")
    assert site.run("apply").code == 0
    assert (alive.exists(), dead.exists()) == (True, False)


def flat(text: str) -> str:
    return " ".join(text.split())
