# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all lookups share: options that are checked, and errors in Ansible's family."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleLookupError, AnsibleOptionsError
from ansible.plugins.lookup import LookupBase
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    InvalidInput,
    NovellaError,
    OptionInvalid,
    nearest,
)


def read_options(lookup: LookupBase, variables: Mapping[str, Any], keywords: Mapping[str, Any]) -> None:
    """Set a lookup's options. Ansible itself ignores a keyword that it does not know.

    Raises:
        OptionInvalid: A keyword is unknown.
    """
    name = lookup._load_name
    shown = f"novella.compute.{name.rpartition('.')[2]}"
    known = [option for option in C.config.get_configuration_definitions("lookup", name) if option[0] != "_"]
    for keyword in keywords:
        if keyword not in known:
            raise OptionInvalid(
                f"The lookup {shown} has no option '{keyword}'.{nearest(keyword, known)}",
                f"Known are {', '.join(known)}.",
            )
    # Ansible hands over the variables behind options as they are written, templates and all.
    behind = C.config.get_plugin_vars("lookup", name)
    values = {option: lookup._templar.template(variables[option]) for option in behind if option in variables}
    lookup.set_options(var_options=values, direct=keywords)


@contextlib.contextmanager
def speaking_ansible() -> Iterator[None]:
    """Turn Novella's errors into Ansible's, with the remedy as help."""
    try:
        yield
    except InvalidInput as error:
        raise AnsibleOptionsError(error.message, help_text=error.remedy or None) from None
    except NovellaError as error:
        raise AnsibleLookupError(error.message, help_text=error.remedy or None) from None
