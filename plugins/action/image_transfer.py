# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind module image_transfer: it asks hosts for images that other hosts lack, and brings them there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.utils.display import Display
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import NovellaError
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Image
from ansible_collections.novella.compute.plugins.module_utils.virt.image_pieces import MOST_PACKED, NAME
from ansible_collections.novella.compute.plugins.plugin_utils.controller_input import to_plain
from ansible_collections.novella.compute.plugins.plugin_utils.host_action import HostAction
from ansible_collections.novella.compute.plugins.plugin_utils.image_store import ImageStore, list_pieces, name_piece
from ansible_collections.novella.compute.plugins.plugin_utils.planner.answers import complaint

# The names under which the playbook registers.
OFFER, LACK, FETCH = "novella_image_offer", "novella_image_lack", "novella_image_fetch"
_MODULE = "image_transfer"
_MIB = 1 << 20


class ActionModule(HostAction):
    """See the module of the same name."""

    TRANSFERS_FILES = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._task.args.get("phase") == "forget":
            self._store({}).forget()
            return {"changed": False}
        return super().run(tmp, task_vars)

    def ask(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        arguments = {**arguments, "images": to_plain(arguments.get("images") or [], "images")}
        work = {"lack": self._lack, "fetch": self._fetch, "deliver": self._deliver}.get(str(arguments.get("phase")))
        return super().ask(arguments, variables) if work is None else work(arguments, variables)

    def _lack(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        offers, asked, lacking = {}, [], []
        for image in _images(arguments):
            said = _said(variables, image.host, OFFER)
            if offer := said.get("offers", {}).get(image.source):
                offers[image.source] = offer
            # Which content is meant nobody knows then.
            if image.checksum is None and image.source in said.get("faults", {}):
                lacking.append(image.source)
            else:
                asked.append(image.as_dict(sparse=True))
        if not asked:
            return {"changed": False, "lacking": lacking}
        answer = self.call(_MODULE, {**arguments, "images": asked, "offers": offers}, variables)
        return {**answer, "lacking": [*lacking, *answer.get("lacking", [])]}

    def _fetch(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Have each image that is lacked anywhere here, on the controller."""
        lacked = {source for host in arguments["hosts"] for source in _said(variables, host, LACK).get("lacking", [])}
        offers = _said(variables, arguments["host"], OFFER).get("offers", {})
        images = [image for image in _images(arguments) if image.source in lacked and image.source in offers]
        if not images or self._task.check_mode:
            return {"changed": False, "skipped": not images, "fetched": {}, "faults": {}}
        fetched, faults = {}, {}
        for image in images:
            try:
                fetched[image.source] = self._fetch_image(image, offers[image.source], arguments, variables)
            except (NovellaError, OSError) as error:
                faults[image.source] = str(error)
        return {"changed": False, "fetched": fetched, "faults": faults}

    def _fetch_image(
        self, image: Image, offer: dict[str, Any], arguments: dict[str, Any], variables: dict[str, Any]
    ) -> str:
        store = self._store(arguments)
        folder, begin = store.open(image.source, offer["mark"]), 0
        Display().display(f"  Image '{image.name}' comes from {image.host} ({_size(offer)})")
        while True:
            # What comes out packed is at most a little more than what went in.
            store.check_room(min(offer["length"] - begin, MOST_PACKED) + _MIB)
            file = self._remote_path()
            piece = self._ask_for_piece(image, offer, {"file": file, "begin": begin}, arguments, variables)["piece"]
            self._connection.fetch_file(file, str(folder / name_piece(piece)))
            begin = piece["end"]
            if begin >= offer["length"]:
                return str(folder)

    def _deliver(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Bring this host what it lacks."""
        lacking = _said(variables, arguments["host"], LACK).get("lacking", [])
        brought, faults = [], {}
        for image in _images(arguments):
            if image.source not in lacking:
                continue
            said, fetch = _said(variables, image.host, OFFER), _said(variables, image.host, FETCH)
            offer = said.get("offers", {}).get(image.source)
            folder = fetch.get("fetched", {}).get(image.source)
            if offer is None or (folder is None and not self._task.check_mode):
                faults[image.source] = _explain(image, said, fetch)
            elif self._task.check_mode:
                brought.append(image.source)
                what = f"would be brought from {image.host} to {arguments['host']} ({_size(offer)})"
                Display().display(f"  Check mode: image '{image.name}' {what}")
            else:
                try:
                    self._deliver_image(image, offer, Path(folder), arguments, variables)
                    brought.append(image.source)
                except (NovellaError, OSError) as error:
                    faults[image.source] = str(error)
        result: dict[str, Any] = {"changed": bool(brought), "skipped": not (brought or faults), "faults": faults}
        # A run tells what fails for it at its end. Check mode builds nothing, and would not.
        warnings = {"warnings": list(faults.values())} if faults and self._task.check_mode else {}
        return {**result, "brought": brought, **warnings}

    def _deliver_image(
        self, image: Image, offer: dict[str, Any], folder: Path, arguments: dict[str, Any], variables: dict[str, Any]
    ) -> None:
        for piece in list_pieces(folder):
            file = self._remote_path()
            self._transfer_file(piece.file, file)
            self._fixup_perms2([str(Path(file).parent), file])
            self._ask_for_piece(image, offer, {**piece.as_dict(), "file": file}, arguments, variables)

    def _ask_for_piece(
        self,
        image: Image,
        offer: dict[str, Any],
        piece: dict[str, Any],
        arguments: dict[str, Any],
        variables: dict[str, Any],
    ) -> dict[str, Any]:
        asked = {
            **arguments,
            "images": [image.as_dict(sparse=True)],
            "offers": {image.source: offer},
            "piece": piece,
            # Only to tell this run's images from another's.
            "run": str(arguments.get("run", "")).partition("/")[0],
        }
        answer = self.call(_MODULE, asked, variables)
        if answer.get("failed"):
            raise NovellaError(str(answer.get("msg")).removeprefix(f"{arguments['host']}: "))
        return answer

    def _remote_path(self) -> str:
        """Return where a piece is on the host, in the task's folder, which Ansible removes."""
        folder = self._connection._shell.tmpdir or self._make_tmp_path()
        return str(self._connection._shell.join_path(folder, NAME))

    def _store(self, arguments: Mapping[str, Any]) -> ImageStore:
        return ImageStore(str(constants.DEFAULT_LOCAL_TMP), str(arguments.get("run", "")))


def _images(arguments: Mapping[str, Any]) -> list[Image]:
    return [Image.from_dict(data, "images") for data in arguments["images"]]


def _said(variables: Mapping[str, Any], host: Any, name: str) -> dict[str, Any]:
    """Return what a host answered in an earlier task, or Ansible for it."""
    known_hosts = variables["hostvars"]
    said = (known_hosts.raw_get(host).get(name) if host in known_hosts else None) or {}
    known = ("offers", "faults", "lacking", "fetched", "msg", "failed", "unreachable")
    return {key: to_plain(said[key], key) for key in known if key in said}


def _explain(image: Image, offer: Mapping[str, Any], fetch: Mapping[str, Any]) -> str:
    """Return why an image did not come."""
    if reason := fetch.get("faults", {}).get(image.source) or offer.get("faults", {}).get(image.source):
        return str(reason)
    silent = offer if offer.get("failed") or offer.get("unreachable") or not fetch else fetch
    return f"Image '{image.name}' is at {image.path} on {image.host}, which does not offer it: {complaint(silent)}"


def _size(offer: Mapping[str, Any]) -> str:
    return f"{max(1, int(offer['length']) // _MIB)} MiB"
