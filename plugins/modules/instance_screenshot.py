# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_screenshot
short_description: Take a picture of what an instance's screen shows
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Writes a PNG of an instance's screen to a file on the controller. The guest is not touched.
  - Guests have a screen where O(vnc_server_listen) or O(spice_server_listen) is set for their host when they are
    started for the first time or rebooted hard. What is said on the serial console is told by
    M(novella.compute.instance_info).
  - A screen of more than 8192 pixels a side is refused, and a picture of more than 32 MiB.
extends_documentation_fragment:
  - novella.compute.attributes
  - novella.compute.attributes.action_group
  - novella.compute.host
attributes:
  check_mode:
    support: full
    details: The picture is taken, and not written.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: A file that holds the very same picture is left alone.
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
  dest:
    description:
      - The file to write, on the controller, in a folder that is there. One that is there is replaced.
      - Only its owner may read it.
    type: path
    required: true
seealso:
  - module: novella.compute.instance_console
  - module: novella.compute.instance_info
"""

EXAMPLES = r"""
- name: Take a picture of the screen of an instance
  novella.compute.instance_screenshot:
    name: web-1
    dest: web-1.png
"""

RETURN = r"""
screenshot:
  description: The picture.
  returned: success
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
    width:
      description: In pixels.
      type: int
      sample: 720
    height:
      description: In pixels.
      type: int
      sample: 400
    size_bytes:
      description: How large the PNG is.
      type: int
      sample: 4711
    dest:
      description: The file on the controller.
      type: str
      sample: /tmp/web-1.png
"""

import base64

from ansible.module_utils.basic import AnsibleModule

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
            "dest": {"type": "path", "required": True},
        },
        required_one_of=[("name", "uuid")],
        supports_check_mode=True,
    )
    params = module.params
    selection = Selection(
        [] if params["name"] is None else [params["name"]],
        [] if params["uuid"] is None else [params["uuid"]],
        params["fleet"],
        params["project_id"],
    )
    with compute_manager(module, read_only=True) as manager:
        taken = manager.take_screenshot(selection)
    picture = taken.picture
    module.exit_json(
        # Its action writes the file, and says whether that changes it.
        changed=False,
        screenshot={
            "uuid": taken.uuid,
            "name": taken.name,
            "host": taken.host,
            "width": picture.width,
            "height": picture.height,
            "size_bytes": len(picture.png),
            "dest": params["dest"],
        },
        content=base64.b64encode(picture.png).decode(),
    )


if __name__ == "__main__":
    main()
