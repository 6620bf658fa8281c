package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/internal/kafka"
)

// Brokers are the addresses of the log's brokers, separated by commas.
func (s *Service) Brokers() string { return s.client.Brokers() }

// DatabaseAddress is where the database is, without anything secret.
func (s *Service) DatabaseAddress() string {
	config, err := pgx.ParseConfig(s.URL)
	if err != nil {
		return "" // it has been connected to
	}
	return fmt.Sprintf("%s:%d/%s", config.Host, config.Port, config.Database)
}

// InboxStatus is how far the partners' inbox has been taken in.
type InboxStatus struct {
	Waiting int64 // records not yet handed to intake
	Taken   int64 // records that were
	Refused int64 // of these, lines that were not published
	UsedAt  time.Time
}

// ErrNoInbox: the topic is not there.
var ErrNoInbox = errors.New("service: there is no inbox")

// InboxStatus asks how the inbox is. Errors: ErrNoInbox; those of the brokers
// and the database.
func (s *Service) InboxStatus(ctx context.Context) (status InboxStatus, err error) {
	info, err := s.client.CheckTopic(ctx, Inbox)
	if errors.Is(err, kafka.ErrTopicMissing) {
		return status, ErrNoInbox
	}
	if err != nil {
		return status, err
	}
	for partition := range info.Partitions {
		_, end, err := s.client.Offsets(ctx, Inbox, partition)
		if err != nil {
			return status, err
		}
		next, err := s.DB.InboxPosition(ctx, partition)
		if err != nil {
			return status, err
		}
		status.Taken, status.Waiting = status.Taken+next, status.Waiting+end-next
		if next > 0 {
			if last, err := s.client.ReadAt(ctx, Inbox, partition, next-1); err == nil && last.Time.After(status.UsedAt) {
				status.UsedAt = last.Time
			}
		}
	}
	return status, s.DB.QueryRow(ctx, `SELECT count(*) FROM app.inbox_refused`).Scan(&status.Refused)
}

// Witnesses are the names of those who have signed the newest checkpoints,
// sorted. Whether their
// signatures hold, whoever trusts their keys can tell.
func (s *Service) Witnesses(ctx context.Context, at Proof) (names []string, err error) {
	signed, err := s.Checkpoints(at)
	if err != nil {
		return nil, err
	}
	ledger, err := s.LedgerName(ctx)
	if err != nil {
		return nil, err
	}
	for _, one := range signed {
		for _, sig := range slices.Concat(one.Note.Sigs, one.Note.UnverifiedSigs) {
			if sig.Name != ledger {
				names = append(names, sig.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
