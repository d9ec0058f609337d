package host

// kind is what a directive's value must be.
type kind int

const (
	anything kind = iota
	boolean
	text
	integer
	address  // text that is an IP address, or empty
	capacity // text such as "64m"
	texts
	addresses
	textMap   // an object of texts
	switchMap // an object of booleans
	nested    // an object of objects of texts
	object
	ulimits
	runtimes
	pools
)

// directive is a key of dockerd's configuration file.
type directive struct {
	kind kind
	// since is a version before which no dockerd knows the key, removed the first that
	// refuses it; 0 for none.
	since, removed int
}

// flatDirectives are those whose value is an object of dockerd's own: what stands in it
// is no directive. The values of any other object are taken for directives
// (configValuesSet in moby's daemon/config/config.go).
func flatDirective(name string) bool {
	switch knownDirectives()[name].kind {
	case textMap, switchMap, nested, object, ulimits, runtimes:
		return true
	default:
		return false
	}
}

// directives lists the keys that some dockerd from 20.10 to 29 knows: those of its flags,
// as the file calls them (moby's daemon/config/config.go and daemon/command/config.go), and
// those that it reads without a flag (skipValidateOptions).
func directives() map[string]directive {
	all := map[string]directive{
		"graph": {text, 0, 23}, "cluster-store": {text, 0, 24}, "cluster-advertise": {text, 0, 24}, "cluster-store-opts": {textMap, 0, 24},
		"oom-score-adjust": {integer, 0, 26}, "deprecated-key-path": {}, "api-cors-header": {text, 0, 28},
		"allow-nondistributable-artifacts": {kind: texts}, //nolint:misspell // the key is spelled so
		"http-proxy":                       {text, 23, 0}, "https-proxy": {text, 23, 0}, "no-proxy": {text, 23, 0},
		"log-format": {text, 23, 0}, "cdi-spec-dirs": {texts, 23, 0}, "default-network-opts": {nested, 23, 0}, "network-diagnostic-port": {kind: integer},
		"bip6": {text, 23, 0}, "allow-direct-routing": {boolean, 23, 0}, "ip-forward-no-drop": {boolean, 23, 0}, "host-gateway-ips": {addresses, 23, 0},
		"firewall-backend": {text, 29, 0}, "bridge-accept-fwmark": {text, 29, 0}, "nri-opts": {object, 29, 0}, "min-api-version": {text, 29, 0},
		"default-stop-timeout": {integer, 29, 0}, "apparmor-profile": {text, 29, 0}, "extension-dirs": {texts, 29, 0}, "extension-config": {object, 29, 0},
		"log-opts": {kind: textMap}, "features": {kind: switchMap}, "builder": {kind: object}, "default-ulimits": {kind: ulimits},
		"runtimes": {kind: runtimes}, "default-address-pools": {kind: pools}, "default-shm-size": {kind: capacity}, "dns": {kind: addresses},
	}
	for k, names := range map[kind][]string{
		boolean: {"debug", "tls", "tlsverify", "experimental", "live-restore", "selinux-enabled", "iptables", "ip6tables", "ip-forward", "ip-masq", "ipv6",
			"userland-proxy", "init", "no-new-privileges", "raw-logs", "icc", "cri-containerd", "rootless"},
		text: {"storage-driver", "pidfile", "data-root", "exec-root", "group", "log-level", "log-driver", "tlscacert", "tlscert", "tlskey",
			"swarm-default-advertise-addr", "metrics-addr", "bridge", "fixed-cidr", "fixed-cidr-v6", "bip", "userland-proxy-path", "cgroup-parent",
			"userns-remap", "init-path", "seccomp-profile", "default-ipc-mode", "default-cgroupns-mode", "containerd", "containerd-namespace", "default-runtime"},
		integer: {"mtu", "network-control-plane-mtu", "max-concurrent-downloads", "max-concurrent-uploads", "max-download-attempts", "shutdown-timeout",
			"cpu-rt-period", "cpu-rt-runtime"},
		address: {"ip", "default-gateway", "default-gateway-v6", "host-gateway-ip"},
		texts: {"authorization-plugins", "exec-opts", "storage-opts", "labels", "hosts", "dns-opts", "dns-search", "node-generic-resources",
			"registry-mirrors", "insecure-registries"},
	} {
		for _, name := range names {
			all[name] = directive{kind: k}
		}
	}
	return all
}

// ignoredKeys are names of flags that dockerd lets pass in the file and does not read
// there, and the directives that were meant; empty where there is none.
func ignoredKeys() map[string]string {
	return map[string]string{
		"host": "hosts", "label": "labels", "storage-opt": "storage-opts", "registry-mirror": "registry-mirrors",
		"insecure-registry": "insecure-registries", "authorization-plugin": "authorization-plugins", "exec-opt": "exec-opts",
		"dns-opt": "dns-opts", "node-generic-resource": "node-generic-resources", "add-runtime": "runtimes",
		"default-ulimit": "default-ulimits", "default-address-pool": "default-address-pools", "log-opt": "log-opts",
		"cdi-spec-dir": "cdi-spec-dirs", "default-network-opt": "default-network-opts", "feature": "features", "cluster-store-opt": "cluster-store-opts",
		"containerd-plugins-namespace": "", "config-file": "", "help": "", "version": "", "restart": "", "validate": "",
	}
}
