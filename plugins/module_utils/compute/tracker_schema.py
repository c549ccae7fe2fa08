# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of tracker.db."""

from __future__ import annotations

VERSION = "1.2"

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
    "claimed_resources": """
CREATE {temporary} TABLE claimed_resources (
    uuid TEXT NOT NULL REFERENCES claims (uuid) ON DELETE CASCADE, resource_class TEXT NOT NULL,
    amount INTEGER NOT NULL, PRIMARY KEY (uuid, resource_class))
""",
    "claimed_hardware": """
CREATE {temporary} TABLE claimed_hardware (
    uuid TEXT PRIMARY KEY REFERENCES claims (uuid) ON DELETE CASCADE, chosen TEXT NOT NULL)
""",
}
