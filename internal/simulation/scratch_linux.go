package simulation

import (
	"os"
	"syscall"
)

// scratch is where temporary folders go: wherever TMPDIR says, else into memory
// where 4 GB are free there, else "", which is the system's default.
func scratch() string {
	const memory = "/dev/shm"
	var st syscall.Statfs_t
	if os.Getenv("TMPDIR") != "" || syscall.Statfs(memory, &st) != nil || st.Bavail*uint64(st.Bsize) < 4<<30 {
		return ""
	}
	probe, err := os.MkdirTemp(memory, "socho-simulate-")
	if err != nil {
		return ""
	}
	os.Remove(probe) //nolint:errcheck // it is empty
	return memory
}
