# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schema, the reference page and the example agree with what is loaded."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.draft import NAMED_SECTIONS, SECTIONS
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.expansion import expand
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.loader import load_fleet
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.schema import SCHEMA_FILE
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.sentences import _KEYWORDS
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import SchedulerOptions
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads(SCHEMA_FILE.read_text("utf-8"))
PAGE = (ROOT / "docs" / "fleet.md").read_text("utf-8")


def test_the_published_schema_is_the_shipped_one():
    assert (ROOT / "docs" / "fleet.schema.json").read_bytes() == SCHEMA_FILE.read_bytes()


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_examples_in_the_schema_are_valid():
    for section in NAMED_SECTIONS:
        examples = SCHEMA["properties"][section]["examples"]
        validator = Draft202012Validator({"$defs": SCHEMA["$defs"], **SCHEMA["properties"][section]})
        assert examples, section
        assert [error for example in examples for error in validator.iter_errors(example)] == []


def test_the_schema_has_the_sections_that_are_merged():
    settings = {"version", "name", "project_id", "allow", "provider_rules"}
    assert set(SCHEMA["properties"]) == {*SECTIONS, *settings}


def keywords(schema: object) -> set[str]:
    """Return the keywords that can refuse something, in all of the schema."""
    found = set()
    if isinstance(schema, list):
        return {word for inner in schema for word in keywords(inner)}
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key in ("properties", "$defs"):
                found |= {word for inner in value.values() for word in keywords(inner)}
            elif key not in ("if", "propertyNames", "oneOf", "not", "examples"):
                found |= keywords(value)
        found |= set(schema) & set(Draft202012Validator.VALIDATORS)
    return found


def test_there_is_a_sentence_for_whatever_the_schema_may_refuse():
    structural = {"properties", "propertyNames", "items", "allOf", "$ref", "if"}
    assert keywords(SCHEMA) - structural - {"then"} <= set(_KEYWORDS)


def test_every_pattern_says_what_is_wrong():
    text = json.dumps(SCHEMA)
    conditions = len(re.findall(r'"pattern": "\^https\?', text))
    assert text.count('"pattern":') - conditions == text.count('"patternErrorMessage":')


@pytest.mark.parametrize("section", SECTIONS)
def test_the_reference_names_every_key(section):
    table = PAGE.partition(f"\n## `{section}`\n")[2].partition("\n## ")[0]
    body = SCHEMA["$defs"]["scheduler" if section == "scheduler" else section.removesuffix("s")]
    assert set(body["properties"]) <= set(re.findall(r"`(\w+)`", table))


def test_the_scheduler_knows_every_option_that_a_fleet_may_set():
    for name in SCHEMA["$defs"]["scheduler"]["properties"]:
        assert name in SchedulerOptions.__dataclass_fields__


def test_the_fleet_of_the_reference_loads_as_the_page_says(tmp_path):
    text = re.search(r"## A whole fleet\n\n```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "fleet.yml").write_text(text[1])
    names = [wanted.spec.name for wanted in expand(load_fleet(tmp_path / "fleet.yml"))]
    assert names == ["web-1", "web-2", "web-3", "db", "appliance"]


def test_the_example_inventory_is_a_fleet():
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader
    from ansible.template import Templar
    from ansible.vars.manager import VariableManager

    example = ROOT / "inventories" / "example"
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(example / "hosts.yml")])
    variables = VariableManager(loader=loader, inventory=inventory).get_vars(host=inventory.get_host("kvm1"))
    variable = Templar(loader, variables=variables).template(variables["novella_fleet"])
    fleet = load_fleet(example / "fleet.yml", variable)
    hosts = {host for aggregate in fleet.aggregates.values() for host in aggregate.hosts}
    assert hosts == set(inventory.get_groups_dict()["compute"])
    assert len(expand(fleet)) == 8
    assert fleet.instances["bastion"].user_data == b"#cloud-config\npackage_update: true\n"
