package host

import (
	"cmp"
	"errors"
	"io/fs"
	"strings"

	"vmguard/pkg/rootfs"
)

// Provider is a cloud provider's short name.
type Provider string

// The providers that DMI data tell apart (/sys/class/dmi/id).
const (
	Google       Provider = "google"
	Amazon       Provider = "amazon"
	Azure        Provider = "azure"
	Oracle       Provider = "oracle"
	DigitalOcean Provider = "digitalocean"
	Hetzner      Provider = "hetzner"
	Alibaba      Provider = "alibaba"
	Scaleway     Provider = "scaleway"
	Akamai       Provider = "akamai"
	Vultr        Provider = "vultr"
	OpenStack    Provider = "openstack"
	NoProvider   Provider = "none" // the DMI data name a maker that is no known cloud
)

// Cloud is where the VM runs.
type Cloud struct {
	Provider Provider `json:"provider"`
	Name     string   `json:"name"`              // for a reader: "Google Compute Engine", or the machine's maker
	Product  string   `json:"product,omitempty"` // DMI product_name
}

const dmiDir = "/sys/class/dmi/id"

// dmi is what the firmware says the machine is (SMBIOS); fields that it leaves out are empty.
type dmi struct {
	sysVendor, productName, boardVendor, biosVendor, biosVersion, chassisAssetTag string
}

// readDMI reads the machine's DMI data. It errs where the kernel shows none, as on
// most arm64 boards and on virtual machines without firmware.
func readDMI(tree *rootfs.FS) (dmi, error) {
	var d dmi
	for name, field := range map[string]*string{
		"sys_vendor":        &d.sysVendor,
		"product_name":      &d.productName,
		"board_vendor":      &d.boardVendor,
		"bios_vendor":       &d.biosVendor,
		"bios_version":      &d.biosVersion,
		"chassis_asset_tag": &d.chassisAssetTag,
	} {
		s, err := word(tree, dmiDir+"/"+name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return dmi{}, errors.New(unread(dmiDir+"/"+name, err))
		}
		*field = s
	}
	if d == (dmi{}) {
		return dmi{}, errors.New("the firmware gives no DMI data (" + dmiDir + ")")
	}
	return d, nil
}

func readCloud(d dmi, err error) Fact[Cloud] {
	if err != nil {
		return Missing[Cloud](err.Error())
	}
	cloud, ok := cloudOf(d)
	if !ok {
		return Missing[Cloud]("the DMI data name no maker (" + dmiDir + ")")
	}
	return Known(cloud, dmiDir)
}

// cloudOf tells the provider from DMI data, by the strings that cloud-init's
// ds-identify and the providers' own documentation give. A chassis asset tag comes
// first: Azure and Oracle are told from other Hyper-V and KVM hosts by nothing else.
// It gives false where the data name no maker at all.
func cloudOf(d dmi) (Cloud, bool) {
	cloud := Cloud{Product: d.productName}
	for _, rule := range cloudRules() {
		if rule.is(d) {
			cloud.Provider, cloud.Name = rule.provider, rule.name
			return cloud, true
		}
	}
	cloud.Provider, cloud.Name = NoProvider, cmp.Or(d.sysVendor, d.boardVendor, d.biosVendor)
	return cloud, cloud.Name != ""
}

// cloudRule is how one provider is known.
type cloudRule struct {
	provider Provider
	name     string
	is       func(dmi) bool
}

func cloudRules() []cloudRule {
	vendor := func(names ...string) func(dmi) bool {
		return func(d dmi) bool { return oneOf(d.sysVendor, names) }
	}
	product := func(names ...string) func(dmi) bool {
		return func(d dmi) bool { return oneOf(d.productName, names) }
	}
	asset := func(names ...string) func(dmi) bool {
		return func(d dmi) bool { return oneOf(d.chassisAssetTag, names) }
	}
	xenOfAmazon := func(d dmi) bool { return strings.Contains(strings.ToLower(d.biosVersion), "amazon") }
	const openstack = "OpenStack"
	return []cloudRule{
		{Azure, "Microsoft Azure", asset("7783-7084-3265-9085-8269-3286-77")},
		{Oracle, "Oracle Cloud", asset("OracleCloud.com")},
		// By product: the maker "Google" also builds laptops.
		{Google, "Google Compute Engine", product("Google Compute Engine")},
		{Amazon, "Amazon EC2", vendor("Amazon EC2")},
		{Amazon, "Amazon EC2", xenOfAmazon},
		{DigitalOcean, "DigitalOcean", vendor("DigitalOcean")},
		{Hetzner, "Hetzner Cloud", vendor("Hetzner")},
		{Alibaba, "Alibaba Cloud", vendor("Alibaba Cloud")},
		{Alibaba, "Alibaba Cloud", product("Alibaba Cloud ECS")},
		{Scaleway, "Scaleway", vendor("Scaleway")},
		{Akamai, "Akamai (Linode)", vendor("Akamai", "Linode")},
		{Vultr, "Vultr", vendor("Vultr")},
		{OpenStack, openstack, product("OpenStack Nova", "OpenStack Compute")},
		{OpenStack, openstack, asset("OpenStack Nova", "OpenStack Compute", "OpenTelekomCloud", "SAP CCloud VM", "HUAWEICLOUD")},
		{OpenStack, openstack, vendor("OpenStack Foundation")},
	}
}

func oneOf(s string, list []string) bool {
	for _, one := range list {
		if strings.EqualFold(s, one) {
			return true
		}
	}
	return false
}

// WhichCloud tells which cloud a host runs in, by its DMI data alone: nothing else is read, and nobody is asked.
func WhichCloud(s Source) Fact[Cloud] { return readCloud(readDMI(s.FS)) }
