package host

import (
	"strings"
	"testing"
)

func TestCloudOf(t *testing.T) {
	for name, c := range map[string]struct {
		dmi  dmi
		want Cloud
	}{
		"Google":        {dmi{sysVendor: "Google", productName: "Google Compute Engine", biosVendor: "Google"}, Cloud{Google, "Google Compute Engine", "Google Compute Engine"}},
		"a Chromebook":  {dmi{sysVendor: "Google", productName: "Kohaku"}, Cloud{NoProvider, "Google", "Kohaku"}},
		"Amazon Nitro":  {dmi{sysVendor: "Amazon EC2", productName: "t3.small"}, Cloud{Amazon, "Amazon EC2", "t3.small"}},
		"Amazon on Xen": {dmi{sysVendor: "Xen", productName: "HVM domU", biosVersion: "4.11.amazon"}, Cloud{Amazon, "Amazon EC2", "HVM domU"}},
		"Xen":           {dmi{sysVendor: "Xen", productName: "HVM domU", biosVersion: "4.11"}, Cloud{NoProvider, "Xen", "HVM domU"}},
		"Azure":         {dmi{sysVendor: "Microsoft Corporation", productName: "Virtual Machine", chassisAssetTag: "7783-7084-3265-9085-8269-3286-77"}, Cloud{Azure, "Microsoft Azure", "Virtual Machine"}},
		"Hyper-V":       {dmi{sysVendor: "Microsoft Corporation", productName: "Virtual Machine", chassisAssetTag: "7783-7084"}, Cloud{NoProvider, "Microsoft Corporation", "Virtual Machine"}},
		"Oracle":        {dmi{sysVendor: "QEMU", productName: "Standard PC", chassisAssetTag: "OracleCloud.com"}, Cloud{Oracle, "Oracle Cloud", "Standard PC"}},
		"DigitalOcean":  {dmi{sysVendor: "DigitalOcean", productName: "Droplet"}, Cloud{DigitalOcean, "DigitalOcean", "Droplet"}},
		"Hetzner":       {dmi{sysVendor: "Hetzner", productName: "vServer"}, Cloud{Hetzner, "Hetzner Cloud", "vServer"}},
		"Alibaba":       {dmi{sysVendor: "Alibaba Cloud", productName: "Alibaba Cloud ECS"}, Cloud{Alibaba, "Alibaba Cloud", "Alibaba Cloud ECS"}},
		"Scaleway":      {dmi{sysVendor: "Scaleway", productName: "SCW-DEV1-S"}, Cloud{Scaleway, "Scaleway", "SCW-DEV1-S"}},
		"Linode":        {dmi{sysVendor: "Linode", productName: "Compute Instance"}, Cloud{Akamai, "Akamai (Linode)", "Compute Instance"}},
		"Akamai":        {dmi{sysVendor: "Akamai", productName: "Compute Instance"}, Cloud{Akamai, "Akamai (Linode)", "Compute Instance"}},
		"Vultr":         {dmi{sysVendor: "Vultr", productName: "VC2"}, Cloud{Vultr, "Vultr", "VC2"}},
		"OpenStack":     {dmi{sysVendor: "RDO", productName: "OpenStack Compute"}, Cloud{OpenStack, "OpenStack", "OpenStack Compute"}},
		"OTC":           {dmi{sysVendor: "Huawei", productName: "x", chassisAssetTag: "OpenTelekomCloud"}, Cloud{OpenStack, "OpenStack", "x"}},
		"QEMU":          {dmi{sysVendor: "QEMU", productName: "Standard PC (i440FX + PIIX, 1996)"}, Cloud{NoProvider, "QEMU", "Standard PC (i440FX + PIIX, 1996)"}},
		"only a board":  {dmi{boardVendor: "Dell Inc."}, Cloud{NoProvider, "Dell Inc.", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := cloudOf(c.dmi)
			equal(t, ok, true)
			equal(t, got, c.want)
		})
	}
	if _, ok := cloudOf(dmi{productName: "x"}); ok {
		t.Error("a product without a maker is a cloud")
	}
}

func TestReadCloud(t *testing.T) {
	missing(t, readCloud(readDMI(tree(t))), "the firmware gives no DMI data (/sys/class/dmi/id)")
	missing(t, readCloud(readDMI(tree(t, files{"sys/class/dmi/id/sys_vendor": "\n"}))), "no DMI data")
	missing(t, readCloud(readDMI(tree(t, files{"sys/class/dmi/id/product_name": "x\n"}))), "name no maker")
	missing(t, readCloud(readDMI(tree(t, files{"sys/class/dmi/id/sys_vendor/": ""}))), "not a regular file")
	equal(t, readCloud(readDMI(tree(t, files{
		"sys/class/dmi/id":                        "-> ../../devices/virtual/dmi/id",
		"sys/devices/virtual/dmi/id/sys_vendor":   "Hetzner\n",
		"sys/devices/virtual/dmi/id/product_name": "vServer\n",
	}))), Known(Cloud{Hetzner, "Hetzner Cloud", "vServer"}, dmiDir))
}

func TestVirtualisation(t *testing.T) {
	flag := func(on bool) Fact[bool] { return Known(on, "/proc/cpuinfo") }
	untold := Missing[bool]("no flags")
	for name, c := range map[string]struct {
		dmi        dmi
		hypervisor string
		flag       Fact[bool]
		want       string
	}{
		"QEMU":               {dmi: dmi{sysVendor: "QEMU", productName: "Standard PC"}, flag: flag(true), want: "qemu"},
		"QEMU with KVM name": {dmi: dmi{sysVendor: "Red Hat", productName: "KVM"}, flag: flag(true), want: "kvm"},
		"hidden flag":        {dmi: dmi{sysVendor: "QEMU"}, flag: flag(false), want: "qemu"},
		"VMware":             {dmi: dmi{sysVendor: "VMware, Inc."}, flag: flag(true), want: "vmware"},
		"Hyper-V":            {dmi: dmi{sysVendor: "Microsoft Corporation", productName: "Virtual Machine"}, flag: flag(true), want: "microsoft"},
		"a laptop":           {dmi: dmi{sysVendor: "Microsoft Corporation", productName: "Surface Pro"}, flag: flag(false), want: "none"},
		"EC2":                {dmi: dmi{sysVendor: "Amazon EC2", productName: "t3.small"}, flag: flag(true), want: "kvm"},
		"EC2 on arm64":       {dmi: dmi{sysVendor: "Amazon EC2", productName: "t4g.small"}, flag: untold, want: "kvm"},
		"EC2 bare metal":     {dmi: dmi{sysVendor: "Amazon EC2", productName: "m5.metal"}, flag: flag(false), want: "none"},
		"Xen":                {dmi: dmi{sysVendor: "Xen"}, hypervisor: "xen", flag: flag(true), want: "xen"},
		"unknown maker":      {dmi: dmi{sysVendor: "Hetzner"}, flag: flag(true), want: "vm"},
		"Firecracker":        {flag: flag(true), want: "vm"},
		"no firmware":        {flag: flag(false), want: ""},
		"arm64 board":        {dmi: dmi{sysVendor: "Raspberry"}, flag: untold, want: ""},
		"bare metal":         {dmi: dmi{sysVendor: "Dell Inc."}, flag: flag(false), want: "none"},
	} {
		t.Run(name, func(t *testing.T) {
			equal(t, virtualisation(c.dmi, c.dmi != dmi{}, c.hypervisor, c.flag), c.want)
		})
	}
}

func TestHypervisorFlag(t *testing.T) {
	equal(t, hypervisorFlag([]byte("processor\t: 0\nflags\t\t: fpu hypervisor lahf_lm\n\nprocessor\t: 1\n")).Value, true)
	equal(t, hypervisorFlag([]byte("flags\t\t: fpu hypervisor_x\n")), Known(false, "/proc/cpuinfo"))
	missing(t, hypervisorFlag([]byte("processor\t: 0\nFeatures\t: fp asimd hypervisor\n")), "lists no flags")
	missing(t, hypervisorFlag(nil), "lists no flags")
}

// FuzzHypervisorFlag holds that the flag is found only as a word of its own.
func FuzzHypervisorFlag(f *testing.F) {
	f.Add("fpu vme", "lahf_lm")
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.ContainsAny(before+after, "\n:") {
			return
		}
		if got := hypervisorFlag([]byte("flags : " + before + " hypervisor " + after + "\n")); !got.Value {
			t.Fatalf("not found between %q and %q", before, after)
		}
		words := strings.ReplaceAll(before+after, "hypervisor", "x")
		if got := hypervisorFlag([]byte("flags : " + words + "\n")); got.Value {
			t.Fatalf("found in %q", words)
		}
	})
}
