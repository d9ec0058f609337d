// Package swap makes, persists, resizes and removes swapfiles.
//
// It works in three moves. Look reads how things stand, all of it before anything is
// changed. PlanEnable and PlanDisable judge that, purely, and give the operations that
// are missing. Steps turns these into the steps of a plan (package change), which carries
// them out and can take them back.
//
// Because a plan is made of what there is, and each of its steps leaves the host in a
// state that the next plan knows, a run that was killed is mended by running it again.
package swap
