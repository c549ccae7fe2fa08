# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_transfer
short_description: Bring images from one compute node to another
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - A fleet may have images that are on one of its hosts only, such as snapshots. They have the source C(HOST:/path).
    The playbook C(novella.compute.apply) uses this module to bring them to the hosts that are about to use them. There
    is no reason to use it elsewhere.
  - An image travels in packed pieces, over the connections that Ansible has to both hosts, by way of a folder of the
    controller that is removed at the end of the run. Hosts need not reach each other, and nothing listens anywhere. It
    is fetched once, however many hosts want it, and only if one of them lacks it.
  - The host that receives it trusts neither the other host nor the controller. It checks the image as it does any other
    before it has a name in its cache.
extends_documentation_fragment:
  - novella.compute.attributes
  - novella.compute.attributes.action_group
  - novella.compute.host
attributes:
  check_mode:
    support: full
    details: Nothing is transferred. What would be is told.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  phase:
    description:
      - What the host is asked for. With V(offer) it tells of its images, and with V(lack) which of the other hosts'
        images it has to be brought; with V(fetch) it reads a piece, and with V(deliver) it takes one over.
      - V(forget) removes what the controller holds.
    type: str
    choices: [offer, lack, fetch, deliver, forget]
    required: true
  images:
    description:
      - The images, as plans have them.
    type: list
    elements: dict
    default: []
  offers:
    description:
      - What hosts said of their images, by source.
    type: dict
    default: {}
  piece:
    description:
      - With V(fetch) and V(deliver) of O(phase), the file of the piece, the byte that it begins with, and that before
        which it ends.
    type: dict
    suboptions:
      file:
        description: The path on the host.
        type: path
        required: true
      begin:
        description: The first byte.
        type: int
        required: true
      end:
        description: The byte after the last one; with V(fetch) of O(phase) it is not known yet.
        type: int
        default: 0
  hosts:
    description:
      - With V(fetch) of O(phase), the hosts that have been asked what they lack.
    type: list
    elements: str
    default: []
  run:
    description:
      - The id of the run, as M(novella.compute.plan) returns it.
    type: str
    default: ""
seealso:
  - module: novella.compute.reconcile
"""

EXAMPLES = r"""
- name: See whether other hosts could have these images
  novella.compute.image_transfer:
    host: "{{ inventory_hostname }}"
    phase: offer
    images:
      - name: app
        source: kvm1:/srv/images/app.qcow2
  when: inventory_hostname == 'kvm1'
"""

RETURN = r"""
offers:
  description: By source, how long an image is, in bytes, and a mark that differs when its content does.
  returned: when O(phase=offer)
  type: dict
  sample:
    "kvm1:/srv/images/app.qcow2": {"mark": "…", "length": 786432000}
faults:
  description: By source, why an image is not to be had.
  returned: when O(phase) is V(offer), V(fetch) or V(deliver)
  type: dict
  sample:
    "kvm1:/srv/images/app.qcow2": "Image 'app' is not at /srv/images/app.qcow2 on kvm1."
lacking:
  description: The sources of the images that are to be brought here.
  returned: when O(phase=lack)
  type: list
  elements: str
  sample: ["kvm1:/srv/images/app.qcow2"]
piece:
  description: The piece that was read.
  returned: when a piece is read
  type: dict
  sample: {"file": "/tmp/piece", "begin": 0, "end": 67108864}
fetched:
  description: By source, the folder of the controller that has its pieces.
  returned: when O(phase=fetch)
  type: dict
  sample: {}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.door import compute_manager, host_argument_spec
from ..module_utils.objects.errors import OptionInvalid
from ..module_utils.objects.image_transfer import ImageOffer, ImagePiece
from ..module_utils.objects.ingredients import Image

PIECE = {
    "file": {"type": "path", "required": True},
    "begin": {"type": "int", "required": True},
    "end": {"type": "int", "default": 0},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **host_argument_spec(),
            "phase": {
                "type": "str",
                "choices": ["offer", "lack", "fetch", "deliver", "forget"],
                "required": True,
            },
            "images": {"type": "list", "elements": "dict", "default": []},
            "offers": {"type": "dict", "default": {}},
            "piece": {"type": "dict", "options": PIECE},
            "hosts": {"type": "list", "elements": "str", "default": []},
            "run": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    params, phase = module.params, module.params["phase"]
    outcome = {"changed": False}
    # What dead runs left behind, the reconcile afterwards recovers.
    with compute_manager(module, recovers=False) as manager:
        images = [Image.from_dict(data, f"images[{index}]") for index, data in enumerate(params["images"])]
        offers = {source: ImageOffer.from_dict(data, "offers") for source, data in params["offers"].items()}
        if phase == "offer":
            found = manager.offer_images(images)
            outcome["offers"] = {source: offer.as_dict() for source, offer in found.offers.items()}
            outcome["faults"] = found.faults
        elif phase == "lack":
            outcome["lacking"] = manager.lacking_images(images, offers)
        elif phase != "forget":
            if len(images) != 1 or params["piece"] is None or images[0].source not in offers:
                raise OptionInvalid(f"To {phase} takes one image, its offer and a piece.")
            image, offer, piece = images[0], offers[images[0].source], ImagePiece.from_dict(params["piece"], "piece")
            outcome["changed"] = phase == "deliver"
            if module.check_mode:
                pass
            elif phase == "fetch":
                outcome["piece"] = manager.read_image(image, offer, piece.begin, piece.file).as_dict()
            else:
                manager.receive_image(image, offer, piece, params["run"])
    module.exit_json(**outcome)


if __name__ == "__main__":
    main()
