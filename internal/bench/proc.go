package bench

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// What /proc says. Where there is none, or it is not readable, ok is false and
// the report says null.

// ticks is USER_HZ, which Linux fixes at 100 for every program.
const ticks = 100

// processor is the processor time in microseconds that a process has used, and
// with children that of its ended ones too.
func processor(pid int, children bool) (us float64, ok bool) {
	f, ok := stat(pid)
	if !ok {
		return 0, false
	}
	sum := f[13] + f[14] // utime, stime
	if children {
		sum += f[15] + f[16] // cutime, cstime
	}
	return sum * 1e6 / ticks, true
}

// stat reads the numbers of /proc/PID/stat, counted as in proc(5) from 0; the
// name of the program, which may hold blanks, is not among them.
func stat(pid int) (fields [22]float64, ok bool) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return fields, false
	}
	at := strings.LastIndexByte(string(text), ')')
	words := strings.Fields(string(text[at+1:]))
	if at < 0 || len(words) < 20 {
		return fields, false
	}
	for i, w := range words[1:20] {
		if fields[i+3], err = strconv.ParseFloat(w, 64); err != nil {
			return fields, false
		}
	}
	return fields, true
}

// childrenOf lists the processes that a process started and that still run.
func childrenOf(pid int) (found []int, ok bool) {
	all, err := os.ReadDir("/proc")
	if err != nil {
		return nil, false
	}
	for _, entry := range all {
		n, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if f, ok := stat(n); ok && int(f[3]) == pid {
			found = append(found, n)
		}
	}
	return found, true
}

// family is the processor time of a process, of its children and of those that
// have ended: of PostgreSQL's postmaster, all that the server used.
func family(pid int) (us float64, ok bool) {
	children, ok := childrenOf(pid)
	if !ok {
		return 0, false
	}
	us, ok = processor(pid, true)
	for _, child := range children {
		if one, alive := processor(child, true); alive {
			us += one
		}
	}
	return us, ok
}

// resident is what a process holds in memory, in MiB.
func resident(pid int) (mb float64, ok bool) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		rest, found := strings.CutPrefix(line, "VmRSS:")
		if !found {
			continue
		}
		kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
		return kb / 1024, err == nil
	}
	return 0, false
}
