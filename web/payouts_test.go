package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"socho/internal/chores"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/payouts"
	"socho/internal/readmodel"
	"socho/internal/sheet"
	"socho/ledger"
	"socho/projections"
)

// payoutMonth is a fund's month that stands still: one list of each state, one batch of
// each, and something that came back.
type payoutMonth struct {
	t       *testing.T
	refuses string // code that every act is refused with
	said    []string
	asked   payouts.Approvals
}

const monthDigest = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

func (m *payoutMonth) act(what string) error {
	if m.refuses != "" {
		return &payouts.RefusedError{Outcome: &ledger.Outcome{Status: ledger.Refused, Code: m.refuses}}
	}
	m.said = append(m.said, what)
	return nil
}

func (m *payoutMonth) Lists(ctx context.Context, organization, period string) (all []payouts.ListState, _ error) {
	if period == "2026-01" {
		return nil, nil
	}
	for _, state := range []string{"open", "proposed", "approved", "withdrawn"} {
		l, _ := m.List(ctx, organization, state)
		all = append(all, l)
	}
	return all, nil
}

func (m *payoutMonth) List(_ context.Context, organization, list string) (payouts.ListState, error) {
	switch list {
	case "open", "proposed", "approved", "withdrawn":
	default:
		return payouts.ListState{}, readmodel.ErrNotFound
	}
	return payouts.ListState{PayoutList: projections.PayoutList{Organization: organization, List: list, Programme: "monthly", Period: "2026-10", Currency: money.VND, State: list, ApprovedAt: time.Now()},
		Count: 2, Sum: 1_000_000, Digest: monthDigest, DrawnUp: []string{"person:u-lan"}, Words: 2}, nil
}

func (m *payoutMonth) ListsIn(_ context.Context, organization, state string) ([]projections.PayoutList, error) {
	return []projections.PayoutList{{Organization: organization, List: state, Period: "2026-10", State: state}}, nil
}

func (m *payoutMonth) Entries(_ context.Context, organization, list string, after int64, _ int) (all []readmodel.Entry, _ error) {
	for i := range int64(60) {
		if i > after {
			all = append(all, readmodel.Entry{ListEntry: projections.ListEntry{Organization: organization, List: list, Payout: fmt.Sprint("o2610-", i), Person: fmt.Sprint("p-", i), Unit: "00721", Method: "account", Kind: "regular", Currency: money.VND, Amount: 500_000, At: projections.Position{Shard: 1, Offset: i}}, Ordered: i%2 == 0})
		}
	}
	return all[:min(len(all), 51)], nil
}

func (m *payoutMonth) Ordered(context.Context, string, string) (entries, ordered int64, _ error) {
	return 2, 1, nil
}

func (m *payoutMonth) Batches(ctx context.Context, organization, _ string) (all []payouts.BatchState, _ error) {
	for _, state := range []string{"open", "closed", "submitted", "cancelled"} {
		b, _ := m.Batch(ctx, organization, "B202610-00"+fmt.Sprint(len(state)))
		b.State = state
		all = append(all, b)
	}
	return all, nil
}

func (m *payoutMonth) Batch(_ context.Context, organization, batch string) (payouts.BatchState, error) {
	state := map[string]string{"B202610-004": "open", "B202610-006": "closed", "B202610-009": "submitted", "B202610-000": "cancelled"}[batch]
	return payouts.BatchState{Batch: projections.Batch{Organization: organization, Batch: batch, Method: "account", Account: "tk", Currency: money.VND, ExecuteOn: "2026-10-05", OpenedOn: "2026-10-01", State: state},
		Count: 2, Sum: 1_000_000, Digest: monthDigest, Files: []projections.BatchFile{{Format: "pain_001_001_09", Digest: monthDigest}}, Stands: map[string]int64{"sent": 1, "returned": 1}}, nil
}

func (m *payoutMonth) Waits(context.Context, string, string) ([]readmodel.Waiting, error) {
	return []readmodel.Waiting{{Method: "account", Count: 3, Sum: 1_500_000}, {Method: "ewallet", Back: true, Count: 1, Sum: 500_000}}, nil
}

func (m *payoutMonth) Refused(context.Context, string, string, int) ([]payouts.NotOrdered, map[string]int, error) {
	return []payouts.NotOrdered{{List: "approved", Payout: "o2610-1", Code: "fund_exhausted"}}, map[string]int{"fund_exhausted": 1, "waiting": 2}, nil
}

func (m *payoutMonth) Acts(context.Context, string, string) ([]payouts.Act, error) {
	return []payouts.Act{{Fact: "benefit.list_approved", Actor: "person:u-lan", Status: "refused", Code: "four_eyes", RecordedAt: recorded}}, nil
}

func (m *payoutMonth) CaughtUp(context.Context) error { return nil }

func (m *payoutMonth) Approvals(context.Context, string) (payouts.Approvals, error) {
	return m.asked, nil
}

func (m *payoutMonth) Examine(_ context.Context, content []byte, _ payouts.Month) (*payouts.Examined, error) {
	if !bytes.HasPrefix(content, []byte("CCCD")) {
		return nil, &sheet.FileError{Code: "utf8", Line: 3, Wrong: sheet.Words{VI: "không phải UTF-8", EN: "not in UTF-8"}}
	}
	lines := make([]int, 150)
	for i := range lines {
		lines[i] = i + 2
	}
	if bytes.Contains(content, []byte("few")) {
		lines = lines[:2]
	}
	return &payouts.Examined{Entries: 200, Sum: 9, Left: 1, Found: 1, Faults: []payouts.Fault{{Line: 4, Column: "CCCD", Code: "citizen"}},
		Against: &payouts.Preview{Otherwise: lines, AccountsChanged: 1, Twice: [][]int{{2, 3}}, Shared: [][]int{{4, 5}}, Stopped: []int{6}, Elsewhere: []int{7}}}, nil
}

func (m *payoutMonth) Take(context.Context, []byte, payouts.Month) (*payouts.Imported, error) {
	return &payouts.Imported{Entries: 200, Sum: 9, Known: 1, Missing: 1, Codes: map[string]int64{"payout_listed": 1}}, m.act("take")
}

func (m *payoutMonth) Look(context.Context, string, string) (*payouts.Look, error) {
	l := &payouts.Look{Otherwise: []payouts.Doubt{{Payout: "o2610-1", What: "account"}}, Twice: []payouts.Doubt{{Payout: "o2610-1", Beside: []string{"o2610-2"}, Lists: []string{"khac"}}}, Shared: []payouts.Doubt{{Payout: "o2610-3"}}, Same: []payouts.Doubt{{Payout: "o2610-4"}}, CameBack: []payouts.Doubt{{Payout: "o2610-5"}}}
	l.Counts.Otherwise, l.Counts.Twice, l.Counts.Shared, l.Counts.Same, l.Counts.CameBack = 1, 1, 1, 1, 1
	return l, nil
}

func (m *payoutMonth) Remove(_ context.Context, _, _, _ string, some []string) (*payouts.Removed, error) {
	if m.refuses != "" {
		return &payouts.Removed{Refused: []payouts.Refusal{{Code: m.refuses}}}, nil
	}
	return &payouts.Removed{Removed: len(some)}, m.act("remove")
}

func (m *payoutMonth) Propose(_ context.Context, _ string, s *payouts.Shown) error {
	return m.act(fmt.Sprint("propose ", s.Count, " ", s.Sum.Amount, " ", s.Digest == monthDigest))
}

func (m *payoutMonth) GiveWord(_ context.Context, _ string, s *payouts.Shown) (bool, error) {
	return false, m.act(fmt.Sprint("approve ", s.Count, " ", s.Sum.Amount, " ", s.Digest == monthDigest))
}

func (m *payoutMonth) Withdraw(_ context.Context, _, list, reason string) error {
	return m.act("withdraw " + list + " " + reason)
}

func (m *payoutMonth) OrderAgain(context.Context, string, string) (int64, error) {
	return 3, m.act("order")
}

func (m *payoutMonth) Gather(context.Context, payouts.Export) (*payouts.Exported, error) {
	return &payouts.Exported{Batch: "B202610-006", Count: 2, Sum: "1000000", Refused: map[string]int64{"person_stopped": 1}}, m.act("gather")
}

func (m *payoutMonth) File(_ context.Context, o payouts.Export) (*payouts.Exported, io.Reader, error) {
	return &payouts.Exported{Batch: o.Batch}, strings.NewReader("<Document/>"), m.act("file " + o.Format)
}

func (m *payoutMonth) Submit(_ context.Context, src io.ReadSeeker) (*payouts.Submitted, error) {
	b, _ := io.ReadAll(src)
	if string(b) == "other" {
		return nil, &sheet.FileError{Code: "batch_unknown", Wrong: sheet.Words{VI: "tệp không thuộc lô chi nào ở đây", EN: "no batch that is known here"}}
	}
	return &payouts.Submitted{Organization: fund, Batch: "B202610-006"}, m.act("submit")
}

func (m *payoutMonth) Cancel(context.Context, string, string, string) (int, error) {
	return 2, m.act("cancel")
}

func (m *payoutMonth) Settle(context.Context, io.ReadSeeker, payouts.Results) (*payouts.Settled, error) {
	return &payouts.Settled{Settled: 1, Returned: 1, Problems: 1, Refused: map[string]int64{"conflict": 1}, Unknown: []payouts.Fault{{Line: 3, Code: "payout_unknown"}}}, m.act("settle")
}

func (m *payoutMonth) Reissue(_ context.Context, r payouts.Reissue) (*payouts.Reissued, error) {
	if r.Method == "cash" {
		return nil, &payouts.NotBackError{Code: "not_back"}
	}
	return &payouts.Reissued{List: "open"}, m.act("reissue " + r.BIN + " " + r.Account)
}

// fakeChores does work at once.
type fakeChores struct {
	kept  map[string]*chores.Chore
	files map[string][]byte
}

func (c *fakeChores) Keep(_ context.Context, o chores.Order) (string, error) {
	about, err := json.Marshal(o.About)
	id := fmt.Sprint("c", len(c.kept))
	c.kept[id] = &chores.Chore{ID: id, Kind: o.Kind, Owner: o.Owner, Organization: o.Organization, About: about, State: chores.Kept, Result: []byte("null"), Bytes: int64(len(o.File))}
	c.files[id] = o.File
	return id, err
}

func (c *fakeChores) Find(_ context.Context, owner, id string) (chores.Chore, error) {
	if found := c.kept[id]; found != nil && found.Owner == owner {
		return *found, nil
	}
	return chores.Chore{}, chores.ErrNone
}

func (c *fakeChores) Latest(_ context.Context, owner, organization, kind string, about any) (chores.Chore, error) {
	text, _ := json.Marshal(about)
	for _, found := range c.kept {
		if found.Owner == owner && found.Organization == organization && found.Kind == kind && bytes.Equal(found.About, text) {
			return *found, nil
		}
	}
	return chores.Chore{}, chores.ErrNone
}

func (c *fakeChores) Start(ctx context.Context, _, id string, _ bool, work chores.Work) error {
	found := c.kept[id]
	result, err := work(ctx, chores.NewJob(*found, c.files[id]))
	var problem *chores.Problem
	switch {
	case errors.As(err, &problem):
		found.State, found.Problem = chores.Failed, problem.Text
	case err != nil:
		found.State = chores.Failed
	default:
		found.State = chores.Done
		found.Result, err = json.Marshal(result)
		return err
	}
	return nil
}

func (c *fakeChores) Drop(_ context.Context, _, id string) error {
	delete(c.kept, id)
	return nil
}

func (v *visitor) sendFile(address, content string, fields ...string) *visitor {
	v.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i < len(fields); i += 2 {
		if err := form.WriteField(fields[i], fields[i+1]); err != nil {
			v.t.Fatal(err)
		}
	}
	part, err := form.CreateFormFile("file", "a.csv")
	if err == nil {
		_, err = io.WriteString(part, content)
	}
	if err = errors.Join(err, form.Close()); err != nil {
		v.t.Fatal(err)
	}
	return v.read(v.Post(v.h.URL+address, form.FormDataContentType(), &body))
}

// TestPayoutPages: every page of a fund's month, in both languages; what is ticked
// is asked for, what is refused is said, and what is said is what was shown.
func TestPayoutPages(t *testing.T) {
	m := &payoutMonth{t: t}
	kept := &fakeChores{map[string]*chores.Chore{}, map[string][]byte{}}
	h := openHouse(t, func(ctx context.Context, people *identity.Directory) (made []DemoPerson) {
		for name, role := range map[string]identity.Role{"lap": identity.Proposer, "duyet": identity.Approver, "taivu": identity.FinanceOfficer} {
			id, link, err := people.Add(ctx, name, "vi")
			if err == nil {
				err = people.Grant(ctx, id, identity.Grant{Role: role, Organization: fund})
			}
			if err == nil {
				_, err = people.Redeem(ctx, link, name, passphrase)
			}
			if err != nil {
				t.Fatal(err)
			}
			made = append(made, DemoPerson{Role: role, Name: name, Password: passphrase})
		}
		return made
	}, func(from *Sources, _ string) {
		from.Payouts, from.Chores = func(string, func(int64, int64), func(string) bool) PayoutWork { return m }, kept
	})
	at := "/funds/" + fund
	visit := func(role identity.Role) *visitor {
		v := h.visitor(t)
		v.post("/demo", "role", string(role)).sees(200, "/work")
		return v
	}
	proposer, approver, finance := visit(identity.Proposer), visit(identity.Approver), visit(identity.FinanceOfficer)
	for _, lang := range []string{"en", "vi"} {
		for _, address := range []string{"/month?period=2026-10", "/month?period=2026-01", "/import?period=2026-10", "/lists/open", "/lists/proposed", "/lists/approved", "/lists/withdrawn", "/lists/open?after=50", "/lists/open/propose", "/lists/open/withdraw", "/lists/proposed/approve",
			"/batches/B202610-004", "/batches/B202610-006", "/batches/B202610-009", "/batches/B202610-000", "/batches/B202610-006/file", "/batches/B202610-006/cancel", "/submit", "/export?period=2026-10", "/returned?period=2026-09"} {
			if v := proposer.get(withQuery(at+address, "lang="+lang)); v.status != http.StatusOK {
				t.Errorf("%s: %d %.300s", address, v.status, v.text)
			}
		}
		finance.get(at+"/results?lang="+lang).sees(200, at+"/results")
		proposer.get("/payouts/"+fund+"/o2/reissue?lang="+lang).sees(200, "")
		approver.get(at+"/month?period=2026-10&lang="+lang).sees(200, "")
	}
	approver.get("/work").sees(200, "/work", "Danh sách chi chờ duyệt")
	approver.get(at+"/import").sees(403, "")
	approver.get(at+"/results").sees(403, "")
	finance.get(at+"/lists/open/propose").sees(403, "")

	// A list: nothing is taken before all of it was seen.
	proposer.sendFile(at+"/import", "x", "period", "2026-10", "programme", "monthly", "base_rate", "500000").sees(200, "", "Dòng 3", "không phải UTF-8")
	proposer.sendFile(at+"/import", "", "period", "2026-10", "programme", "monthly", "base_rate", "500000").sees(422, "", "Hãy chọn một tệp")
	proposer.sendFile(at+"/import", "CCCD", "period", "2026-10", "programme", "monthly", "base_rate", "-1").sees(422, "", "lớn hơn 0")
	proposer.sendFile(at+"/import", "CCCD", "period", "2026-10", "programme", "monthly", "base_rate", "500000").sees(200, "", "Dòng 4", "cả 150 dòng")
	many := proposer.at
	approver.get(many).sees(404, "", "Không còn việc này")
	proposer.post(many, "do", "take", "left", "yes", "doubles", "yes").sees(422, "", "chưa được xem lại")
	proposer.sendFile(at+"/import", "CCCD few", "period", "2026-10", "programme", "monthly", "base_rate", "500000").sees(200, "", "Dòng 2")
	few := proposer.at
	take := func(ticked ...string) *visitor {
		form := url.Values{"do": {"take"}, "seen": {"2", "3"}}
		for _, name := range ticked {
			form.Set(name, "yes")
		}
		return proposer.read(proposer.PostForm(h.URL+few, form))
	}
	proposer.post(few, "do", "take", "left", "yes", "doubles", "yes", "seen", "2").sees(422, "", "chưa được xem lại")
	take("doubles").sees(422, "", "1 dòng bị bỏ ra")
	take("left").sees(422, "", "các dòng trùng")
	if len(m.said) > 0 {
		t.Errorf("said before all was seen: %v", m.said)
	}
	take("left", "doubles").sees(200, "", "200 khoản")
	kept.kept[many[strings.LastIndex(many, "/")+1:]].State = chores.Interrupted
	proposer.get(many).sees(200, "", "bị ngắt giữa chừng")
	proposer.post(many, "do", "drop").sees(200, "", "Đã bỏ tệp")

	// Words are for what was shown.
	word := []string{"count", "2", "sum", "1000000", "digest", monthDigest}
	proposer.post(at+"/lists/open/propose", word...).sees(422, "", "5 điều cần xem lại")
	proposer.post(at+"/lists/open/propose", append(word, "seen", "yes")...).sees(200, "", "Đã trình duyệt")
	m.refuses = "four_eyes"
	proposer.post(at+"/lists/proposed/approve", append(word, "seen", "yes")...).sees(422, "", "do chính mình lập")
	m.refuses = "list_differs"
	approver.post(at+"/lists/proposed/approve", append(word, "seen", "yes")...).sees(422, "", "Danh sách đã đổi")
	m.refuses = "list_approved"
	proposer.post(at+"/lists/approved/remove", "payout", "o2610-1", "reason", "mistake").sees(422, "", "Danh sách đã được duyệt")
	m.refuses = "file_differs"
	proposer.sendFile(at+"/submit", "edited").sees(422, "", "không đúng như khi xuất ra")
	m.refuses = ""
	approver.post(at+"/lists/proposed/approve", append(word, "seen", "yes")...).sees(200, "", "Đã duyệt")
	finance.post(at+"/lists/proposed/withdraw", "reason", "mistake").sees(403, "")
	approver.post(at+"/lists/proposed/withdraw", "reason", "mistake").sees(200, "", "Đã rút danh sách")
	proposer.post(at+"/lists/open/remove", "reason", "mistake").sees(200, "", "Chưa chọn")
	proposer.post(at+"/lists/open/remove", "payout", "o2610-1", "reason", "mistake").sees(200, "", "Đã bỏ khỏi")
	proposer.post(at+"/order", "period", "2026-10").sees(200, "", "Đã lập thêm 3")
	proposer.post(at+"/export", "period", "2026-10", "what", "ewallet-back", "execute_on", "2026-10-05", "account", "tk").sees(200, "", "B202610-006")
	proposer.sendFile(at+"/submit", "other").sees(422, "", "không thuộc lô chi nào")
	proposer.sendFile(at+"/submit", "as made").sees(200, "", "ngân hàng nhận lô này")
	proposer.post(at+"/batches/B202610-006/cancel", "reason", "mistake").sees(200, "", "Đã huỷ lô")
	finance.sendFile(at+"/results", "x", "period", "2026-10").sees(200, "", "Dòng 3", "Không có khoản chi nào")
	reissue := "/payouts/" + fund + "/o2/reissue"
	proposer.post(reissue, "method", "account", "bank", "x", "account_number", "1", "account_name", "A").sees(422, "", "Không biết ngân hàng")
	proposer.post(reissue, "method", "cash").sees(422, "", "Tiền chưa quay về đủ")
	proposer.post(reissue, "method", "account", "bank", "Vietcombank", "account_number", "00 11", "account_name", "A").sees(200, "", "Đã phát hành lại")
	w, err := proposer.PostForm(h.URL+at+"/batches/B202610-006/file", map[string][]string{"format": {"pain.001.001.09"}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	if b, err := io.ReadAll(w.Body); err != nil || string(b) != "<Document/>" || w.Header.Get("Content-Disposition") != `attachment; filename=B202610-006.xml` || w.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s %v %v", b, w.Header, err)
	}
	want := "take;propose 2 1000000 true;approve 2 1000000 true;withdraw proposed mistake;remove;order;gather;submit;cancel;settle;reissue 970436 0011;file pain.001.001.09"
	if got := strings.Join(m.said, ";"); got != want {
		t.Errorf("said\n%s\nwant\n%s", got, want)
	}
}
