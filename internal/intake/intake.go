// Package intake is the one door for facts: it checks each line, seals what is
// personal, writes it canonically, stamps actor and time, and publishes it
// under its organization.
//
// Every line is published, also one that cannot be decoded or names no
// organization: it becomes a fact intake.undecodable that carries the line
// sealed, so that nothing handed in vanishes. The exceptions are lines of erased
// persons, which are counted and named but never published: after scope contact
// those that hold something to seal under the destroyed key, after scope all
// every line that names the person, but for a bank's line without personal
// fields and the erasure itself; and lines that the rules in force in their shard
// cannot read yet, which would be malformed there for ever.
//
// The same line twice is the same bytes twice, whoever hands it in and
// whenever: what differs stands in the record's headers. Publishing a file
// again after any failure is therefore safe; what was already there is decided
// as a duplicate.
//
// The package must never know a broker's or a database's client, nor what the
// ledger decides. No text of a line enters an error or a report.
//
// One worked example; v is a *vault.Vault, broker adapts the Kafka client:
//
//	in := intake.New(v, broker, time.Now)
//	report, err := in.Publish(ctx, file, intake.Options{DefaultOrg: "hg-cho-dong-van", Actor: "cli"})
//	fmt.Println(report.Published, report.NotPublished)
//	for _, r := range report.Ranges { … wait until shard r.Shard has decided r.Next-1 … }
package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"socho/events"
)

// Limits on what is held in memory and sent at once.
const (
	MaxLineBytes = 1 << 20   // of a longer line only the beginning is held
	BatchRecords = 500       // in one request to the broker
	BatchBytes   = 512 << 10 // in one request to the broker
	MaxNamed     = 1000      // lines named in a Report; Options.Refused hears of all
	stageLines   = 2000      // read ahead and sealed together
	stageBytes   = 1 << 20   // likewise
)

// Unrouted is the organization of lines that name none, where the publisher
// gave none for the whole file either.
const Unrouted = "unrouted"

// Ref names whose keys a batch needs: a person of an organization, or with an
// empty Person the organization itself. With Check set, it is enough to know
// which keys are destroyed, and no key is made.
type Ref = struct {
	Organization string
	Person       string
	Check        bool
}

// Name is a name that a person goes by, in clear.
type Name = struct{ Organization, Person, Text string }

// Keys are the keys of one batch.
type Keys interface {
	// Erased reports whether the person's key of this class is destroyed.
	Erased(organization, person string, class events.KeyClass) bool
	// Seal is deterministic. Any error it returns fails the batch. It is not
	// asked for a destroyed key.
	Seal(at events.Place, person string, class events.KeyClass, clear string) (string, error)
}

// Vault keeps the sealing keys.
type Vault[K Keys] interface {
	// Sealer returns durable keys, made where there were none. Any error it
	// returns means that nothing can be sealed now.
	Sealer(ctx context.Context, batch []Ref) (K, error)
	// Hold keeps Erase waiting until release is called. What is sealed in
	// between reaches the log before any key of it is destroyed.
	Hold(ctx context.Context) (release func(), err error)
	// Remember makes persons findable by names, until their identity keys are
	// destroyed.
	Remember(ctx context.Context, names []Name) error
	// Erase destroys keys durably; scope is contact or all. Asking twice is
	// asking once. After an error they may or may not be destroyed.
	Erase(ctx context.Context, organization, person, scope string) error
}

// Log is the topic of facts.
type Log interface {
	// Partitions is how many partitions the topic has, for life.
	Partitions() int
	// Produce appends the records to one partition, in order and all of them,
	// and returns the offset of the first once every replica has them. Shard
	// and Offset of the records are not set. After an error the batch is either
	// wholly on the log or not at all. Called for several partitions at once.
	Produce(ctx context.Context, partition int, records []events.Record) (base int64, err error)
}

// actor is what may be stamped on a record for ever: a kind of door and the
// opaque id of whoever came through it.
var actor = regexp.MustCompile(`^[a-z]{1,16}(:[A-Za-z0-9._-]{1,64})?$`)

// maxActor is the longest that it matches.
const maxActor = 16 + 1 + 64

// Clock tells the time that records are stamped with.
type Clock func() time.Time

// Intake publishes facts. It keeps nothing between calls and may be used by
// several goroutines; the order of lines holds within one Publish.
type Intake struct {
	hold   func(context.Context) (release func(), err error)
	sealer func(context.Context, []Ref) (Keys, error)
	recall func(context.Context, []Name) error
	erase  func(ctx context.Context, organization, person, scope string) error
	log    Log
	clock  Clock
}

// New returns an intake over a vault and a log.
func New[K Keys](v Vault[K], log Log, clock Clock) *Intake {
	return &Intake{
		hold:   v.Hold,
		sealer: func(ctx context.Context, refs []Ref) (Keys, error) { return v.Sealer(ctx, refs) },
		recall: v.Remember,
		erase:  v.Erase,
		log:    log,
		clock:  clock,
	}
}

// Options say on whose behalf a file is published.
type Options struct {
	DefaultOrg string          // for undecodable lines that name no organization; may be empty
	Actor      string          // who hands the lines in: cli, session:ID or token:ID; never a name
	Own        bool            // the lines are this ledger's own, under its own source
	MayErase   bool            // whoever hands the lines in may have keys destroyed
	Progress   func(lines int) // told now and then how many lines are published; may be nil
	Refused    func(LineError) // told of every line that is not published, in no order; may be nil
	// Reads says why facts of a type, by its full name, cannot be read in a shard
	// yet; nil where they can. Where it is nil, all can.
	Reads func(shard int, fullType string) error
}

// Report is what became of a file's lines.
type Report struct {
	Published    int
	NotPublished int
	Undecodable  int         // of Published: those that are no events and went sealed
	Faults       []Fault     // the first MaxNamed of those, by line: what is wrong with them
	Ranges       []Range     // where this file's lines lie on the log, by shard and offset
	Refusals     []LineError // the first MaxNamed lines not published, by line
	Unread       error       // what Reads said of the first line that it refused; nil where it refused none
	Cut          []int       // the first MaxNamed lines too long to be kept whole; see MaxInput
}

// Fault says why a line is no event. Its text never repeats the line's values.
type Fault struct {
	Line int // from 1
	*events.Error
}

// Range is a run of records of this file: First ≤ offset < Next.
type Range struct {
	Shard       int
	First, Next int64
}

// Code says, for programs, why a line was not published or Publish failed.
type Code string

// The codes of lines not published, and of Error.
const (
	EraseRefused Code = "erase_refused" // person.erased from one who may not have keys destroyed; no Error
	PersonErased Code = "person_erased" // the line's person is erased, and it cannot go without her; no Error
	LogFailed    Code = "log_failed"    // the line's batch was not acknowledged; it may be on the log
	RulesTooOld  Code = "rules_too_old" // the rules in force in the line's shard cannot read it yet; no Error
	NotSent      Code = "not_sent"      // an earlier batch of the same partition failed
	VaultFailed  Code = "vault_failed"  // keys could not be had, or not be destroyed
	InputFailed  Code = "input_failed"  // the file could not be read on
	Cancelled    Code = "cancelled"
	BadOptions   Code = "bad_options"
)

// LineError names a line that was not published. Shard is -1 where it was not
// worked out.
type LineError struct {
	Line  int // from 1
	Shard int
	Code  Code
}

// Error is a fault that kept lines from being published. Line is the first of
// them, 0 where there is none.
type Error struct {
	Code  Code
	Line  int
	Shard int
	Err   error
}

func (e *Error) Error() string {
	s := "intake: " + string(e.Code)
	if e.Line > 0 {
		s += fmt.Sprintf(" from line %d on", e.Line)
	}
	if e.Shard >= 0 {
		s += fmt.Sprintf(" in shard %d", e.Shard)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Publish publishes the lines of a file or pipe, in order within each
// organization, and returns when all are acknowledged or have failed. Blank
// lines are skipped. A pipe's lines go out as they come.
//
// The report is complete in either case, except that after a cancelled context
// or a fault of the input nothing further is read. A failed batch stops its
// partition for the rest of the file; the others go on. Where the vault fails,
// nothing goes on. Publishing the file again takes up the rest.
//
// A crash leaves some of the lines published, in each partition a beginning of
// what belongs there.
//
// Errors: *Error, for the first fault by line. A line of an erased person is
// none. After a cancelled context, a Read that blocks is left to end by itself.
func (in *Intake) Publish(ctx context.Context, input io.Reader, o Options) (Report, error) {
	if o.DefaultOrg != "" && !events.ValidOrganization(o.DefaultOrg) {
		return Report{}, &Error{Code: BadOptions, Shard: -1, Err: errors.New("an organization is 1 to 64 of a-z 0-9 -")}
	}
	if !actor.MatchString(o.Actor) {
		return Report{}, &Error{Code: BadOptions, Shard: -1, Err: errors.New("who publishes must be given, as cli, session:ID or token:ID")}
	}
	r := newRun(in, o)
	if r.shards < 1 {
		return Report{}, &Error{Code: LogFailed, Shard: -1, Err: errors.New("the topic has no partitions")}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// One stage is read and checked while the one before it is sealed and sent.
	stages := make(chan *stage)
	complete := false // valid once stages is closed
	go func() {
		defer close(stages)
		complete = read(ctx, input, o, stages)
	}()
	for {
		select {
		case s, more := <-stages:
			if !more {
				if !complete {
					r.fault(Cancelled, 0, -1, context.Cause(ctx))
				}
				return r.report()
			}
			r.stage(ctx, s)
			if o.Progress != nil {
				o.Progress(r.out.Published)
			}
		case <-ctx.Done():
			r.fault(Cancelled, 0, -1, context.Cause(ctx))
			return r.report()
		}
	}
}
