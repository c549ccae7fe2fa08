# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, OptionInvalid
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Image
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import SchedulerOptions


def metrics(**values):
    return [{"name": name, "value": value, "timestamp": None, "source": "test"} for name, value in values.items()]


@pytest.fixture(scope="session")
def metric_hosts(host):
    def make(*values):
        return [host(host=f"kvm{number}", metrics=metrics(**value)) for number, value in enumerate(values)]

    return make


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ([{"idle": 10}, {"idle": 20}], {"metrics_weight_setting": ["idle=1.0"]}, [0.0, 1.0]),
        ([{"idle": 10}, {"idle": 20}], {"metrics_weight_setting": ["idle = -1.0"]}, [1.0, 0.0]),
        (
            [{"idle": 10, "load": 5}, {"idle": 20, "load": 25}, {"idle": 30, "load": 5}],
            {"metrics_weight_setting": ["idle=1", "load=-0.5"], "metrics_weight_multiplier": 2.0},
            [0.0, 0.0, 2.0],
        ),
        ([{"idle": 10}, {}], {}, [0.0, 0.0]),
        # One that is missing pushes the host to the end, unless it would not count anyway.
        ([{"a": 1, "b": 1}, {"a": 9}], {"metrics_weight_setting": ["a=1", "b=1"], "metrics_required": False}, [1, 0]),
        ([{"a": 1}, {"a": 9}], {"metrics_weight_setting": ["a=1", "b=0"], "metrics_required": False}, [0, 1]),
        (
            [{"a": 1}, {"a": -20}, {}],
            {"metrics_weight_setting": ["a=1"], "metrics_required": False, "metrics_weight_of_unavailable": -10.0},
            [1.0, 0.0, 10 / 21],
        ),
    ],
)
def test_metrics_count_by_their_ratios(metric_hosts, spec, weights, values, options, expected):
    assert weights("MetricsWeigher", metric_hosts(*values), spec(), **options) == pytest.approx(expected)


def test_a_missing_metric_does_not_count_where_an_aggregate_turns_the_weigher_off(host, spec, weights):
    off = [Aggregate("off", ["kvm2"], metadata={"metrics_weight_multiplier": "0"})]
    hosts = [host(host="kvm1", metrics=metrics(a=1)), host(aggregates=off, host="kvm2")]
    options = {"metrics_weight_setting": ["a=1"], "metrics_required": False}
    assert weights("MetricsWeigher", hosts, spec(), **options) == [1.0, 0.0]


def test_a_required_metric_that_a_candidate_lacks_stops_the_request(metric_hosts, spec, weights):
    with pytest.raises(InvalidInput) as failure:
        weights("MetricsWeigher", metric_hosts({"idle": 1}, {}), spec(), metrics_weight_setting=["idle=1"])
    assert str(failure.value) == (
        "MetricsWeigher needs the metric idle, which host kvm1 does not report. "
        "Enable MetricsFilter to leave such hosts out, or set metrics_required to false."
    )


def test_a_host_that_is_no_candidate_may_lack_a_metric(api, report, spec):
    scheduler = api(
        report("kvm1", metrics=metrics(idle=1)),
        report("kvm2", metrics=metrics(idle=2)),
        report("kvm3", disabled=True),
        enabled_weighers=["MetricsWeigher"],
        metrics_weight_setting=["idle=1"],
    )
    assert scheduler.select_destinations([spec()])[0].host == "kvm2"


def test_a_metric_that_is_no_number_is_told_with_its_host(api, report, spec):
    scheduler = api(
        report("kvm1", metrics=metrics(idle="much")),
        report("kvm2", metrics=metrics(idle=2)),
        enabled_weighers=["MetricsWeigher"],
        metrics_weight_setting=["idle=1"],
    )
    (selection,) = scheduler.select_destinations([spec()])
    assert selection.host is None
    assert "MetricsWeigher" in selection.message
    assert "on host kvm1" in selection.message


@pytest.mark.parametrize("option", ["metrics_weight_setting", "image_props_weight_setting"])
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (["idle"], "has the element 'idle'. Write it as name=ratio, such as a=1.5."),
        (["=1"], "has the element '=1'. Write it as name=ratio, such as a=1.5."),
        (["idle=much"], "has the element 'idle=much'. Write it as name=ratio, such as a=1.5."),
        (["idle=inf"], "has the element 'idle=inf'. Write it as name=ratio, such as a=1.5."),
        (["idle=1", "idle = 2"], "names idle twice."),
    ],
)
def test_a_ratio_that_cannot_be_read_is_an_error_of_the_options(option, setting, message):
    with pytest.raises(OptionInvalid) as failure:
        SchedulerOptions.from_mapping({option: setting})
    assert str(failure.value) == f"scheduler.{option} {message}"


def image(**properties):
    return Image("debian", "/srv/debian.qcow2", properties=properties)


@pytest.fixture(scope="session")
def image_hosts(host):
    """Hosts with instances of images with these properties."""

    def make(*hosts):
        states = []
        for number, images in enumerate(hosts):
            state = host(host=f"kvm{number}", instances=[f"vm-{number}-{place}" for place in range(len(images))])
            for uuid, properties in zip(list(state.instances), images, strict=True):
                old = state.instances[uuid]
                one = None if properties is None else image(**properties)
                state.instances[uuid] = old.but(spec=old.spec.but(image=one))
            states.append(state)
        return states

    return make


LINUX, WINDOWS, OLD = {"os_distro": "debian", "hw_machine_type": "q35"}, {"os_distro": "win"}, {"os_distro": "debian"}


@pytest.mark.parametrize(
    ("first", "options", "expected"),
    [
        ([LINUX, LINUX], {"image_props_weight_multiplier": 1.0}, [1.0, 0.5, 0.0, 0.0]),
        ([LINUX, LINUX], {"image_props_weight_multiplier": -2.0}, [-2.0, -1.0, 0.0, 0.0]),
        ([LINUX, LINUX], {}, [0.0, 0.0, 0.0, 0.0]),
        (
            [LINUX, LINUX],
            {"image_props_weight_setting": ["hw_machine_type=3"], "image_props_weight_multiplier": 1.0},
            [1.0, 0.0, 0.0, 0.0],
        ),
        (
            [LINUX],
            {"image_props_weight_setting": ["os_distro=2", "hw_machine_type=0"], "image_props_weight_multiplier": 1.0},
            [0.5, 1.0, 0.0, 0.0],
        ),
    ],
)
def test_hosts_with_instances_of_like_images_weigh_more(image_hosts, spec, weights, first, options, expected):
    hosts = image_hosts(first, [OLD, OLD], [WINDOWS, None], [])
    assert weights("ImagePropertiesWeigher", hosts, spec(image=image(**LINUX)), **options) == expected


def test_a_request_without_image_properties_is_not_weighed_by_them(image_hosts, spec, weights):
    hosts = image_hosts([LINUX], [])
    for request in (spec(), spec(image=image())):
        assert weights("ImagePropertiesWeigher", hosts, request, image_props_weight_multiplier=1.0) == [0.0, 0.0]


def test_image_properties_are_alike_whatever_they_are_called(image_hosts, spec, weights):
    hosts = image_hosts([{"architecture": "amd64"}], [{"hw_architecture": "i686"}], [{"hw_cpu_cores": "many"}])
    request = spec(image=image(hw_architecture="x86_64", hw_cpu_cores="2", our_own="x"))
    assert weights("ImagePropertiesWeigher", hosts, request, image_props_weight_multiplier=1.0) == [1.0, 0.0, 0.0]


def test_an_aggregate_does_not_switch_the_image_weigher_on(host, spec, weights):
    on = [Aggregate("on", ["kvm1", "kvm2"], metadata={"image_props_weight_multiplier": "5"})]
    hosts = [host(on, host="kvm1", instances=["a"]), host(on, host="kvm2")]
    old = hosts[0].instances["a"]
    hosts[0].instances["a"] = old.but(spec=old.spec.but(image=image(**LINUX)))
    assert weights("ImagePropertiesWeigher", hosts, spec(image=image(**LINUX))) == [0.0, 0.0]
    assert weights("ImagePropertiesWeigher", hosts, spec(image=image(**LINUX)), image_props_weight_multiplier=1.0) == [
        5,
        0,
    ]


def test_what_a_batch_placed_counts_for_its_later_requests(api, report, spec):
    scheduler = api(
        report("kvm1"),
        report("kvm2"),
        enabled_weighers=["ImagePropertiesWeigher"],
        image_props_weight_multiplier=1.0,
    )
    requests = [
        spec("win-1", image=image(**WINDOWS), force_hosts=["kvm2"]),
        spec("deb-1", image=image(**LINUX)),
        spec("win-2", image=image(**WINDOWS)),
        spec("deb-2", image=image(**OLD)),
        spec("win-3", image=image(**WINDOWS)),
    ]
    placed = scheduler.select_destinations(requests)
    assert [selection.host for selection in placed] == ["kvm2", "kvm1", "kvm2", "kvm1", "kvm2"]
    assert placed[4].weights == {"ImagePropertiesWeigher": 1.0}


def test_an_error_of_a_weigher_stops_its_request_only(api, report, spec):
    scheduler = api(
        report("kvm1", metrics=metrics(idle=1)),
        report("kvm2"),
        enabled_weighers=["MetricsWeigher"],
        metrics_weight_setting=["idle=1"],
    )
    bad, good = scheduler.select_destinations([spec("a"), spec("b", force_hosts=["kvm1"])])
    assert bad.message.startswith("a was not placed: MetricsWeigher needs the metric idle, which host kvm2")
    assert good.host == "kvm1"
