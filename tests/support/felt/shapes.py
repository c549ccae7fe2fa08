# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of flavors and images, and of what a guest reads at its first boot: rounds that follow each other."""

from __future__ import annotations

import hashlib
from typing import Any

from support.felt.evidence import drive_says, has_device, prints, record, runs_with, said
from support.felt.trial import Change
from support.lab_fleet import POOL
from support.lab_guest import Guest

GIBIBYTE = 1 << 30
SCRIPT = "#!/bin/sh\n# of the fleet\n"
SCRIPT_FILE = "#!/bin/sh\n# of a file\n"
ALIAS = {"name": "nic", "vendor_id": "8086", "product_id": "10d3"}
# A copy of the image that all guests are made of.
OTHER = "/srv/images/impact-other.qcow2"
# `safe` has a firmware that the lab's image is not for: it stays in there, where nobody asks it to shut down.
UEFI = {"hw_firmware_type": "uefi", "os_shutdown_timeout": "1"}
BEFORE: dict[str, Any] = {
    "version": "1.0",
    "flavors": {
        "tiny": {"vcpus": 1, "memory_mb": 128, "root_gb": 1},
        "uefi": {"vcpus": 1, "memory_mb": 64, "root_gb": 1},
    },
    "images": {
        "guest": {"source": "/srv/images/tiny.qcow2"},
        "uefi": {"source": "/srv/images/tiny.qcow2", "properties": UEFI},
    },
    "networks": {"front": {"libvirt_network": "default"}},
    "instances": {
        "web": {"flavor": "tiny", "image": "guest", "host": "kvm2", "networks": [{"network": "front"}]},
        "safe": {"flavor": "uefi", "image": "uefi", "host": "kvm2"},
    },
}
BOOTLESS = ("safe",)


def flavor(**keys: Any) -> dict[str, Any]:
    return {"flavors": {"tiny": keys}}


def specs(**keys: Any) -> dict[str, Any]:
    return flavor(extra_specs={key.replace("__", ":", 1): value for key, value in keys.items()})


def image(**keys: Any) -> dict[str, Any]:
    return {"images": {"guest": keys}}


def properties(**keys: Any) -> dict[str, Any]:
    return image(properties=keys)


def web(**keys: Any) -> dict[str, Any]:
    return {"instances": {"web": keys}}


def safe(**keys: Any) -> dict[str, Any]:
    return {"instances": {"safe": keys}}


def size_of_root(guest: Guest) -> int:
    return int(guest.read("/sys/block/vda/size")) * 512


def has_much_memory(guest: Guest) -> bool:
    return int(guest.read("/proc/meminfo").split()[1]) > 160 << 10


def drive_holds_script(guest: Guest) -> bool:
    """Whether the file that is the guest's config drive has the user data in it."""
    uuid = guest.home.virsh("domuuid", guest.domain).strip()
    return SCRIPT_FILE.encode() in (guest.home.files / POOL / f"{uuid}.config.iso").read_bytes()


NO_CHECKSUM = f"sha256:{0:064}"


def rounds(checksum: str = NO_CHECKSUM) -> dict[str, tuple[Change, ...]]:
    """Return the changes, by what the rounds are about.

    Args:
        checksum: Of the image that all guests are made of.
    """
    return {
        "what only filters and operations read": (
            Change(
                "flavors.extra_specs",
                specs(rack="a"),
                "flavor.extra_specs.rack none -> a",
                record("spec", "flavor", "extra_specs", "rack"),
                "a",
            ),
            Change(
                "images.min_ram_mb",
                image(min_ram_mb=64),
                "image.min_ram_mb 0 -> 64",
                record("spec", "image", "min_ram_mb"),
                64,
            ),
            Change(
                "images.min_disk_gb",
                image(min_disk_gb=1),
                "image.min_disk_gb 0 -> 1",
                record("spec", "image", "min_disk_gb"),
                1,
            ),
            Change(
                "images.properties",
                properties(os_distro="debian"),
                "image.properties.os_distro none -> debian",
                record("spec", "image", "properties", "os_distro"),
                "debian",
            ),
        ),
        "what a flavor gives at once": (
            Change("flavors.root_gb", flavor(root_gb=2), "flavor.root_gb 1 -> 2", size_of_root, 2 * GIBIBYTE),
            Change(
                "flavors.extra_specs.resources",
                specs(resources__VCPU="2"),
                "flavor.extra_specs.resources:VCPU none -> 2",
                record("spec", "flavor", "extra_specs", "resources:VCPU"),
                "2",
            ),
        ),
        "what a flavor asks for at the next boot": (
            Change(
                "flavors.extra_specs.hw:boot_menu",
                specs(hw__boot_menu="yes"),
                "flavor.extra_specs.hw:boot_menu none -> yes",
                runs_with("os/bootmenu[@enable='yes']"),
                True,
            ),
            Change(
                "flavors.extra_specs.hw:watchdog_action",
                specs(hw__watchdog_action="reset"),
                "flavor.extra_specs.hw:watchdog_action none -> reset",
                has_device("0x8086:0x25ab"),
                True,
            ),
            Change(
                "flavors.extra_specs.hw_rng:",
                specs(hw_rng__allowed="no"),
                "flavor.extra_specs.hw_rng:allowed none -> no",
                has_device("0x1af4:0x1044"),
                False,
            ),
            Change(
                "flavors.extra_specs.hw_video:",
                specs(hw_video__ram_max_mb="8"),
                "flavor.extra_specs.hw_video:ram_max_mb none -> 8",
                runs_with("devices/video/model[@vram='8192']"),
                True,
            ),
            Change(
                "images.properties.hw_video_",
                properties(hw_video_model="vga", hw_video_ram="8"),
                "image.properties.hw_video_model none -> vga and image.properties.hw_video_ram none -> 8",
                has_device("0x1234:0x1111"),
                True,
            ),
            Change(
                "flavors.extra_specs.quota:",
                specs(quota__disk_total_iops_sec="5000"),
                "flavor.extra_specs.quota:disk_total_iops_sec none -> 5000",
                lambda guest: (
                    "total_iops_sec : 5000" in " ".join(guest.home.virsh("blkdeviotune", guest.domain, "vda").split())
                ),
                True,
            ),
        ),
        "what makes another machine of the guest": (
            Change("flavors.vcpus", flavor(vcpus=2), "flavor.vcpus 1 -> 2", said("nproc"), "2"),
            Change("flavors.memory_mb", flavor(memory_mb=256), "flavor.memory_mb 128 -> 256", has_much_memory, True),
            Change(
                "flavors.extra_specs.hw:",
                specs(hw__serial_port_count="2"),
                "flavor.extra_specs.hw:serial_port_count none -> 2",
                said("[ $(cat /sys/class/tty/ttyS1/type) != 0 ] && echo there || echo none"),
                "there",
            ),
            Change(
                "images.properties.hw_",
                properties(hw_input_bus="virtio"),
                "image.properties.hw_input_bus none -> virtio",
                has_device("0x1af4:0x1052"),
                True,
            ),
            Change(
                "flavors.extra_specs.os:",
                {"flavors": {"uefi": {"extra_specs": {"os:secure_boot": "disabled"}}}},
                "flavor.extra_specs.os:secure_boot none -> disabled",
                runs_with("os/loader[@secure='yes']"),
                False,
                guest="safe",
            ),
        ),
        "another flavor": (
            Change(
                "instances.flavor",
                {
                    "flavors": {
                        "loud": {
                            "vcpus": 1,
                            "memory_mb": 64,
                            "root_gb": 1,
                            "extra_specs": {"os:secure_boot": "disabled", "hw:sound_model": "ich9"},
                        }
                    },
                    **safe(flavor="loud"),
                },
                "flavor.extra_specs.hw:sound_model none -> ich9",
                runs_with("devices/sound[@model='ich9']"),
                True,
                guest="safe",
            ),
        ),
        "what a guest is made of, or reads at its first boot only": (
            Change(
                "images.source",
                image(source=OTHER),
                f"image.source /srv/images/tiny.qcow2 -> {OTHER}",
                record("spec", "image", "source"),
                OTHER,
            ),
            Change(
                "images.checksum",
                image(checksum=checksum),
                f"image.checksum none -> {checksum}",
                record("spec", "image", "checksum"),
                checksum,
            ),
            Change(
                "instances.ssh_keys",
                web(ssh_keys=["ssh-ed25519 AAAA me"]),
                "a change of ssh_keys",
                drive_says("public_keys", "key-0"),
                "ssh-ed25519 AAAA me",
            ),
            Change(
                "instances.user_data",
                web(user_data=SCRIPT),
                "a change of user_data",
                prints(f"user_data sha256={hashlib.sha256(SCRIPT.encode()).hexdigest()}"),
                True,
            ),
            Change(
                "instances.image",
                {
                    "images": {"moved": {"source": OTHER, "properties": UEFI}},
                    **safe(image="moved"),
                },
                f"image.source /srv/images/tiny.qcow2 -> {OTHER}",
                record("spec", "image", "name"),
                "moved",
                guest="safe",
            ),
            Change(
                "instances.user_data_file",
                safe(user_data_file="script"),
                "a change of user_data",
                drive_holds_script,
                True,
                guest="safe",
            ),
        ),
        "what an image asks for at the next boot": (
            Change(
                "images.properties.hw_boot_menu",
                properties(hw_boot_menu="no"),
                "image.properties.hw_boot_menu none -> no",
                runs_with("os/bootmenu[@enable='yes']"),
                False,
            ),
            Change(
                "images.properties.hw_watchdog_action",
                properties(hw_watchdog_action="pause"),
                "image.properties.hw_watchdog_action none -> pause",
                runs_with("devices/watchdog[@action='pause']"),
                True,
            ),
            Change(
                "images.properties.hw_rng_model",
                # The model is what it would be in any case; there is a device to have it where the flavor permits one.
                {**properties(hw_rng_model="virtio"), **specs(hw_rng__allowed=None)},
                "image.properties.hw_rng_model none -> virtio",
                runs_with("devices/rng[@model='virtio']"),
                True,
            ),
            Change(
                "images.properties.hw_qemu_guest_agent",
                properties(hw_qemu_guest_agent="no"),
                "image.properties.hw_qemu_guest_agent none -> no",
                lambda guest: guest.answers,
                False,
            ),
        ),
        "what a guest stays as it was made": (
            Change("flavors.ephemeral_gb", flavor(ephemeral_gb=1), "flavor.ephemeral_gb 0 -> 1"),
            Change("flavors.swap_mb", flavor(swap_mb=64), "flavor.swap_mb 0 -> 64 need a new instance"),
            Change(
                "images.properties.hw_architecture",
                properties(hw_architecture="x86_64"),
                "image.properties.hw_architecture none -> x86_64",
            ),
            Change(
                "images.properties.hw_machine_type",
                properties(hw_machine_type="pc"),
                "image.properties.hw_machine_type none -> pc",
            ),
            Change(
                "images.properties.hw_firmware_type",
                properties(hw_firmware_type="uefi"),
                "image.properties.hw_firmware_type none -> uefi",
            ),
            Change(
                "images.properties.os_secure_boot",
                {"images": {"moved": {"properties": {"os_secure_boot": "disabled"}}}},
                "image.properties.os_secure_boot none -> disabled needs a new instance",
                guest="safe",
            ),
        ),
        "what nobody gives": (
            Change(
                "flavors.extra_specs.accel:",
                specs(accel__device_profile="gpu"),
                "there is nobody who manages accelerators; see pci_passthrough:alias",
            ),
        ),
    }


ROUNDS = rounds()
# What no host of the lab has.
LACKING = (
    Change(
        "flavors.extra_specs.pci_passthrough:",
        {"scheduler": {"pci_alias": [ALIAS]}, **specs(pci_passthrough__alias="nic:1")},
        "flavor.extra_specs.pci_passthrough:alias none -> nic:1",
    ),
)
