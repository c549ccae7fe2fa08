# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a filter is."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec

from .arrays import Column, Mask
from .columns import HostColumns
from .errors import PluginFailed
from .host_state import HostState
from .options import SchedulerOptions


@dataclass(frozen=True)
class Reason:
    """Why a host was refused.

    Args:
        text: What the host lacks or is, to be read behind its name: ``lacks 512 MB of memory``.
        detail: Figures to it: ``1536 of 4096 MB free``.
        margin: What is lacking as a share of what was asked for, where that can be measured. The host that
            was refused by the smallest margin is named as the nearest miss.
        remedy: What the user may change so that the host would do, where it is not the host that lacks something, to be
            read behind "unless": ``anti-affinity of group web allows 2 per host``.
    """

    text: str
    detail: str = ""
    margin: float = math.inf
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.text} ({self.detail})" if self.detail else self.text


class BaseHostFilter:
    """Base of all filters. One class per file, found by its name.

    A filter defines either `refusal`, which explains itself, or only Nova's `host_passes`. That is enough: such a
    filter is asked host by host. A filter must not change the host state. It raises InvalidInput where the request
    asks it for what makes no sense: that stops the request, with the error's message.

    It becomes fast, however many hosts there are, by one of two ways:

    - What it reads of a host does not change with a placement: it defines `host_key` and `request_key`, and is asked
      once per class of equal hosts and kind of request. Its reason goes for the whole class, so what the reason
      names is part of the keys.
    - It compares figures: it defines `mask`, and answers for all hosts at once.

    Attributes:
        run_filter_once_per_request: The answer stays the same for all instances of a request of several:
            `HostManager.get_filtered_hosts` asks it for index 0 only.
        run_on_forced: The filter also runs on forced hosts. True for those that do the work of Nova's
            placement service and request pre-filters, which no forced host escapes either.
    """

    run_filter_once_per_request: ClassVar[bool] = False
    run_on_forced: ClassVar[bool] = False

    def __init__(self, name: str, options: SchedulerOptions) -> None:
        self.name = name
        self.options = options

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        """Return why the host cannot take the request, or None where it can."""
        return None if self.host_passes(host_state, spec) else Reason(f"is refused by {self.name}")

    def refusal_among(self, columns: HostColumns, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        """Return `refusal` of one of these hosts. A filter whose verdict hangs on the other hosts replaces this too."""
        return self.refusal(host_state, spec)

    def host_passes(self, host_state: HostState, spec: RequestSpec) -> bool:
        """Return whether the host can take the request."""
        return self.refusal(host_state, spec) is None

    def filter_all(self, hosts: Iterable[HostState], spec: RequestSpec) -> Iterator[HostState]:
        """Yield the hosts that pass, in their order. One who replaces this method is given no host twice.

        Raises:
            PluginFailed: The filter raised.
            InvalidInput: The request makes no sense to it.
        """
        for host_state in hosts:
            if self.judge(host_state, spec):
                yield host_state

    def judge(self, host_state: HostState, spec: RequestSpec) -> bool:
        """Return `host_passes`.

        Raises:
            PluginFailed: It raised. It may be anybody's code; its errors are told with its name.
            InvalidInput: The request makes no sense to it.
        """
        try:
            return bool(self.host_passes(host_state, spec))
        except InvalidInput:
            raise
        except Exception as exc:
            raise PluginFailed(self.name, f"raised {exc!r} on host {host_state.host}") from exc

    def concerns(self, spec: RequestSpec) -> bool:
        """Return False where the request asks nothing of this filter, so that every host passes."""
        return True

    def host_key(self, host_state: HostState) -> Hashable:
        """Return all that the filter reads of a host, where no placement changes it."""
        raise NotImplementedError  # never called where it is not defined

    def request_key(self, spec: RequestSpec) -> Hashable:
        """Return all that the filter reads of a request. Needed beside `host_key`."""
        raise NotImplementedError  # a subclass with host_key and without it is a defect, and says so

    def mask(self, columns: HostColumns, spec: RequestSpec) -> Optional[Mask]:
        """Return which hosts pass, for all at once, or None where they must be asked one by one."""
        return None

    def shortage(self, columns: HostColumns, spec: RequestSpec) -> Optional[Column]:
        """Return `Reason.margin` of all hosts at once where it can be told, for finding the nearest miss."""
        return None

    def limits(self, host_state: HostState) -> dict[str, Any]:
        """Return the limits that a claim on this host must be tested against (memory_mb, disk_gb, vcpu)."""
        return {}
