package check

import "vmguard/pkg/host"

func imageSwapRules() map[string][]ruleCase { return nil }

// healthySwapConf adds what a healthy VM has to the facts.
func healthySwapConf(*host.Facts) {}
