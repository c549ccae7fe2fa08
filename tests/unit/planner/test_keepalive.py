# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
from ansible_collections.novella.compute.plugins.plugin_utils.keepalive import KEEPALIVE, keep_alive


class Connection:
    """As much of a connection plugin as is asked for."""

    def __init__(self, transport="ssh", **options):
        self.transport = transport
        self.options = options

    def get_option(self, name):
        return self.options.get(name)

    def set_option(self, name, value):
        self.options[name] = value


def test_ssh_asks_a_silent_host_for_a_sign_of_life():
    connection = Connection(ssh_args="-C -o ControlMaster=auto", ssh_extra_args="-o Compression=yes")
    keep_alive(connection)
    assert connection.options["ssh_extra_args"] == f"-o Compression=yes {KEEPALIVE}"
    assert connection.options["ssh_args"] == "-C -o ControlMaster=auto"


@pytest.mark.parametrize("option", ["ssh_args", "ssh_common_args", "ssh_extra_args"])
def test_what_the_operator_says_of_it_holds(option):
    connection = Connection(**{option: "-o serveraliveinterval=60"})
    keep_alive(connection)
    assert connection.options == {option: "-o serveraliveinterval=60"}


def test_twice_is_as_once():
    connection = Connection()
    keep_alive(connection)
    keep_alive(connection)
    assert connection.options == {"ssh_extra_args": KEEPALIVE}


def test_other_connections_are_left_alone():
    connection = Connection("local")
    keep_alive(connection)
    assert connection.options == {}
