package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"socho/events"
	"socho/internal/intake"
	"socho/internal/kafka"
)

// Inbox is the topic that partners' own producers write to. Intake stands
// between it and the log: what they write is checked, sealed and stamped like
// everything else. It is kept for ever, like the log.
const Inbox = "socho.inbox"

// How much of one partition is handed to intake at once.
const (
	inboxRecords = 500
	inboxBytes   = 1 << 20
)

// provisionInbox makes the topic where it is missing. Where that is not allowed
// there is no inbox, and the reason is logged.
func (s *Service) provisionInbox(ctx context.Context) {
	info, err := s.client.CheckTopic(ctx, Inbox)
	if errors.Is(err, kafka.ErrTopicMissing) {
		if info, err = s.client.CheckTopic(ctx, Topic); err == nil { // as many replicas as the log has
			_, err = s.client.EnsureTopic(ctx, Inbox, info.Partitions, info.Replication)
		}
	}
	if err != nil {
		s.slog.Warn("partners have no inbox", "reason", err)
		return
	}
	s.inbox = info.Partitions
}

// takeIn hands the inbox to intake, every partition in its order, until the
// context ends. A crash between publishing and moving the position publishes
// some records again; the ledger answers these with duplicate.
func (s *Service) takeIn(ctx context.Context) {
	var partitions sync.WaitGroup
	for p := range s.inbox {
		partitions.Go(func() {
			wait := s.tempo.Fault
			for ctx.Err() == nil {
				moved, err := s.takeInSome(ctx, p)
				switch {
				case ctx.Err() != nil:
				case err != nil:
					s.slog.Warn("inbox tries again", "partition", p, "reason", err)
					pause(ctx, wait)
					wait = min(2*wait, s.tempo.FaultMost)
				case moved:
					wait = s.tempo.Fault
				}
			}
		})
	}
	partitions.Wait()
}

func (s *Service) takeInSome(ctx context.Context, partition int) (moved bool, err error) {
	from, err := s.DB.InboxPosition(ctx, partition)
	if err != nil {
		return false, err
	}
	messages, _, err := s.client.Fetch(ctx, Inbox, partition, from, inboxRecords, inboxBytes, time.Second)
	if err != nil || len(messages) == 0 {
		return false, err
	}
	// Intake names lines; here a record is a line, and a blank one is none.
	for first := 0; first < len(messages); {
		org := inboxOrganization(&messages[first])
		var lines bytes.Buffer
		next := first
		for ; next < len(messages) && inboxOrganization(&messages[next]) == org; next++ {
			m := &messages[next]
			lines.Write(events.FromMessage(m.Headers, m.Value))
			lines.WriteByte('\n')
		}
		refused := map[int64]string{}
		report, err := s.Publish(ctx, &lines, intake.Options{DefaultOrg: org, Actor: "inbox"})
		if err != nil {
			return false, fmt.Errorf("inbox partition %d from offset %d on: %w", partition, messages[first].Offset, err)
		}
		for _, r := range report.Refusals {
			refused[messages[first].Offset+int64(r.Line)-1] = string(r.Code)
		}
		to := messages[next-1].Offset + 1
		if err := s.DB.MoveInbox(ctx, partition, from, to, refused); err != nil {
			return false, err
		}
		from, first = to, next
	}
	return true, nil
}

// inboxOrganization is whose a record is where it cannot be read: its key.
func inboxOrganization(m *kafka.Message) string {
	if key := string(m.Key); events.ValidOrganization(key) {
		return key
	}
	return ""
}
