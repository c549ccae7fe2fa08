# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where every instance of the fleet was last known to be: each host has a copy, so that any can tell of a dead one.

A place is a host with all its instances, as of a count of its changes (its generation). Controllers hand places over
after each change; a name that is about to be made somewhere is written down before it is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..objects.whereabouts import Place, Recollection, Whereabout
from .reservations import Reservations, instance_key
from .tracker_db import TrackerDB

MARK = "whereabouts_mark"


class Whereabouts:
    """This host's copy."""

    def __init__(self, db: TrackerDB) -> None:
        self._db = db

    @property
    def mark(self) -> str:
        """Return what the controller called the state of the fleet that it handed over last.

        None counts while something is announced by a run that has died since: the next run is to tell all.
        """
        return "" if self._dead_announcements() else str(self._db.get_fact(MARK, ""))

    def expect(self, coming: Iterable[Whereabout], run: str) -> None:
        """Write down where instances are about to be made by a run."""
        with self._db.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO whereabouts VALUES (?, ?, ?, ?, ?)",
                [(item.uuid, item.name, item.host, item.generation, run) for item in coming],
            )

    def forget(self, run: str, uuids: Iterable[str]) -> None:
        """Drop what a run has announced and given up."""
        with self._db.transaction() as connection:
            connection.executemany(
                "DELETE FROM whereabouts WHERE uuid = ? AND run = ?", [(uuid, run) for uuid in uuids]
            )

    def learn(self, places: Mapping[str, Place], mark: str, run: str, uncertain: Sequence[str]) -> None:
        """Take over what a controller knows at the end of its run.

        Args:
            places: By host, all its instances; they replace what was known of it.
            mark: The controller's name for this state of the fleet.
            run: Its id: what it announced and is in none of the places has not come to be.
            uncertain: Uuids of which the run does not know whether they have.
        """
        with self._db.transaction() as connection:
            connection.executemany("UPDATE whereabouts SET run = '' WHERE uuid = ?", [(uuid,) for uuid in uncertain])
            if run:
                connection.execute("DELETE FROM whereabouts WHERE run = ?", (run,))
            dead = [(uuid,) for uuid, host in self._dead_announcements() if host in places]
            connection.executemany("DELETE FROM whereabouts WHERE uuid = ?", dead)
            for host, place in places.items():
                known = connection.execute("SELECT generation FROM places WHERE host = ?", (host,)).fetchone()
                if known is not None and known["generation"] > place.generation:
                    continue  # another controller has told of something newer
                connection.execute("DELETE FROM whereabouts WHERE host = ? AND run = ''", (host,))
                connection.execute("INSERT OR REPLACE INTO places VALUES (?, ?)", (host, place.generation))
                connection.executemany(
                    "INSERT OR REPLACE INTO whereabouts VALUES (?, ?, ?, ?, '')",
                    [(uuid, name, host, generation) for uuid, name, generation in place.instances],
                )
            self._db.set_fact(MARK, mark)

    def _dead_announcements(self) -> list[tuple[str, str]]:
        """Return uuid and host of what was announced by runs that have ended without a word."""
        reservations = Reservations(self._db)
        rows = self._db.query("SELECT uuid, host FROM whereabouts WHERE run != ''")
        return [(row["uuid"], row["host"]) for row in rows if not reservations.is_held(instance_key(row["uuid"]))]

    def recall(self, hosts: Sequence[str]) -> list[Recollection]:
        """Return what is known of these hosts; of one that was never handed over, its announced instances alone."""
        recollections = []
        for host in hosts:
            known = self._db.query("SELECT generation FROM places WHERE host = ?", host)
            rows = self._db.query("SELECT * FROM whereabouts WHERE host = ? ORDER BY name, uuid", host)
            found = [(row["run"], Whereabout(row["uuid"], row["name"], host, row["generation"])) for row in rows]
            recollections.append(
                Recollection(
                    host,
                    known[0]["generation"] if known else None,
                    [item for run, item in found if not run],
                    [item for run, item in found if run],
                )
            )
        return recollections
