//go:build unix && !linux

package cluster

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

const openFolders = false

// dieWithParent: there is no such promise here; the next start stops an orphan.
func (s *Server) dieWithParent(*exec.Cmd) {}

// isPostgresIn goes by the program's name: the id stands in the cluster's own file, and nobody else writes that.
func isPostgresIn(pid int, _ string) bool {
	out, err := exec.Command("ps", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && filepath.Base(strings.TrimSpace(string(out))) == "postgres"
}
