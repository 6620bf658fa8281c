package simulation

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"strings"
)

// postgresLink understands as much of PostgreSQL's protocol (version 3, see its
// manual, "Frontend/Backend Protocol") as tells where a statement begins, which
// one it is, and where its answer ends.
type postgresLink struct {
	*link
	statements map[string]string // prepared, by name
	inside     bool              // a transaction
	doing      step              // what the transaction is about
	copying    bool
	skipping   bool // until Sync: the statement was answered here
}

// Types of messages.
const (
	msgQuery, msgParse, msgBind, msgSync       = 'Q', 'P', 'B', 'S'
	msgCopyDone, msgCopyFail, msgReadyForQuery = 'c', 'f', 'Z'
)

// requests passes on what the service says.
func (p *postgresLink) requests() {
	defer p.w.leave(p.link)
	in, to := reader(p.client), &out{to: p.server}
	p.w.wait(p.link)
	start, err := startup(in)
	if err != nil {
		return
	}
	to.add(start)
	for {
		if in.Buffered() == 0 && to.flush() != nil {
			return
		}
		kind, msg, err := message(in)
		if err != nil {
			return
		}
		if !p.copying {
			p.w.wait(p.link)
		}
		if p.skipping {
			if kind == msgSync {
				p.skipping = false
				if p.answer(p.noRoom()) != nil {
					return
				}
			}
			continue
		}
		text, begins := p.statement(kind, msg[5:])
		if begins {
			if r := p.w.meet(p.follow(text)); r != nil {
				if to.flush() != nil {
					return
				}
				if r.how == full {
					close(r.fired)
					if kind != msgQuery {
						p.skipping = true
						continue
					}
					if p.answer(p.noRoom()) != nil {
						return
					}
					p.copying = false
					continue
				}
				if !p.act(r) {
					return
				}
			}
		}
		to.add(msg)
	}
}

// startup reads a connection's first message, which has no type.
func startup(in *bufio.Reader) ([]byte, error) {
	head, err := in.Peek(4)
	if err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(head))
	_, err = io.ReadFull(in, b)
	return b, err
}

// message reads a message: type, length, content; b is all of it.
func message(in *bufio.Reader) (kind byte, b []byte, err error) {
	head, err := in.Peek(5)
	if err != nil {
		return 0, nil, err
	}
	b = make([]byte, 1+binary.BigEndian.Uint32(head[1:]))
	_, err = io.ReadFull(in, b)
	return b[0], b, err
}

// statement returns the SQL that a message sets going.
func (p *postgresLink) statement(kind byte, content []byte) (text string, begins bool) {
	word := func() string {
		before, after, _ := bytes.Cut(content, []byte{0})
		content = after
		return string(before)
	}
	switch kind {
	case msgParse:
		name := word()
		p.statements[name] = word()
	case msgBind:
		word() // the portal
		return p.statements[word()], true
	case msgQuery:
		return word(), true
	case msgCopyDone, msgCopyFail:
		p.copying = false
	}
	return "", false
}

// follow keeps up with the transaction and says which moment this is.
func (p *postgresLink) follow(sql string) moment {
	words := strings.Fields(strings.ToLower(sql))
	text := strings.Join(words, " ")
	first := ""
	if len(words) > 0 {
		first = strings.TrimRight(words[0], ";")
	}
	switch first {
	case "begin", "start":
		p.inside, p.doing = true, ""
		return moment{}
	case "commit":
		p.inside = false
		return moment{p.doing, true}
	case "rollback":
		p.inside = false
		return moment{}
	case "copy":
		p.copying = strings.Contains(text, "from stdin")
	}
	at := stepOf(text)
	if !p.inside {
		return moment{at, true}
	}
	if at != "" {
		p.doing = at
	}
	return moment{at, false}
}

// stepOf tells what a statement is about, by the table that it writes.
func stepOf(text string) step {
	has := func(s string) bool { return strings.Contains(text, s) }
	switch {
	case has("insert into private.person_keys") && has("destroyed_at = now()"):
		return stepErasure
	case has("insert into private.person_keys"):
		return stepKeys
	case strings.HasPrefix(text, "copy") && has("outcomes"):
		return stepBatch
	case has("update positions set epoch"):
		return stepTakeover
	case has("update positions") && has("projection ="):
		return stepProjections
	case has("hashtext('socho.leases')"), has("into app.leases"):
		return stepLease
	case has("rename to ledger"):
		return stepSwap
	case has("into app.done"):
		return stepMark
	}
	return ""
}

// noRoom is what PostgreSQL answers when its disk is full.
func (p *postgresLink) noRoom() []byte {
	var fields []byte
	for _, f := range []string{"SERROR", "VERROR", "C53100", "Mcould not extend file: No space left on device"} {
		fields = append(append(fields, f...), 0)
	}
	fields = append(fields, 0)
	b := binary.BigEndian.AppendUint32([]byte{'E'}, uint32(4+len(fields)))
	b = append(b, fields...)
	state := byte('I')
	if p.inside {
		state = 'E' // the transaction has failed
	}
	return append(b, msgReadyForQuery, 0, 0, 0, 5, state)
}

// responses passes on what PostgreSQL answers.
func (p *postgresLink) responses() {
	defer p.w.leave(p.link)
	in := reader(p.server)
	var buf []byte
	for {
		kind, msg, err := message(in)
		if err != nil {
			return
		}
		if r := p.swallowing(); r != nil {
			if kind == msgReadyForQuery {
				p.end(r)
				return
			}
			continue
		}
		buf = append(buf, msg...)
		if in.Buffered() == 0 {
			if p.answer(buf) != nil {
				return
			}
			buf = buf[:0]
		}
	}
}
