# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of tracker.db."""

from __future__ import annotations

VERSION = "1.4"

FIRST_SCHEMA = """
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE claims (
    uuid TEXT PRIMARY KEY, name TEXT NOT NULL, vcpus INTEGER NOT NULL, memory_mb INTEGER NOT NULL,
    disk_gb INTEGER NOT NULL, owner TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE journal (
    uuid TEXT PRIMARY KEY, name TEXT NOT NULL, operation TEXT NOT NULL, owner TEXT NOT NULL,
    started_at TEXT NOT NULL, notes TEXT NOT NULL DEFAULT '{}');
CREATE TABLE steps (
    uuid TEXT NOT NULL REFERENCES journal (uuid) ON DELETE CASCADE, step TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (uuid, step));
CREATE TABLE instances (uuid TEXT PRIMARY KEY, name TEXT NOT NULL, fleet TEXT NOT NULL, project_id TEXT NOT NULL);
CREATE TABLE actions (
    id INTEGER PRIMARY KEY, uuid TEXT NOT NULL, operation TEXT NOT NULL, started_at TEXT NOT NULL,
    finished_at TEXT NOT NULL, result TEXT NOT NULL, message TEXT NOT NULL);
CREATE INDEX actions_by_uuid ON actions (uuid);
"""
# What later minor versions brought. A release that knows 1.0 only reads past it, and its deletes cascade all the same.
ADDED = {
    "periodic_tasks": """
CREATE {temporary} TABLE periodic_tasks (
    name TEXT PRIMARY KEY, wall REAL NOT NULL, boot_id TEXT NOT NULL, uptime REAL NOT NULL, error TEXT NOT NULL)
""",
    "claimed_resources": """
CREATE {temporary} TABLE claimed_resources (
    uuid TEXT NOT NULL REFERENCES claims (uuid) ON DELETE CASCADE, resource_class TEXT NOT NULL,
    amount INTEGER NOT NULL, PRIMARY KEY (uuid, resource_class))
""",
    "claimed_hardware": """
CREATE {temporary} TABLE claimed_hardware (
    uuid TEXT PRIMARY KEY REFERENCES claims (uuid) ON DELETE CASCADE, chosen TEXT NOT NULL)
""",
    "claimed_groups": """
CREATE {temporary} TABLE claimed_groups (
    uuid TEXT PRIMARY KEY REFERENCES claims (uuid) ON DELETE CASCADE, server_group TEXT NOT NULL)
""",
    "reservations": """
CREATE {temporary} TABLE reservations (
    name TEXT PRIMARY KEY, owner TEXT NOT NULL, epoch INTEGER NOT NULL, before INTEGER NOT NULL)
""",
    "places": """
CREATE {temporary} TABLE places (host TEXT PRIMARY KEY, generation INTEGER NOT NULL)
""",
    "whereabouts": """
CREATE {temporary} TABLE whereabouts (
    uuid TEXT PRIMARY KEY, name TEXT NOT NULL, host TEXT NOT NULL, generation INTEGER NOT NULL, run TEXT NOT NULL)
""",
    "action_subjects": """
CREATE {temporary} TABLE action_subjects (
    action_id INTEGER PRIMARY KEY REFERENCES actions (id) ON DELETE CASCADE, request_id TEXT, name TEXT NOT NULL,
    fleet TEXT, project_id TEXT)
""",
    "events": """
CREATE {temporary} TABLE events (
    action_id INTEGER NOT NULL REFERENCES actions (id) ON DELETE CASCADE, position INTEGER NOT NULL,
    event TEXT NOT NULL, started_at TEXT, finished_at TEXT, result TEXT, details TEXT,
    PRIMARY KEY (action_id, position)) WITHOUT ROWID
""",
    "faults": """
CREATE {temporary} TABLE faults (
    action_id INTEGER PRIMARY KEY REFERENCES actions (id) ON DELETE CASCADE, uuid TEXT NOT NULL UNIQUE,
    code TEXT NOT NULL, message TEXT NOT NULL, details TEXT, created_at TEXT NOT NULL)
""",
    "console_tokens": """
CREATE {temporary} TABLE console_tokens (
    digest TEXT PRIMARY KEY, uuid TEXT NOT NULL, kind TEXT NOT NULL, expires REAL NOT NULL)
""",
    "migrations": """
CREATE {temporary} TABLE migrations (
    uuid TEXT PRIMARY KEY, instance_uuid TEXT NOT NULL, is_open INTEGER NOT NULL, document TEXT NOT NULL)
""",
    "volume_claims": """
CREATE {temporary} TABLE volume_claims (
    volume TEXT PRIMARY KEY, uuid TEXT NOT NULL REFERENCES journal (uuid) ON DELETE CASCADE, disk_gb INTEGER NOT NULL)
""",
}
