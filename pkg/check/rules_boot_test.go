package check

import "vmguard/pkg/host"

func bootServiceRules() map[string][]ruleCase { return nil }

// healthyBoot adds what a healthy VM has to the facts.
func healthyBoot(*host.Facts) {}
