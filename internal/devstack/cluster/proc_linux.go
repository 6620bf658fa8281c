package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// openFolders: a child can use a folder that it could not walk to, handed down open, through /proc.
const openFolders = true

// dieWithParent makes the kernel shut the server down when we are gone, however that happened.
func (s *Server) dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr.Pdeathsig = fastShutdown
	if s.opts.Throwaway {
		cmd.SysProcAttr.Pdeathsig = immediateShutdown
	}
}

// isPostgresIn tells whether pid is a PostgreSQL server whose working directory is dataDir, as every PostgreSQL's is.
func isPostgresIn(pid int, dataDir string) bool {
	proc := fmt.Sprintf("/proc/%d/", pid)
	if st, err := os.ReadFile(proc + "stat"); err == nil {
		if _, after, ok := strings.Cut(string(st), ") "); ok && strings.HasPrefix(after, "Z") {
			return false // ended; only its parent has not noticed yet
		}
	}
	exe, err := os.Readlink(proc + "exe")
	if err != nil {
		return false // gone, or another user's: not one that we started
	}
	if name := filepath.Base(strings.TrimSuffix(exe, " (deleted)")); name != "postgres" {
		return false
	}
	cwd, err1 := os.Stat(proc + "cwd")
	dir, err2 := os.Stat(dataDir)
	return err1 == nil && err2 == nil && os.SameFile(cwd, dir)
}
