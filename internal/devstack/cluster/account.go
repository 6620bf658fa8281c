package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is who the server runs as.
type account struct {
	uid, gid int
	name     string
	other    bool // not us: we are root, and it is not
}

// accountFor decides under which account to run the cluster at dataDir. Errors: cluster_foreign, folder_closed.
func accountFor(dataDir string) (account, error) {
	me := os.Geteuid()
	owner := -1
	var group int
	if st, err := os.Stat(dataDir); err == nil {
		if sys, ok := st.Sys().(*syscall.Stat_t); ok {
			owner, group = int(sys.Uid), int(sys.Gid)
		}
	}
	if me != 0 {
		if owner >= 0 && owner != me {
			return account{}, &Error{Code: ErrClusterForeign.Code, Message: fmt.Sprintf(
				"the PostgreSQL cluster %s belongs to user %s, and you are %s; run as root or as that user, or choose another folder with --data",
				dataDir, userName(owner), userName(me))}
		}
		return account{uid: me, gid: os.Getegid(), name: userName(me)}, nil
	}
	if owner > 0 {
		return account{uid: owner, gid: group, name: userName(owner), other: true}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil && uid != 0 {
			return account{uid: uid, gid: gid, name: name, other: true}, nil
		}
	}
	return account{}, &Error{Code: ErrFolderClosed.Code, Message: "PostgreSQL does not run as root, and there is neither a user " +
		"\"postgres\" nor \"nobody\" to run it as; create one (useradd --system postgres), or start as an ordinary user"}
}

func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

// apply makes cmd run as the account.
func (a account) apply(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	if a.other {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
}

// own hands a file or folder of ours to the account.
func (a account) own(path string) error {
	if !a.other {
		return nil
	}
	if err := os.Chown(path, a.uid, a.gid); err != nil {
		return fmt.Errorf("cluster: giving %s to user %s: %w", path, a.name, err)
	}
	return nil
}

// lockedOut tells whether the account cannot walk to dir by its path, and there is a way around it. Without a way
// around: folder_closed, naming the folder that bars the way. Nobody's permissions are changed.
func (a account) lockedOut(dir string) (bool, error) {
	if !a.other || a.canEnter(dir) {
		return false, nil
	}
	if openFolders {
		return true, nil
	}
	bar := a.bar(dir)
	return false, &Error{Code: ErrFolderClosed.Code, Message: fmt.Sprintf(
		"PostgreSQL runs as user %s (it refuses root), who cannot enter %s; allow it with: chmod o+x %s, or choose another folder with --data",
		a.name, bar, bar)}
}

// canEnter tries it, which knows about access lists and security modules too.
func (a account) canEnter(dir string) bool {
	cmd := exec.Command("/bin/sh", "-c", `cd -- "$1"`, "sh", dir)
	cmd.Dir = "/"
	a.apply(cmd)
	err := cmd.Run()
	var exit *exec.ExitError
	if err == nil || errors.As(err, &exit) {
		return err == nil
	}
	return a.bar(dir) == "" // no shell: go by the permissions
}

// bar is the first folder on the way to dir, from the root, whose permissions keep the account out; "" for none.
func (a account) bar(dir string) string {
	var way []string
	for d := dir; ; d = filepath.Dir(d) {
		way = append(way, d)
		if d == filepath.Dir(d) {
			break
		}
	}
	for i := len(way) - 1; i >= 0; i-- {
		st, err := os.Stat(way[i])
		if err != nil {
			return way[i]
		}
		need := os.FileMode(0o001)
		if sys, ok := st.Sys().(*syscall.Stat_t); ok {
			switch {
			case int(sys.Uid) == a.uid:
				need = 0o100
			case int(sys.Gid) == a.gid:
				need = 0o010
			}
		}
		if st.Mode().Perm()&need == 0 {
			return way[i]
		}
	}
	return ""
}
