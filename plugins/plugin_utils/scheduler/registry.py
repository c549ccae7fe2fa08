# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds filters and weighers by Nova's name, or by the fully qualified name of a user's own."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid, nearest

from .errors import PluginFailed
from .filters import BaseHostFilter
from .options import SchedulerOptions
from .weights import BaseHostWeigher

P = TypeVar("P", BaseHostFilter, BaseHostWeigher)

SUB_PLUGINS = "ansible_collections.{}.plugins.sub_plugins.{}.{}"
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def load_filters(names: list[str], options: SchedulerOptions) -> list[BaseHostFilter]:
    """Return the filters of these names, ready to use and in their order.

    Raises:
        OptionInvalid: There is no such filter.
        PluginFailed: A user's filter cannot be loaded.
    """
    return [_find("scheduler_filter", BaseHostFilter, name)(name, options) for name in names]


def load_weighers(names: list[str], options: SchedulerOptions) -> list[BaseHostWeigher]:
    """Return the weighers of these names. Raises as `load_filters` does."""
    return [_find("scheduler_weigher", BaseHostWeigher, name)(name, options) for name in names]


def _find(kind: str, base: type[P], name: str) -> type[P]:
    if re.fullmatch(r"\w+", name):
        module = _import(SUB_PLUGINS.format("novella.compute", kind, _WORD.sub("_", name).lower()), name)
        found = getattr(module, name, None)
        if not (isinstance(found, type) and issubclass(found, base)):
            raise _unknown(kind, base, name)
        return found
    if not re.fullmatch(r"\w+\.\w+\.\w+", name):
        raise _unknown(kind, base, name)
    collection, _dot, file = name.rpartition(".")
    module = _import(SUB_PLUGINS.format(collection, kind, file), name)
    if module is None:
        raise OptionInvalid(
            f"There is no {_word(kind)} '{name}'.",
            f"It should be the file plugins/sub_plugins/{kind}/{file}.py of the collection {collection}.",
        )
    classes = _classes(module, base)
    if len(classes) != 1:
        raise PluginFailed(name, f"should hold one class derived from {base.__name__}, but holds {len(classes)}")
    methods = ("refusal", "host_passes", "weigh_object")
    if all(getattr(classes[0], method, None) is getattr(base, method, None) for method in methods):
        raise PluginFailed(name, f"defines none of {', '.join(method for method in methods if hasattr(base, method))}")
    return classes[0]


def _import(path: str, name: str) -> Any:
    try:
        return importlib.import_module(path)
    # Importing runs anybody's code, which may raise anything; it is told with its name.
    except Exception as exc:
        if isinstance(exc, ModuleNotFoundError) and f"{path}.".startswith(f"{exc.name}."):
            return None
        raise PluginFailed(name, f"cannot be loaded: {exc!r}") from exc


def _classes(module: ModuleType, base: type[P]) -> list[type[P]]:
    return [
        item
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, base) and item.__module__ == module.__name__
    ]


def _unknown(kind: str, base: type[P], name: str) -> OptionInvalid:
    folder = Path(__file__).parents[2] / "sub_plugins" / kind
    modules = [
        _import(SUB_PLUGINS.format("novella.compute", kind, file.stem), file.stem) for file in folder.glob("*.py")
    ]
    known = sorted(found.__name__ for module in modules for found in _classes(module, base))
    return OptionInvalid(
        f"There is no {_word(kind)} '{name}'.{nearest(name, known)}",
        f"Known are {', '.join(known)}; name your own as namespace.collection.name.",
    )


def _word(kind: str) -> str:
    return kind.removeprefix("scheduler_")
