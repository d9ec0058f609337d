module vmguard/testdata/bench/oom

go 1.26.0

require (
	github.com/euank/go-kmsg-parser v2.0.0+incompatible
	vmguard v0.0.0
)

require golang.org/x/sys v0.49.0 // indirect

require (
	github.com/go-logr/logr v1.4.4 // indirect
	github.com/google/cadvisor v0.49.1
	k8s.io/klog/v2 v2.100.1 // indirect
)

replace vmguard => ../../..
