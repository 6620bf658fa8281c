//go:build !linux

package simulation

// scratch is where temporary folders go: the system's default.
func scratch() string { return "" }
