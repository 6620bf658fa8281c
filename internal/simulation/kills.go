package simulation

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"socho/internal/service"
)

// killsEach is how often each kind of process is killed in a run.
const killsEach = 2

// real is socho run as a process of its own, on a folder with full durability.
type real struct {
	*run
	dir string // on disk, unlike the other runs' folders
	cmd *exec.Cmd
	log bytes.Buffer // what it last said
}

// kills publishes through real processes and kills them with signal 9 in the
// middle of it: socho run, or the PostgreSQL under it. Each time the lines that
// were being published are published again, as their publisher would.
func (r *run) kills(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "socho-simulate-")
	if err != nil {
		return err
	}
	s := &real{run: r, dir: filepath.Join(dir, "data")}
	defer func() {
		s.kill()
		s.endPostgres() // which a killed socho run leaves behind
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	var plan []Fault
	for _, f := range r.Faults {
		for range killsEach {
			if f.Kill {
				plan = append(plan, f)
			}
		}
	}
	r.rng.Shuffle(len(plan), func(i, j int) { plan[i], plan[j] = plan[j], plan[i] })
	lines := r.load.withoutErasures()
	if err := s.start(ctx); err != nil {
		return err
	}
	for i, f := range plan {
		part := lines[i*len(lines)/len(plan) : (i+1)*len(lines)/len(plan)]
		file := filepath.Join(dir, "lines-"+strconv.Itoa(i))
		if err := os.WriteFile(file, text(part), 0o600); err != nil {
			return err
		}
		r.tell("%d of %d lines, %s", i*len(lines)/len(plan), len(lines), strings.ReplaceAll(f.Name, "_", " "))
		if err := s.strike(ctx, f.Name, file); err != nil {
			return err
		}
	}
	r.tell("examining what the kills have left")
	attached, err := service.Open(ctx, service.Options{Data: s.dir})
	if err != nil {
		return wrong("the stack cannot be attached to: %v", err)
	}
	defer attached.Close() //nolint:errcheck // it only looked
	if err := r.examine(ctx, attached, attached.Stack().KafkaBrokers()); err != nil {
		return err
	}
	return s.stop()
}

// strike publishes a file, kills meanwhile, and publishes until it is through.
func (s *real) strike(ctx context.Context, name, file string) error {
	publishing := s.command(ctx, "publish", file)
	if err := publishing.Start(); err != nil {
		return err
	}
	pause(ctx, time.Duration(s.rng.IntN(400))*time.Millisecond)
	if name == "kill_service" {
		s.kill()
	} else if err := s.killPostgres(ctx); err != nil {
		return err
	}
	s.struck(name)
	publishing.Wait() //nolint:errcheck // it may have failed, and is done again
	if name == "kill_service" {
		if s.rng.IntN(3) == 0 { // and once more while it starts
			again, err := s.launch(ctx)
			if err != nil {
				return err
			}
			pause(ctx, time.Duration(s.rng.IntN(800))*time.Millisecond)
			s.kill()
			again.Close() //nolint:errcheck // nobody reads on
			s.struck(name)
		}
		if err := s.start(ctx); err != nil {
			return err
		}
	}
	var said bytes.Buffer
	for range attempts {
		said.Reset()
		publish := s.command(ctx, "--json", "publish", file)
		publish.Stderr = &said
		out, err := publish.Output()
		var report struct {
			NotPublished int `json:"not_published"`
		}
		if err == nil && json.Unmarshal(out, &report) == nil && report.NotPublished == 0 {
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		pause(ctx, 100*time.Millisecond)
	}
	return wrong("after %s lines cannot be published: %s", name, said.String())
}

// command is socho on the run's folder, whatever the caller's environment names.
func (s *real) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.Binary, append([]string{"--data", s.dir}, args...)...) //nolint:gosec // ourselves
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "SOCHO_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	return cmd
}

// launch starts socho run; what it prints comes from the pipe.
func (s *real) launch(ctx context.Context) (*os.File, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer in.Close() //nolint:errcheck // the process has its own
	s.log.Reset()
	s.cmd = s.command(ctx, "run", "--addr", "127.0.0.1:0")
	s.cmd.Stdout, s.cmd.Stderr = in, &s.log
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		out.Close() //nolint:errcheck // nothing comes of it
		return nil, fmt.Errorf("socho run: %w", err)
	}
	return out, nil
}

// start brings socho run up and waits until it serves.
func (s *real) start(ctx context.Context) error {
	out, err := s.launch(ctx)
	if err != nil {
		return err
	}
	defer out.Close() //nolint:errcheck // it has been read
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "ready ") {
			return nil
		}
	}
	s.kill()
	return wrong("socho run does not come up: %s", s.log.String())
}

// kill ends socho run as nothing else can, if it runs.
func (s *real) kill() {
	if s.cmd != nil {
		s.cmd.Process.Kill() //nolint:errcheck // it may be gone already
		s.cmd.Wait()         //nolint:errcheck // killed
		s.cmd = nil
	}
}

// stop asks socho run to end.
func (s *real) stop() error {
	err := errors.Join(s.cmd.Process.Signal(os.Interrupt), s.cmd.Wait())
	s.cmd = nil
	if err != nil {
		return wrong("socho run does not end well: %v: %s", err, s.log.String())
	}
	return nil
}

// killPostgres kills the server that our socho run has started, or is just
// starting again.
func (s *real) killPostgres(ctx context.Context) (err error) {
	for range 10 * attempts {
		var pid int
		if pid, err = s.postmaster(); err == nil {
			err = syscall.Kill(pid, syscall.SIGKILL)
		}
		if err == nil {
			return nil
		}
		pause(ctx, 100*time.Millisecond)
	}
	return err
}

// postmaster is the process of the server.
func (s *real) postmaster() (pid int, err error) {
	b, err := os.ReadFile(filepath.Join(s.dir, "postgres", "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(b), "\n")
	if pid, err = strconv.Atoi(first); err != nil || pid < 2 {
		return 0, fmt.Errorf("postmaster.pid names no process: %q", first)
	}
	return pid, nil
}

// endPostgres kills the server if one is left, and waits until it is gone.
func (s *real) endPostgres() {
	pid, err := s.postmaster()
	if err != nil {
		return
	}
	for until := time.Now().Add(10 * time.Second); syscall.Kill(pid, syscall.SIGKILL) == nil && time.Now().Before(until); {
		time.Sleep(20 * time.Millisecond)
	}
}
