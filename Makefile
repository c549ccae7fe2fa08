# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# How many hosts the lab has; which Python makes .venv.
HOSTS ?= 3
PYTHON ?= /usr/bin/python3
# What random tests begin with; make prints it with the command.
SEED ?= $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')

BIN := .venv/bin
PACKAGE := ansible_collections.novella.compute.plugins
# What .venv needs of the system, and the lab of its controller.
SYSTEM_PACKAGES := ca-certificates openssh-client python3 python3-venv

# Ansible refuses to start without a UTF-8 locale, and a bare machine has none set.
export LC_ALL := C.UTF-8
export PATH := $(CURDIR)/$(BIN):$(PATH)
# What lint says must not hang on a site that may not answer.
export ANSIBLE_LINT_SKIP_SCHEMA_UPDATE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

PIP_INSTALL = $(BIN)/pip install --quiet --editable $(1) || { \
	echo "make: pip could not install $(1) into .venv. If this machine cannot reach a package index," \
	     "name one that it can in PIP_INDEX_URL, or a folder of wheels in PIP_FIND_LINKS with PIP_NO_INDEX=1." >&2; exit 1; }
PYTEST := $(BIN)/python -m pytest
LAB := $(BIN)/ansible-playbook -i localhost, playbooks/lab.yml

##@ Use

.PHONY: help
help: ## Say what can be made
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: .venv/runtime.stamp ## Install what a bare Debian machine lacks, and .venv

.PHONY: demo
demo: as-root setup ## Three hosts, a fleet on them that boots, a picture of it, and the same again: changed=0
	$(BIN)/ansible-playbook novella.compute.lab -i localhost, -e lab_hosts=3
	$(BIN)/ansible-playbook novella.compute.apply -i inventories/lab -e fleet=inventories/demo/fleet.yml
	$(BIN)/ansible-playbook inventories/demo/booted.yml -i inventories/lab
	mkdir -p .cache
	$(BIN)/ansible-playbook novella.compute.apply -i inventories/lab -e fleet=inventories/demo/fleet.yml \
	  -e picture=true -e svg_to=.cache/demo.svg
	@echo "The picture as SVG: .cache/demo.svg. Take all of it down: make lab-down"

.PHONY: lab
lab: as-root setup ## Bring up HOSTS=3 real hosts on this machine; their inventory is inventories/lab
	$(LAB) -e lab_hosts=$(HOSTS)

.PHONY: lab-down
lab-down: as-root setup ## Take the lab down; nothing of it is left
	$(LAB) -e lab_state=absent

##@ Test

.PHONY: test
test: as-root lint types unit conformance-quick functional crash-quick model-quick sanity e2e molecule ## All of the tests below

.PHONY: lint
lint: .venv/test.stamp ## ruff, ansible-lint (production), the changelog's fragments
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/antsibull-changelog lint
	$(BIN)/ansible-lint -q

.PHONY: types
types: .venv/test.stamp ## mypy --strict
	MYPYPATH=collection $(BIN)/mypy $(foreach part,module_utils plugin_utils sub_plugins,-p $(PACKAGE).$(part))

.PHONY: unit
unit: .venv/test.stamp ## Decisions and objects; no libvirt, no Ansible run
	$(PYTEST) -q tests/unit

.PHONY: conformance-quick
conformance-quick: .venv/test.stamp ## The scheduler against Nova's own code, on 150 random scenarios
	$(PYTEST) -q tests/conformance

.PHONY: conformance
conformance: .venv/test.stamp ## The same on 2,500
	NOVELLA_CONFORMANCE_SEEDS=2500 $(PYTEST) -q tests/conformance

.PHONY: functional
functional: .venv/test.stamp ## Whole playbooks on hosts of the fake driver
	$(PYTEST) -q -n 2 tests/functional

.PHONY: crash-quick
crash-quick: .venv/test.stamp ## Module runs killed at a tenth of all moments, on the fake driver; SEED repeats a run
	NOVELLA_CRASH_EVERY=10 NOVELLA_CRASH_SEED=$(SEED) $(PYTEST) -q -n 2 tests/crash/test_crash_fake.py tests/crash/test_crash_modules.py

.PHONY: crash
crash: as-root .venv/test.stamp ## The same at every moment, and a sample on real libvirt in a lab of its own
	$(PYTEST) -q -n 2 tests/crash/test_crash_fake.py tests/crash/test_crash_modules.py
	NOVELLA_CRASH_LAB=1 $(PYTEST) -q tests/crash/test_crash_libvirt.py

.PHONY: model-quick
model-quick: .venv/test.stamp ## 500 random sequences of applies, deaths and interference; SEED repeats a run
	$(PYTEST) -q -n 2 --hypothesis-seed=$(SEED) tests/model

.PHONY: model
model: .venv/test.stamp ## The same with 2,000
	NOVELLA_MODEL_SEQUENCES=1000 $(PYTEST) -q -n 2 --hypothesis-seed=$(SEED) tests/model

.PHONY: race-quick
race-quick: .venv/test.stamp ## Eight controllers at once on hosts with too little room: a round on the fake driver
	NOVELLA_RACE_ROUNDS=1 NOVELLA_RACE_SEED=$(SEED) $(PYTEST) -q tests/race/test_race_fake.py

.PHONY: race
race: as-root .venv/test.stamp ## The same 50 times, and 3 times on the lab; SEED repeats a run
	NOVELLA_RACE_ROUNDS=50 NOVELLA_RACE_SEED=$(SEED) $(PYTEST) -q tests/race/test_race_fake.py
	NOVELLA_RACE_LAB_ROUNDS=3 NOVELLA_RACE_SEED=$(SEED) $(PYTEST) -q tests/race/test_race_lab.py

.PHONY: e2e
e2e: as-root .venv/test.stamp ## Whole playbooks on two labs: real libvirt, QEMU and ssh
	$(PYTEST) -q -n 2 --dist loadfile tests/e2e

.PHONY: test-distro
test-distro: as-root .venv/test.stamp ## A Debian with cloud-init, built of packages, on a lab: slow, and no part of make test
	$(PYTEST) -q tests/distro

.PHONY: sanity
sanity: .venv/test.stamp ## ansible-test sanity on the collection as it ships
	$(BIN)/python tests/sanity/run.py

.PHONY: molecule
molecule: as-root .venv/test.stamp ## The molecule scenario, on a lab of its own
	$(BIN)/molecule test --scenario-name default

.PHONY: bench-scheduler
bench-scheduler: .venv/test.stamp ## Novella's scheduler against Nova's, in one run
	$(BIN)/python tests/benchmarks/bench_scheduler.py

.PHONY: bench-reconcile
bench-reconcile: as-root .venv/test.stamp ## Novella against community.libvirt and bare libvirt, in one run
	$(BIN)/python tests/benchmarks/bench_reconcile.py

.PHONY: bench-tracker
bench-tracker: as-root .venv/test.stamp ## Claims, audits and digest checks, against a ping in the same run
	$(BIN)/python tests/benchmarks/bench_tracker.py

.PHONY: bench-operations
bench-operations: as-root .venv/test.stamp ## One operation to 100 guests, against community.libvirt in a loop
	$(BIN)/python tests/benchmarks/bench_operations.py

.PHONY: bench-devices
bench-devices: as-root .venv/test.stamp ## 10 guests with 3 disks and 2 NICs, against community.libvirt and virt-install
	$(BIN)/python tests/benchmarks/bench_devices.py

.PHONY: bench-no-change
bench-no-change: as-root .venv/test.stamp ## An apply over 50 such guests that changes nothing, against a ping in the same run
	$(BIN)/python tests/benchmarks/bench_no_change.py

##@ Ship

.PHONY: dist
dist: .venv/test.stamp ## The wheel and the Galaxy tarball, in dist/
	$(BIN)/python -m hatchling build --target wheel --directory dist
	$(BIN)/ansible-galaxy collection build --force --output-path dist

.PHONY: clean
clean: ## Remove .venv, caches and dist/; the lab stays
	rm -rf .venv .ansible .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: as-root
as-root:
	@test "$$(id -u)" = 0 || { \
	    echo "make $(MAKECMDGOALS): needs root, because the lab's hosts are network and mount namespaces." \
	         "Try: sudo make $(MAKECMDGOALS)" >&2; exit 1; }

# Two stamps, because who wants to see the demo need not wait for test tools.
.venv/runtime.stamp: pyproject.toml | .venv/bin/pip
	@echo "Installing Novella into .venv"
	@$(call PIP_INSTALL,.)
	@touch $@

.venv/test.stamp: pyproject.toml | .venv/bin/pip
	@echo "Installing Novella and its test tools into .venv"
	@$(call PIP_INSTALL,'.[test]')
	@touch $@ .venv/runtime.stamp

.venv/bin/pip:
	@missing=$$(for package in $(SYSTEM_PACKAGES); do \
	    dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null | grep -qx installed || echo "$$package"; done | xargs); \
	if command -v apt-get >/dev/null && test -n "$$missing"; then \
	    test "$$(id -u)" = 0 || { echo "make: please install $$missing (sudo apt-get install $$missing)" >&2; exit 1; }; \
	    echo "Installing $$missing"; \
	    export DEBIAN_FRONTEND=noninteractive; \
	    apt-get install -qq -y $$missing >/dev/null 2>&1 \
	        || { apt-get update -qq && apt-get install -qq -y $$missing >/dev/null; } \
	        || { echo "make: apt-get could not install $$missing. Are the machine's package sources reachable?" >&2; exit 1; }; \
	fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "make: $(PYTHON) is not Python 3.11 or newer. Name one: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@$(PYTHON) -m venv .venv
