# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ComputeManager: the one door to a host's instances."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Optional

from ..manager import Manager
from ..objects.errors import NovellaError, OptionInvalid, nearest
from ..objects.host_report import HostReport
from ..objects.image_transfer import ImageOffer, ImagePiece
from ..objects.ingredients import Image
from ..objects.plan import Action
from ..objects.snapshot import Snapshot
from ..objects.whereabouts import Place, Recollection
from ..periodic_task import PeriodicTask, declaration_of
from ..virt.driver import ComputeDriver
from .adopting import AdoptionOrder, adopt_domains
from .auditing import audit
from .claiming import ClaimAnswer, Wish, claim, forget_moved, release, withdraw
from .commands import Answer, Command, obey
from .consoles import ConsoleAccess, grant_access, validate_console
from .guest_reading import Reading
from .history import History
from .host import Host
from .host_options import HostOptions
from .image_transfer import Offers, lacking_images, offer_images
from .instance_details import Selection, describe_instances
from .journal import Entry, Journal
from .operation import OPERATIONS, recover_operations
from .operations import adopting as _adopting  # noqa: F401
from .operations import build as _build  # noqa: F401  an operation exists by being imported
from .operations import firewalling as _firewalling  # noqa: F401
from .operations import guest as _guest  # noqa: F401
from .operations import interfaces as _interfaces  # noqa: F401
from .operations import networks as _networks  # noqa: F401
from .operations import power as _power  # noqa: F401
from .operations import rebuilding as _rebuilding  # noqa: F401
from .operations import reconfiguring as _reconfiguring  # noqa: F401
from .operations import record as _record  # noqa: F401
from .operations import removal as _removal  # noqa: F401
from .operations import rescuing as _rescuing  # noqa: F401
from .operations import shelving as _shelving  # noqa: F401
from .operations import snapshotting as _snapshotting  # noqa: F401
from .operations import soft_removal as _soft_removal  # noqa: F401
from .operations import standstill as _standstill  # noqa: F401
from .operations import volume_swapping as _volume_swapping  # noqa: F401
from .operations import volumes as _volumes  # noqa: F401
from .owner import is_alive
from .reconciliation import Progress, make_result, reconcile
from .resource_tracker import ResourceTracker
from .screenshots import Screenshot, take_screenshot
from .service import ServiceState, ServiceWish, change_service, decide_service, read_service
from .snapshot_commands import delete_snapshots, find_snapshots, take_snapshots
from .snapshot_order import SnapshotOrder
from .task_times import TaskTimes
from .tracker_db import TrackerDB
from .whereabouts import Whereabouts


class ComputeManager(Manager):
    """Manage the instances of one host, from creation to destruction.

    Args:
        options: The operator's settings of the host.
        driver: The hypervisor.
        db: The tracker database, open.
        progress: Told after each ended action: what it was, how many ended, how many there are.
    """

    def __init__(
        self, options: HostOptions, driver: ComputeDriver, db: TrackerDB, progress: Optional[Progress] = None
    ) -> None:
        tracker = ResourceTracker(options, driver, db)
        self._host = Host(options, driver, db, Journal(db), tracker, History(options, db))
        self._progress = progress

    def init_host(self) -> None:
        """Finish or undo what dead runs left behind; `recovered` then names it, and `stuck` what would not go."""
        outcome = recover_operations(self._host)
        self.recovered = [entry for entry, fault in outcome if fault is None]
        self.stuck = [(entry, fault) for entry, fault in outcome if fault is not None]

    recovered: Sequence[Entry] = ()
    stuck: Sequence[tuple[Entry, Exception]] = ()

    def predict_recovery(self) -> None:
        """Have `recovered` name what `init_host` would find."""
        self.recovered = [entry for entry in self._host.journal.entries() if not is_alive(entry.owner)]

    def audit(self) -> HostReport:
        """Read the host: resources, claims, every instance, and the domains that are not ours."""
        return audit(self._host)

    def describe_instances(
        self, selection: Selection, most_actions: int, include_foreign: bool = False, reading: Optional[Reading] = None
    ) -> dict[str, list[dict[str, Any]]]:
        """Tell all about the instances that are asked for; see `instance_details`."""
        return describe_instances(self._host, selection, most_actions, include_foreign, reading or Reading())

    def grant_console(self, selection: Selection, kind: str, seconds: int, check: bool) -> ConsoleAccess:
        """Return where an instance's screen can be reached, with a token for it; see `consoles`."""
        return grant_access(self._host, selection, kind, seconds, check)

    def validate_console(self, token: str, port: int) -> bool:
        """Return whether a token is good for a port of this host, and spend it; see `consoles`."""
        return validate_console(self._host, token, port)

    def take_screenshot(self, selection: Selection) -> Screenshot:
        """Return what an instance's screen shows; see `screenshots`."""
        return take_screenshot(self._host, selection)

    def obey(self, command: Command, check: bool) -> list[Answer]:
        """Do an operation to the instances that are meant; see `commands`."""
        return obey(self._host, command, check, self._progress)

    def adopt(self, orders: Sequence[AdoptionOrder], check: bool) -> list[Answer]:
        """Make instances of domains that are somebody else's; see `adopting`."""
        return adopt_domains(self._host, orders, check, self._progress)

    def take_snapshots(self, order: SnapshotOrder, selection: Selection, check: bool) -> list[Answer]:
        """Have the instances that are meant have such an image; see `snapshot_commands`."""
        return take_snapshots(self._host, order, selection, check, self._progress)

    def delete_snapshots(self, name: str, selection: Selection, check: bool) -> list[Answer]:
        """Have the instances that are meant have no image of that name; see `snapshot_commands`."""
        return delete_snapshots(self._host, name, selection, check)

    def find_snapshots(self, selection: Selection) -> list[Snapshot]:
        """Return the images of the instances that are meant, newest first."""
        return find_snapshots(self._host, selection)

    def predict_service(self, wish: ServiceWish) -> tuple[ServiceState, ServiceState]:
        """Return the host's service record as it is, and as `change_service` would make it."""
        before = read_service(self._host)
        return before, decide_service(before, wish)

    def change_service(self, wish: ServiceWish) -> tuple[ServiceState, ServiceState]:
        """Enable or disable the host (Nova's set_host_enabled), and return the record before and after."""
        return change_service(self._host, wish)

    def load_plugins(self) -> Sequence[PeriodicTask]:
        """Return the periodic tasks of this host. Few runs need them, so only those load them."""
        from .periodic.cleanup_expired_console_auth_tokens import cleanup_expired_console_auth_tokens
        from .periodic.drop_stale_claims import drop_stale_claims
        from .periodic.reclaim_queued_deletes import reclaim_queued_deletes
        from .periodic.run_image_cache_manager_pass import run_image_cache_manager_pass
        from .periodic.sync_power_states import sync_power_states
        from .periodic.update_available_resource import update_available_resource

        # The one that reads the host is the last: it shall see what the others have changed.
        functions = (
            drop_stale_claims,
            reclaim_queued_deletes,
            sync_power_states,
            run_image_cache_manager_pass,
            cleanup_expired_console_auth_tokens,
            update_available_resource,
        )
        return [task.bind(self._host) for task in map(declaration_of, functions) if task is not None]

    def option(self, name: str) -> Any:
        """Return one of the host's options."""
        return getattr(self._host.options, name)

    @property
    def task_memory(self) -> TaskTimes:
        """Return the table in tracker.db."""
        return TaskTimes(self._host.db)

    def check_actions(self, actions: Iterable[Action]) -> None:
        """Refuse a slice that this release cannot do.

        Raises:
            OptionInvalid: An operation is unknown, or one that builds lacks its spec.
        """
        for action in actions:
            if action.operation not in OPERATIONS:
                known = sorted(OPERATIONS)
                hint = nearest(action.operation, known)
                raise OptionInvalid(f"'{action.operation}' is no operation.{hint}", f"There are: {', '.join(known)}.")
            if action.operation == "create" and action.spec is None:
                raise OptionInvalid(f"The action create of {action.name} lacks its spec.")

    def predict(self, actions: Sequence[Action]) -> list[dict[str, Any]]:
        """Return what `reconcile` would say, as far as can be told without doing anything."""
        self.check_actions(actions)
        return [{**make_result(action, 0.0, None), "status": "planned"} for action in actions]

    def offer_images(self, images: Iterable[Image]) -> Offers:
        """Tell of the images of this host that others want."""
        return offer_images(self._host.driver, images)

    def lacking_images(self, images: Iterable[Image], offers: Mapping[str, ImageOffer]) -> list[str]:
        """Return the sources of the images of other hosts that are to be brought here; see `image_transfer`."""
        return lacking_images(self._host.driver, images, offers)

    def read_image(self, image: Image, offer: ImageOffer, begin: int, into: str) -> ImagePiece:
        """Write the next piece of an image of this host to a file; see `ComputeDriver.read_image`."""
        return self._host.driver.read_image(image, offer, begin, into)

    def receive_image(self, image: Image, offer: ImageOffer, piece: ImagePiece, run: str) -> None:
        """Take over a piece of an image of another host; see `ComputeDriver.receive_image`."""
        self._host.driver.receive_image(image, offer, piece, run)

    def claim(
        self, run: str, wishes: Sequence[Wish], actions: Sequence[Action], epoch: int, seconds: float
    ) -> ClaimAnswer:
        """Reserve names and claim room for a run; see `claiming`."""
        self.check_actions(actions)
        return claim(self._host, run, wishes, actions, epoch, seconds)

    def release(self, run: str) -> None:
        """Give back all that a run holds; see `claiming`."""
        release(self._host, run)

    def withdraw(self, run: str, wishes: Sequence[Wish], waiting: Collection[str] = ()) -> None:
        """Give back what a run makes no use of; see `claiming`."""
        withdraw(self._host, run, wishes, waiting)

    def recall(self, hosts: Sequence[str]) -> list[Recollection]:
        """Return what this host knows of others."""
        return Whereabouts(self._host.db).recall(hosts)

    def learn(self, places: Mapping[str, Place], mark: str, run: str, uncertain: Sequence[str]) -> None:
        """Take over where instances are; see `Whereabouts.learn`. The run that tells it ends here."""
        Whereabouts(self._host.db).learn(places, mark, run, uncertain)
        elsewhere = [
            row[0] for host, place in places.items() if host != self._host.options.host for row in place.instances
        ]
        forget_moved(self._host, elsewhere, run)
        if run:
            release(self._host, run)

    def reconcile(
        self,
        actions: Sequence[Action],
        user_data: Mapping[str, bytes],
        run: str = "",
        claimed: Sequence[str] = (),
        contents: Optional[Mapping[str, bytes]] = None,
        image_faults: Optional[Mapping[str, str]] = None,
    ) -> list[dict[str, Any]]:
        """Do this host's slice of a plan; see `reconciliation`.

        Args:
            actions: The slice, in the plan's order.
            user_data: By uuid, for instances to be created or rebuilt; with passphrases, see `reconcile`.
            run: The controller's run; what it has claimed on this host beforehand is used.
            claimed: Uuids of what it has claimed, and must still hold.
            contents: By digest, what config drives are to hold.
            image_faults: By source, why images of other hosts were not brought here.

        Returns:
            One result per action, in order: uuid, name, operation, status (done or failed), seconds, error.
        """
        self.check_actions(actions)
        return reconcile(self._host, actions, user_data, self._progress, run, claimed, contents, image_faults)

    def converge(
        self,
        actions: Sequence[Action],
        user_data: Mapping[str, bytes],
        run: str,
        claimed: Sequence[str],
        contents: Optional[Mapping[str, bytes]] = None,
        image_faults: Optional[Mapping[str, str]] = None,
    ) -> tuple[list[dict[str, Any]], HostReport]:
        """Do as `reconcile`, and read the host afterwards.

        Raises:
            NovellaError: The host cannot go on. It leaves the play then, so nobody would come back to give back what
                the run holds here: that is done at once.
        """
        try:
            return self.reconcile(actions, user_data, run, claimed, contents, image_faults), self.audit()
        except NovellaError:
            self.release(run)
            raise
