# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/from-nova-conf.md names options that exist, and every option there is."""

import dataclasses
import re
from pathlib import Path

import yaml
from ansible_collections.novella.compute.plugins.plugin_utils.host_action import HOST_OPTIONS
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import SchedulerOptions

PAGE = (Path(__file__).parents[3] / "docs" / "from-nova-conf.md").read_text()
ROW = re.compile(r"^\| `\[([\w]+)\] (\w+)` \| (.+?) \|", re.MULTILINE)
BEFORE, NO_EQUIVALENT = PAGE.split("## No equivalent")
OPTIONS = {field.name: field for field in dataclasses.fields(SchedulerOptions)}
# Ours alone, with no counterpart in nova.conf.
OWN = {"seed", "explained_refusals"}


def test_every_option_has_its_place_or_the_reason_why_it_has_none() -> None:
    placed, reasons = ROW.findall(BEFORE), ROW.findall(NO_EQUIVALENT)
    assert len(placed) > 40
    assert len(reasons) > 10
    names = [(section, option) for section, option, _place in placed + reasons]
    assert sorted(names) == sorted(set(names)), "an option stands there twice"
    assert [option for _section, option, why in reasons if len(why) < 20] == []


def test_every_place_that_the_page_names_exists() -> None:
    options = {
        name for _section, _option, place in ROW.findall(BEFORE) for name in re.findall(r"`scheduler\.(\w+)`", place)
    }
    variables = {
        name for _section, _option, place in ROW.findall(BEFORE) for name in re.findall(r"`novella_(\w+)`", place)
    }
    assert options - OPTIONS.keys() == set()
    assert variables - set(HOST_OPTIONS) == set()


def test_every_option_of_the_scheduler_is_on_the_page() -> None:
    named = set(re.findall(r"^\| `\[\w+\] \w+` \| `scheduler\.(\w+)` \|", PAGE, re.MULTILINE))
    assert OPTIONS.keys() - named == OWN


def test_the_converted_example_is_accepted() -> None:
    fleet, inventory = (yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.M | re.S))
    options = SchedulerOptions.from_mapping(fleet["scheduler"])
    assert options.metrics_weight_setting == ["idle=1.0", "load=-0.5"]
    assert {name.removeprefix("novella_") for name in inventory} <= set(HOST_OPTIONS)
