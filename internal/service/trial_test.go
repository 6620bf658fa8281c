package service_test

import (
	"strings"
	"testing"

	"socho/internal/devstack/testdb"
	"socho/internal/intake"
	"socho/internal/service"
	"socho/ledger"
)

// What a trial says comes true when the same lines are published, and the trial
// itself leaves nothing behind.
func TestTrial(t *testing.T) {
	s := open(t, testdb.Data(t, "service", service.Migrate))
	publish(t, s, fees(0, 3))
	lines := fees(2, 2) + strings.Replace(fees(1, 1), "26000", "27000", 1) +
		strings.NewReplacer("fee_assessed", "fee_waived", `"person":"p9","bill":"b9","stall":"A9","period":"2026-09","due_on":"2026-09-15","currency":"VND","items":[{"item":"management","amount":"26000"}],"personal":{"name":"Nguyễn Văn Mẫu 9","phone":"0900000009"}`,
			`"bill":"b0","amount":"90000","currency":"VND","reason":"absent"`).Replace(fees(9, 1))
	options := intake.Options{Actor: "test"}
	trial, err := s.Try(t.Context(), strings.NewReader(lines), options)
	if err != nil {
		t.Fatal(err)
	}
	var foretold []ledger.Outcome
	for _, outcomes := range trial.Outcomes {
		foretold = append(foretold, outcomes...)
	}
	before, err := s.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	counts := publish(t, s, lines)
	if len(foretold) != 4 || counts[ledger.Duplicate] != 1 || counts[ledger.Posted] != 1 || counts[ledger.Conflict] != 1 || counts[ledger.Refused] != 1 {
		t.Fatalf("foretold %d, then %v", len(foretold), counts)
	}
	for i, o := range foretold {
		if o.Offset != before[o.Shard].NextOffset+int64(i) {
			t.Errorf("the trial took offset %d up; the shard stood at %d", o.Offset, before[o.Shard].NextOffset)
		}
		came, _, found, err := s.DB.OutcomeAt(t.Context(), o.Shard, o.Offset)
		if err != nil || !found || came.Status != o.Status || came.Code != o.Code || came.EventID != o.EventID {
			t.Errorf("foretold %s %s %s, came %+v, %v", o.EventID, o.Status, o.Code, came, err)
		}
	}
	if audit := verify(t, s, true); !audit.OK {
		t.Errorf("%+v", audit.Problems)
	}
}
