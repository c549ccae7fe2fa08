# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The config drive in NoCloud's form, as cloud-init's NoCloud reads it.

NoCloud knows no files to be written. So they come as a script in the vendor data, which cloud-init runs early in every
boot; beside it they lie on the drive as they are.
"""

from __future__ import annotations

import base64
import json
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ..objects.instance import Instance
from .guest_names import full_name
from .handed_over import HandedOver
from .injected_file import InjectedFile
from .network_data import network_config

META_DATA = "meta-data"
USER_DATA = "user-data"
VENDOR_DATA = "vendor-data"
NETWORK_CONFIG = "network-config"
# Of the key under which cloud-init looks in OpenStack's vendor data, too.
CLOUD_INIT = "cloud-init"
FILES, GIVEN_VENDOR_DATA, CONTENT = "files.json", "vendor_data.json", "content/"
USUAL_MODE = "0644"
LINE = 76
HEAD = """\
#cloud-boothook
#!/bin/sh
# Write the files that this instance's config drive holds.
put() {
  mkdir -p "$(dirname "$1")" && rm -f "$1.novella" && (umask 077 && base64 -d >"$1.novella") &&
    chmod "$2" "$1.novella" && mv -f "$1.novella" "$1"
}
"""


def write(instance: Instance, handed: HandedOver) -> dict[str, bytes]:
    """Return the files of the drive, path to content."""
    files = {
        META_DATA: _json(_meta_data(instance, handed)),
        # Without a file of this name the whole drive is passed over.
        USER_DATA: handed.user_data or b"",
        NETWORK_CONFIG: _json(network_config(instance.spec)),
    }
    parts = [*_boothook(handed.files), *_vendor_parts(handed.vendor_data)]
    if parts:
        files[VENDOR_DATA] = _multipart(parts)
    if handed.vendor_data is not None:
        files[GIVEN_VENDOR_DATA] = handed.vendor_data
    if handed.files:
        listed = [
            {"path": file.path, "content_path": f"{CONTENT}{index:04}", "mode": file.mode}
            for index, file in enumerate(handed.files)
        ]
        files[FILES] = _json(listed)
    for index, file in enumerate(handed.files):
        files[f"{CONTENT}{index:04}"] = file.content
    return files


def read(files: Mapping[str, bytes]) -> HandedOver:
    """Return what was handed over.

    Raises:
        KeyError, TypeError, ValueError: The drive is damaged.
    """
    meta_data = json.loads(files[META_DATA])
    listed = json.loads(files[FILES]) if FILES in files else []
    return HandedOver(
        user_data=files[USER_DATA] or None,
        vendor_data=files.get(GIVEN_VENDOR_DATA),
        files=[InjectedFile(item["path"], files[item["content_path"]], item["mode"]) for item in listed],
        random_seed=meta_data["random_seed"],
    )


def _meta_data(instance: Instance, handed: HandedOver) -> dict[str, Any]:
    spec = instance.spec
    return {
        "instance-id": instance.uuid,
        "local-hostname": full_name(spec),
        "name": spec.name,
        "availability-zone": spec.availability_zone,
        "project-id": spec.project_id,
        "meta": dict(spec.metadata),
        "public-keys": list(spec.ssh_keys),
        "random_seed": handed.random_seed,
    }


def _boothook(files: Sequence[InjectedFile]) -> list[str]:
    if not files:
        return []
    puts = []
    for file in files:
        text = "\n".join(textwrap.wrap(base64.b64encode(file.content).decode("ascii"), LINE))
        call = shlex.join(["put", file.path, file.mode or USUAL_MODE])
        puts.append(f"{call} <<'NOVELLA'\n{text}\nNOVELLA\n")
    return [HEAD + "".join(puts)]


def _vendor_parts(vendor_data: Optional[bytes]) -> list[str]:
    told = {} if vendor_data is None else json.loads(vendor_data)
    parts = told.get(CLOUD_INIT, [])
    return [parts] if isinstance(parts, str) else list(parts)


def _multipart(parts: Sequence[str]) -> bytes:
    # Few guests need it.
    from email.mime.multipart import MIMEMultipart
    from email.mime.text import MIMEText

    whole = MIMEMultipart()
    for part in parts:
        # cloud-init finds out what a plain part is by its first line.
        whole.attach(MIMEText(part, "plain", "utf-8"))
    return whole.as_bytes()


def _json(content: Any) -> bytes:
    # JSON is YAML, too.
    return json.dumps(content, indent=1).encode()
