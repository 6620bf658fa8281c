package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// process is another process that takes lines and answers with lines. It ends
// when its standard input does, so that none is left behind by a parent that
// was killed.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
}

// endWait is how long a process may take to end by itself.
const endWait = time.Minute

func launch(cmd *exec.Cmd, stderr io.Writer) (*process, error) {
	p := &process{cmd: cmd, lines: make(chan string)}
	cmd.Stderr = stderr
	var err error
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.lines)
		r := bufio.NewReaderSize(out, 1<<20)
		for {
			line, err := r.ReadString('\n')
			if line != "" {
				p.lines <- line
			}
			if err != nil {
				return
			}
		}
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// tell writes one line.
func (p *process) tell(what any) error {
	b, err := json.Marshal(what)
	if err != nil {
		return err
	}
	_, err = p.in.Write(append(b, '\n'))
	return err
}

var errEnded = errors.New("the process has ended")

// line reads one.
func (p *process) line(ctx context.Context) (string, error) {
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case line, ok := <-p.lines:
		if !ok {
			return "", errEnded
		}
		return line, nil
	}
}

func (p *process) answer(ctx context.Context, to any) error {
	line, err := p.line(ctx)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(line), to)
}

// ready waits for the line that says so, and returns the address in it.
func (p *process) ready(ctx context.Context) (address string, err error) {
	for {
		line, err := p.line(ctx)
		if err != nil {
			return "", err
		}
		if address, ok := strings.CutPrefix(line, "ready"); ok {
			return strings.TrimSpace(address), nil
		}
	}
}

// end closes the process's input and waits until it has ended; one that does
// not is killed.
func (p *process) end() error {
	err := p.in.Close()
	killed := time.AfterFunc(endWait, func() { _ = p.cmd.Process.Kill() })
	defer killed.Stop()
	for range p.lines { // nothing more is wanted
	}
	if waited := p.cmd.Wait(); waited != nil {
		return errors.Join(err, fmt.Errorf("%s: %w", p.cmd.Path, waited))
	}
	return err
}
