# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.errors import PluginFailed
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import (
    ENABLED_FILTERS,
    ENABLED_WEIGHERS,
    SchedulerOptions,
)
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.registry import load_filters, load_weighers

OPTIONS = SchedulerOptions()


def test_novas_names_find_our_filters_and_weighers():
    assert [type(item).__name__ for item in load_filters(list(ENABLED_FILTERS), OPTIONS)] == list(ENABLED_FILTERS)
    assert [type(item).__name__ for item in load_weighers(list(ENABLED_WEIGHERS), OPTIONS)] == list(ENABLED_WEIGHERS)


@pytest.mark.parametrize(
    ("load", "name", "message"),
    [
        (load_filters, "RamFiltr", "There is no filter 'RamFiltr'. Did you mean 'RamFilter'? Known are "),
        (load_filters, "ramFilter", "There is no filter 'ramFilter'. Did you mean 'RamFilter'? Known are "),
        (load_weighers, "RamWeigher", "There is no weigher 'RamWeigher'. Did you mean 'RAMWeigher'? Known are "),
        (load_filters, "../evil", "There is no filter '../evil'. Known are "),
        (load_filters, "acme.rack_power", "There is no filter 'acme.rack_power'. Known are "),
        (load_filters, "BaseHostFilter", "There is no filter 'BaseHostFilter'. Did you mean "),
        (
            load_filters,
            "acme.nowhere.rack_power",
            (
                "There is no filter 'acme.nowhere.rack_power'. It should be the file "
                "plugins/sub_plugins/scheduler_filter/rack_power.py of the collection acme.nowhere."
            ),
        ),
    ],
)
def test_an_unknown_name_is_an_error_with_the_nearest_known(load, name, message):
    with pytest.raises(OptionInvalid) as failure:
        load([name], OPTIONS)
    assert str(failure.value).startswith(message)


def test_the_known_ones_and_the_way_to_a_users_own_are_told():
    with pytest.raises(OptionInvalid) as failure:
        load_weighers(["Nothing"], OPTIONS)
    known = sorted({*ENABLED_WEIGHERS, "CrossCellWeigher", "MetricsWeigher"})
    assert str(failure.value) == (
        f"There is no weigher 'Nothing'. Known are {', '.join(known)}; name your own as namespace.collection.name."
    )


BASE = "from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.{} import {}\n\n\n"


def test_a_users_weigher_is_found_in_its_collection(collection):
    code = BASE.format("weights", "BaseHostWeigher") + (
        "class RackPower(BaseHostWeigher):\n    def weigh_object(self, host_state, spec):\n        return 1\n"
    )
    (item,) = load_weighers([collection("scheduler_weigher", "rack_power", code)], OPTIONS)
    assert (item.name, type(item).__name__, item.options) == ("acme.sched.rack_power", "RackPower", OPTIONS)


FILTER = BASE.format("filters", "BaseHostFilter")


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("def broken(:\n", "cannot be loaded: SyntaxError("),
        ("import no_such_library\n", "cannot be loaded: ModuleNotFoundError("),
        ("x = {}['rack']\n", "cannot be loaded: KeyError('rack')."),
        ("", "should hold one class derived from BaseHostFilter, but holds 0."),
        (
            FILTER + "class A(BaseHostFilter):\n    pass\n\n\nclass B(BaseHostFilter):\n    pass\n",
            "should hold one class derived from BaseHostFilter, but holds 2.",
        ),
        (FILTER + "class A(BaseHostFilter):\n    pass\n", "defines none of refusal, host_passes."),
    ],
)
def test_a_users_filter_that_cannot_be_used_is_named(collection, code, problem):
    name = collection("scheduler_filter", "faulty", code)
    with pytest.raises(PluginFailed) as failure:
        load_filters([name], OPTIONS)
    assert str(failure.value).startswith(f"acme.sched.faulty {problem}")
