# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One value for each key of flavors and images that shapes a guest, and where the domain shows it."""

# So that nobody adds a key that comes to nothing.
SPECS = {
    "hw:cpu_sockets": ("2", "cpu/topology[@sockets='2']"),
    "hw:cpu_cores": ("2", "cpu/topology[@cores='2']"),
    "hw:cpu_threads": ("2", "cpu/topology[@threads='2']"),
    "hw:cpu_max_sockets": ("1", "cpu/topology[@sockets='1']"),
    "hw:cpu_max_cores": ("2", "cpu/topology[@sockets='4'][@cores='1']"),
    "hw:cpu_max_threads": ("1", "cpu/topology[@threads='1']"),
    "hw:pmu": ("no", "features/pmu[@state='off']"),
    "hw:hide_hypervisor_id": ("true", "features/kvm/hidden[@state='on']"),
    "hw:maxphysaddr_mode": ("passthrough", "cpu/maxphysaddr[@mode='passthrough']"),
    "hw:maxphysaddr_bits": ("42", "cpu/maxphysaddr[@bits='42']"),
    "hw:locked_memory": ("yes", "memoryBacking/locked"),
    "quota:cpu_shares": ("500", "cputune/shares"),
    "quota:cpu_period": ("20000", "cputune/period"),
    "quota:cpu_quota": ("10000", "cputune/quota"),
    "hw:vif_multiqueue_enabled": ("yes", "devices/interface/driver[@queues='4']"),
    "hw:virtio_packed_ring": ("yes", "devices/interface/driver[@packed='on']"),
    "hw:watchdog_action": ("reset", "devices/watchdog[@model='i6300esb'][@action='reset']"),
    "hw_rng:rate_bytes": ("100", "devices/rng/rate[@bytes='100']"),
    "hw_rng:rate_period": ("50", "devices/rng/rate[@period='50']"),
    "hw:serial_port_count": ("3", "devices/serial/target[@port='2']"),
    "hw:sound_model": ("ich9", "devices/sound[@model='ich9']"),
    "hw:usb_model": ("nec-xhci", "devices/controller[@type='usb'][@model='nec-xhci']"),
    "hw:viommu_model": ("auto", "devices/iommu[@model='intel']/driver[@intremap='on']"),
    "os:secure_boot": ("required", "os/loader[@secure='yes']"),
    "hw:tpm_version": ("2.0", "devices/tpm/backend[@version='2.0']"),
    "hw:tpm_model": ("tpm-crb", "devices/tpm[@model='tpm-crb']"),
    "hw:boot_menu": ("on", "os/bootmenu[@enable='yes']"),
    **{
        f"quota:disk_{kind}_{unit}_sec{end}": ("9000000", f"devices/disk/iotune/{kind}_{unit}_sec{end}")
        for kind in ("read", "write", "total")
        for unit in ("bytes", "iops")
        for end in ("", "_max")
    },
    "quota:disk_size_iops_sec": ("4096", "devices/disk/iotune/size_iops_sec"),
    **{
        f"quota:vif_{way}_{part}": ("1000", f"devices/interface/bandwidth/{way}[@{part}='1000']")
        for way in ("inbound", "outbound")
        for part in ("average", "peak", "burst")
    },
}
# What a key needs beside it.
NEEDED = {
    "hw:maxphysaddr_bits": {"hw:maxphysaddr_mode": "emulate"},
    "hw:locked_memory": {"hw:mem_page_size": "small"},
    "hw_rng:rate_period": {"hw_rng:rate_bytes": "10"},
    "hw:tpm_model": {"hw:tpm_version": "2.0"},
    **{
        f"quota:disk_{kind}_sec_max": {f"quota:disk_{kind}_sec": "1000"}
        for kind in ("read_bytes", "read_iops", "write_bytes", "write_iops", "total_bytes", "total_iops")
    },
    **{
        f"quota:vif_{way}_{part}": {f"quota:vif_{way}_average": "1000"}
        for way in ("inbound", "outbound")
        for part in ("peak", "burst")
    },
}
PROPERTIES = {
    "hw_disk_bus": ("scsi", "devices/disk/target[@bus='scsi'][@dev='sda']"),
    "hw_cdrom_bus": ("sata", "devices/disk[@device='cdrom']/target[@bus='sata']"),
    "hw_vif_model": ("e1000e", "devices/interface/model[@type='e1000e']"),
    "hw_video_model": ("qxl", "devices/video/model[@type='qxl']"),
    "hw_pointer_model": ("usbtablet", "devices/input[@type='tablet'][@bus='usb']"),
    "hw_input_bus": ("virtio", "devices/input[@type='keyboard'][@bus='virtio']"),
    "hw_rng_model": ("virtio", "devices/rng[@model='virtio']"),
    "hw_machine_type": ("pc", "os/type[@machine='pc']"),
    "hw_firmware_type": ("uefi", "os[@firmware='efi']"),
    "hw_time_hpet": ("yes", "clock/timer[@name='hpet'][@present='yes']"),
    "os_type": ("windows", "features/hyperv/relaxed"),
    "os_secure_boot": ("disabled", "os/firmware/feature[@enabled='no']"),
}
NEEDED_OF_IMAGES = {
    "os_secure_boot": {"hw_firmware_type": "uefi"},
}

# What goes together in one guest.
TOGETHER: dict[str, tuple[list[str], list[str]]] = {
    "processor": (
        ["hw:cpu_max_sockets", "hw:cpu_cores", "hw:pmu", "hw:hide_hypervisor_id", "hw:maxphysaddr_bits"],
        ["hw_time_hpet"],
    ),
    "memory": (["hw:locked_memory"], ["hw_pointer_model"]),
    "limits": (
        [key for key in SPECS if key.startswith("quota:") and "_total_" not in key],
        ["hw_disk_bus", "hw_cdrom_bus"],
    ),
    "devices": (
        [
            "hw:vif_multiqueue_enabled",
            "hw:virtio_packed_ring",
            "hw:watchdog_action",
            "hw_rng:rate_period",
            "hw:serial_port_count",
            "hw:sound_model",
            "hw:usb_model",
            "hw:boot_menu",
        ],
        ["hw_input_bus", "hw_video_model"],
    ),
    "iommu": (["hw:viommu_model", "quota:disk_total_bytes_sec", "quota:disk_total_iops_sec_max"], ["hw_vif_model"]),
    "old": ([], ["hw_machine_type", "os_type"]),
}
