# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_console
short_description: Tell where the screen of an instance can be reached
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Returns address and port of an instance's screen, and a token that stands for the permission to look at it. A proxy
    in front of the host asks this module whether a token is good.
  - A token is good once, and not for long. The host keeps its digest only.
  - Guests have a screen where O(vnc_server_listen) or O(spice_server_listen) is set for their host when they are
    started for the first time or rebooted hard, and a serial console at a port where O(serial_server_listen) is.
extends_documentation_fragment:
  - novella.compute.attributes
  - novella.compute.attributes.action_group
  - novella.compute.host
attributes:
  check_mode:
    support: full
    details: It makes and spends no token.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each run makes a new token, or spends one.
options:
  name:
    description:
      - The instance.
    type: str
  uuid:
    description:
      - Likewise. Exactly one instance of the host must be meant.
    type: str
  fleet:
    description:
      - Only an instance of this fleet.
    type: str
  project_id:
    description:
      - Only an instance of this project.
    type: str
  type:
    description:
      - The kind of screen; V(serial) is the serial console.
    type: str
    choices: [vnc, spice, serial]
    default: vnc
  token_ttl:
    description:
      - For how many seconds the token is good.
    type: int
    default: 600
  token:
    description:
      - Say whether this token is good for O(port), and spend it. No instance is named then.
    type: str
  port:
    description:
      - The port that who holds O(token) wants to reach.
    type: int
seealso:
  - module: novella.compute.instance_info
"""

EXAMPLES = r"""
- name: Ask for the screen of an instance
  novella.compute.instance_console:
    name: web-1
    type: vnc
  register: novella_instance_console

- name: Say where it is
  ansible.builtin.debug:
    msg: "{{ novella_instance_console.console.address }}:{{ novella_instance_console.console.port }}"
"""

RETURN = r"""
console:
  description: The screen.
  returned: unless O(token) is given
  type: dict
  contains:
    uuid:
      description: The instance.
      type: str
      sample: 6ba7b811-9dad-51d1-80b4-00c04fd430c8
    name:
      description: Its name.
      type: str
      sample: web-1
    host:
      description: Where it is.
      type: str
      sample: kvm1
    type:
      description: The kind of screen.
      type: str
      sample: vnc
    address:
      description: Where it listens.
      type: str
      sample: 127.0.0.1
    port:
      description: At which port.
      type: int
      sample: 5900
    tls_port:
      description: At which port it listens for TLS; null where it does not.
      type: int
      sample: 5901
    token:
      description: The token; null in check mode.
      type: str
      sample: Zm9vYmFyYmF6cXV4
    expires_at:
      description: Until when it is good.
      type: str
      sample: "2026-11-21T10:25:30Z"
topic:
  description: What Nova calls the queue of this host's console proxy.
  returned: unless O(token) is given
  type: str
  sample: console.kvm1
pool_info:
  description: How a proxy opens this host's screens, as Nova's get_console_pool_info tells it; there is no user.
  returned: unless O(token) is given
  type: dict
  sample: {address: 127.0.0.1, username: "", password: ""}
valid:
  description: Whether O(token) is good for O(port).
  returned: where O(token) is given
  type: bool
  sample: true
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.compute.consoles import KINDS, TOKEN_SECONDS
from ..module_utils.compute.instance_details import Selection
from ..module_utils.door import compute_manager
from ..module_utils.host_arguments import host_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **host_argument_spec(),
            "name": {"type": "str"},
            "uuid": {"type": "str"},
            "fleet": {"type": "str"},
            "project_id": {"type": "str"},
            "type": {"type": "str", "choices": list(KINDS), "default": KINDS[0]},
            "token_ttl": {"type": "int", "default": TOKEN_SECONDS, "no_log": False},
            "token": {"type": "str", "no_log": True},
            "port": {"type": "int"},
        },
        required_one_of=[("name", "uuid", "token")],
        mutually_exclusive=[("name", "token"), ("uuid", "token")],
        required_together=[("token", "port")],
        supports_check_mode=True,
    )
    params = module.params
    with compute_manager(module) as manager:
        if params["token"] is not None:
            valid = not module.check_mode and manager.validate_console(params["token"], params["port"])
            module.exit_json(changed=valid, valid=valid)
        selection = Selection(
            [] if params["name"] is None else [params["name"]],
            [] if params["uuid"] is None else [params["uuid"]],
            params["fleet"],
            params["project_id"],
        )
        access = manager.grant_console(selection, params["type"], params["token_ttl"], module.check_mode)
    module.exit_json(
        changed=True,
        console=access.as_dict(),
        topic=f"console.{access.host}",
        pool_info={"address": access.address, "username": "", "password": ""},
    )


if __name__ == "__main__":
    main()
