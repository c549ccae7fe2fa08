# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.image_properties import (
    Value,
    canonical,
    read_properties,
)
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.version_predicate import (
    read_version_predicate,
    split_version,
)

_KINDS = ("hw_architecture", "img_hv_type", "hw_vm_mode")


class ImagePropertiesFilter(BaseHostFilter):
    """Only hosts that can run such an image (Nova's ImagePropertiesFilter).

    One of the host's `supported_instances` must hold the image's architecture, hypervisor type and VM mode, as far as
    the image names them; `image_properties_default_architecture` speaks for images that name no architecture. The
    host's hypervisor must be of a version that ``img_hv_requested_version`` allows, and its physical addresses must
    have ``hw_maxphysaddr_bits``, where it tells them. As in Nova, an image that names none of the first three is not
    tested at all. Nova: ``hw_maxphysaddr_bits`` breaks the request; here it is tested.
    """

    run_filter_once_per_request = True

    def concerns(self, spec: RequestSpec) -> bool:
        return spec.image is not None or self.options.image_properties_default_architecture is not None

    def host_key(self, host_state: HostState) -> Hashable:
        supported = frozenset(tuple(triple) for triple in host_state.supported_instances)
        return supported, host_state.hypervisor_version, _address_bits(host_state)

    def request_key(self, spec: RequestSpec) -> Hashable:
        properties = self._properties(spec)
        asked = (*_KINDS, "img_hv_requested_version", "hw_maxphysaddr_bits")
        return tuple(properties.get(key) for key in asked)

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        properties = self._properties(spec)
        wanted = [str(properties[key]) for key in _KINDS if properties.get(key)]
        if not wanted:
            return None
        supported = host_state.supported_instances
        if not any(all(name in triple for name in wanted) for triple in supported):
            here = ", ".join(" ".join(map(str, triple)) for triple in supported)
            return Reason(f"does not run {' '.join(wanted)} images", f"it runs {here}" if here else "")
        return _version_refusal(host_state, properties) or _address_refusal(host_state, properties)

    def _properties(self, spec: RequestSpec) -> dict[str, Value]:
        properties = read_properties(spec.image)
        default = self.options.image_properties_default_architecture
        if default is not None and "hw_architecture" not in properties:
            where = "The option image_properties_default_architecture"
            properties["hw_architecture"] = canonical("hw_architecture", default, where)
        return properties


def _version_refusal(host_state: HostState, properties: Mapping[str, Value]) -> Optional[Reason]:
    wanted = properties.get("img_hv_requested_version")
    if not wanted:
        return None
    predicate = read_version_predicate(str(wanted), "The image property img_hv_requested_version")
    version = split_version(host_state.hypervisor_version)
    if not version or predicate.satisfied_by(version):
        return None
    return Reason(f"has hypervisor version {'.'.join(map(str, version))}, not {wanted}")


def _address_refusal(host_state: HostState, properties: Mapping[str, Value]) -> Optional[Reason]:
    wanted, here = properties.get("hw_maxphysaddr_bits"), _address_bits(host_state)
    if not wanted or not here or here >= int(wanted):
        return None
    return Reason(f"has {here} bits of physical addresses, not {wanted}")


def _address_bits(host_state: HostState) -> int:
    """Return how many bits the host's physical addresses have, or 0 where it does not tell."""
    known = host_state.cpu_info.get("maxphysaddr")
    try:
        return int(known["bits"]) if isinstance(known, Mapping) else 0
    except (KeyError, TypeError, ValueError):
        return 0
