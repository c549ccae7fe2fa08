# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad fleets: one clear message each, nothing changed, and no traceback. Two more that only a host can tell are e2e."""

import pytest

GOOD = """\
version: "1.0"
name: bad
flavors:
  small: {vcpus: 1, memory_mb: 512}
images:
  tiny: {source: /srv/images/tiny.qcow2}
"""
BOMB = 'a: &a ["x", "x", "x", "x", "x", "x", "x", "x", "x", "x"]\n' + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

FLEETS = {
    "unknown key": (
        GOOD + "instances:\n  web: {flavour: small, image: tiny}\n",
        "fleet.yml:8: instances.web.flavour: unknown key. Did you mean 'flavor'?",
    ),
    "missing image": (
        GOOD + "instances:\n  web: {flavor: small}\n",
        "fleet.yml:8: instances.web.image: required, but missing.",
    ),
    "wrong type": (
        GOOD + "instances:\n  web: {flavor: small, image: tiny, count: three}\n",
        "fleet.yml:8: instances.web.count: ",
    ),
    "dangling flavor": (
        GOOD + "instances:\n  web: {flavor: smal, image: tiny}\n",
        "fleet.yml:8: instances.web.flavor: there is no flavor 'smal'. Did you mean 'small'?",
    ),
    "dangling image": (
        GOOD + "instances:\n  web: {flavor: small, image: tinny}\n",
        "fleet.yml:8: instances.web.image: there is no image 'tinny'. Did you mean 'tiny'?",
    ),
    "duplicate name": (
        GOOD + "instances:\n  web: {flavor: small, image: tiny}\n  web: {flavor: small, image: tiny}\n",
        "fleet.yml:9: instances.web",
    ),
    "name that leaves its folder": (
        GOOD + "instances:\n  ../../etc/cron.d/x: {flavor: small, image: tiny}\n",
        "'../../etc/cron.d/x'",
    ),
    "negative memory": (
        GOOD.replace("memory_mb: 512", "memory_mb: -512") + "instances:\n  web: {flavor: small, image: tiny}\n",
        "fleet.yml:4: flavors.small.memory_mb: ",
    ),
    "YAML bomb": (BOMB, "fleet.yml:"),
    "not YAML": ("instances: [}\n", "fleet.yml:1"),
    "Python in YAML": ("version: !!python/object/apply:os.system [id]\n", "fleet.yml:1"),
}


@pytest.mark.parametrize("kind", FLEETS)
def test_a_bad_fleet_is_refused_in_one_message_and_changes_nothing(make_site, kind: str) -> None:
    text, words = FLEETS[kind]
    site = make_site(1)
    site.write_text(text)
    outcome = site.run("apply")
    assert outcome.code == 2, outcome.text
    message = outcome.result("Plan")["msg"]
    assert words in message
    assert "Traceback" not in outcome.text
    assert site.domains() == {"kvm1": {}}


def test_a_bad_scheduler_option_is_refused_by_name(make_site) -> None:
    site = make_site(1)
    site.write_fleet({"web": {}}, scheduler={"enabled_filters": ["RamFiltre"]})
    outcome = site.run("plan")
    assert outcome.code == 2
    assert "Did you mean 'RamFilter'?" in outcome.text
