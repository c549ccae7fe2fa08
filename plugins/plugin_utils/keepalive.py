# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Noticing a host that hangs: its kernel keeps the connection, and ssh alone would wait for ever."""

from __future__ import annotations

from typing import Any

SSH_OPTIONS = ("ssh_args", "ssh_common_args", "ssh_extra_args")
# A minute of silence. sshd answers these itself, so a module that works for hours is not cut off.
KEEPALIVE = "-o ServerAliveInterval=15 -o ServerAliveCountMax=4"


def keep_alive(connection: Any) -> None:
    """Have an ssh connection end when its host has fallen silent, unless the operator has said how.

    Args:
        connection: The task's connection plugin, with its options set.
    """
    if connection.transport != "ssh":
        return
    given = {option: str(connection.get_option(option) or "") for option in SSH_OPTIONS}
    if any("serveraliveinterval" in arguments.lower() for arguments in given.values()):
        return
    connection.set_option("ssh_extra_args", f"{given['ssh_extra_args']} {KEEPALIVE}".strip())
