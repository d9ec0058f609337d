// Package policy reads policies: YAML to a check.Policy, and the built-in profiles.
package policy
