# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shape of a guest: what its flavor and its image say of it, together.

A shape is a mapping from the names of `table` to what is wanted; what nobody speaks of is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from string import ascii_lowercase
from typing import Any, Optional

from ...objects.errors import InvalidInput, NotSupported, NovellaError, nearest
from ...objects.ingredients import Flavor, Image
from ...objects.instance import Instance
from . import table
from .devices import PREFIXES, check_devices
from .firmware import check_firmware
from .limits import check_limits
from .processor import check_processor, choose_topology
from .wish import Contradiction, Unreadable

Shape = Mapping[str, Any]

# What a rescued guest is like is its own image's to say, but for this of the image that it is rescued with.
RESCUE_ONLY = ("rescue_bus", "rescue_device")
BUSES = ("hw_disk_bus", "hw_cdrom_bus")


def faults_of_flavor(flavor: Flavor) -> Iterator[tuple[str, NovellaError]]:
    """Yield each key of a flavor that shapes no guest, with what is wrong about it."""
    for key, text in flavor.extra_specs.items():
        try:
            _read(key, text, f"flavor '{flavor.name}'", is_flavor=True)
        except NovellaError as error:
            yield key, error


def faults_of_image(image: Image) -> Iterator[tuple[str, NovellaError]]:
    """Yield each key of an image that shapes no guest, with what is wrong about it."""
    for key, text in image.properties.items():
        try:
            _read(key, text, f"image '{image.name}'", is_flavor=False)
        except NovellaError as error:
            yield key, error


def read_shape(flavor: Flavor, image: Optional[Image]) -> dict[str, Any]:
    """Return what is wanted of the guest.

    Raises:
        InvalidInput: A key or a value is wrong, or flavor and image contradict each other (FlavorImageConflict).
        NotSupported: A key is one of Nova's that cannot be honoured here.
    """
    properties = {} if image is None else image.properties
    said = _all(flavor.extra_specs, f"flavor '{flavor.name}'", True)
    for name, by_image in _all(properties, "" if image is None else f"image '{image.name}'", False).items():
        said[name] = _meet(name, said[name], by_image, flavor, image) if name in said else by_image
    if said:
        check_processor(said, "hw:mem_page_size" in flavor.extra_specs)
        check_limits(said)
        check_devices(said)
        check_firmware(said)
        choose_topology(flavor.vcpus, said)
    return said


def shape_of(instance: Instance) -> dict[str, Any]:
    """Return what is wanted of an instance's guest as it stands: one that is rescued boots from a disk of another kind.

    Raises:
        InvalidInput, NotSupported: As `read_shape`.
    """
    shape = read_shape(instance.spec.flavor, instance.spec.image)
    shape = {name: value for name, value in shape.items() if name not in RESCUE_ONLY}
    if instance.rescue_image is not None:
        rescue = _all(instance.rescue_image.properties, f"image '{instance.rescue_image.name}'", is_flavor=False)
        shape.update({name: rescue[name] for name in RESCUE_ONLY if name in rescue})
        check_devices(shape)
    return shape


def local_disk_names(image: Optional[Image], count: int) -> frozenset[str]:
    """Return the names of an instance's own disks, root disk and config drive among them, on whatever bus.

    Args:
        count: How many there are.

    Raises:
        InvalidInput: There is no such bus.
    """
    properties = {} if image is None else image.properties
    said = _all({key: properties[key] for key in BUSES if key in properties}, "the image", is_flavor=False)
    prefix, its = (PREFIXES.get(said.get(name, "virtio"), "sd") for name in ("disk_bus", "cdrom_bus"))
    return frozenset(
        {f"{prefix}{letter}" for letter in ascii_lowercase[:count]} | ({f"{its}a"} if "cdrom_bus" in said else set())
    )


def _all(keys: Mapping[str, str], owner: str, is_flavor: bool) -> dict[str, Any]:
    read = (_read(key, text, owner, is_flavor) for key, text in keys.items())
    return dict(pair for pair in read if pair is not None)


def _read(key: str, text: str, owner: str, is_flavor: bool) -> Any:
    """Return name and value of a key that shapes the guest; None of one that others see to."""
    scopes = table.SPEC_SCOPES if is_flavor else table.PROPERTY_SCOPES
    if not key.startswith(scopes):
        return None
    wish = (table.SPECS if is_flavor else table.PROPERTIES).get(key)
    if wish is not None:
        try:
            return wish.name, wish.read(text)
        except Unreadable as error:
            raise InvalidInput(f"'{key}' of {owner} is '{text}'.", str(error)) from None
    if table.without_number(key) in (table.SPECS_ELSEWHERE if is_flavor else table.PROPERTIES_ELSEWHERE):
        return None
    if not is_flavor and key in table.ONLY:
        if text.strip().lower() in table.ONLY[key]:
            return None
        raise NotSupported(
            f"'{key}' of {owner} is '{text}', which this driver cannot give.",
            f"It can be {' or '.join(table.ONLY[key])}.",
        )
    why = table.refusal(key, is_flavor)
    if why is not None:
        raise NotSupported(f"'{key}' of {owner} cannot be honoured: {why}.", "Leave it out.")
    raise InvalidInput(
        f"'{key}' of {owner} is not known.{nearest(key, table.known_keys(is_flavor))}", "Correct it, or leave it out."
    )


def _meet(name: str, by_flavor: Any, by_image: Any, flavor: Flavor, image: Optional[Image]) -> Any:
    wish = next(wish for wish in table.WISHES if wish.name == name)
    try:
        return wish.rule(by_flavor, by_image)
    except Contradiction:
        raise InvalidInput(
            f"'{wish.spec}' of flavor '{flavor.name}' is '{flavor.extra_specs[wish.spec or '']}', and '{wish.prop}' of "
            f"image '{image.name if image else ''}' is '{image.properties[wish.prop or ''] if image else ''}'.",
            "Choose another flavor or another image.",
        ) from None
