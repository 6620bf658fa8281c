package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"mime/multipart"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"socho/events"
	"socho/internal/devstack/testdb"
	"socho/internal/identity"
	"socho/internal/intake"
	"socho/internal/readmodel"
	"socho/internal/reconcile"
	"socho/internal/refcode"
	"socho/internal/service"
	"socho/internal/vault"
)

// openDesk is the pages of a school on a real ledger, with two officers who match
// its payments.
func openDesk(t *testing.T) (*house, *service.Service) {
	t.Helper()
	s, err := service.Open(t.Context(), service.Options{Data: testdb.Data(t, "service", service.Migrate), Own: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // the test is over
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	derive := func(purpose string) ([]byte, error) {
		sum := sha256.Sum256([]byte(purpose))
		return sum[:], nil
	}
	people, err := identity.Open(s.DB.Pool, derive)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	desk := reconcile.NewDesk(s.DB.Pool)
	importer := func(context.Context, string) (*reconcile.Importer, error) {
		return &reconcile.Importer{Ledger: s, Books: s.DB, Organization: school, Actor: "cli", Pseudonym: []byte("a key of this test"), Readings: desk.Readings}, nil
	}
	files, err := reconcile.NewFiles(t.Context(), s.DB.Pool, derive, importer, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(files.Wait)
	texts := &reconcile.Texts{Log: s.Log, Keys: s.Vault}
	sessions := people.Sessions(false, nil, log)
	pages, err := New(Sources{Model: s.Read, Figures: readmodel.NewLive(s.Read), Traces: s.Read, Outcomes: s.DB, Records: s.Log, Access: people, People: people, Sessions: sessions,
		Recorder: s, Unsealer: openVault{s.Vault}, Names: s.Vault, Log: log, Desk: &Desk{Lines: desk, Files: files, Texts: texts,
			Rematch: func(ctx context.Context, _, actor string) (*reconcile.Rematched, error) {
				im, _ := importer(ctx, school)
				im.Actor = actor
				r, err := im.Rematch(ctx, texts, nil)
				return r, errors.Join(err, s.WaitForProjections(ctx))
			},
			Payer: func(ctx context.Context, _, text string) (string, error) {
				im, err := importer(ctx, school)
				return im.Payer(text), err
			},
			Colleague: func(ctx context.Context, id string) string {
				staff, err := people.Staff(identity.With(ctx, identity.CLI()), id)
				if err != nil {
					return ""
				}
				return staff.Name
			}}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sessions.Handler(pages))
	t.Cleanup(server.Close)
	return &house{server, people, sessions}, s
}

// openVault opens sealed fields as the program does.
type openVault struct{ *vault.Vault }

func (v openVault) Unseal(ctx context.Context, at events.Place, person, sealed string) (clear string, erased bool, err error) {
	clear, err = v.Vault.Unseal(ctx, at, person, sealed)
	if errors.Is(err, vault.ErrErased) {
		return "", true, nil
	}
	return clear, false, err
}

// officer signs in as somebody who matches payments of the school.
func (h *house) officer(t *testing.T, name string) *visitor {
	t.Helper()
	ctx := identity.With(t.Context(), identity.CLI())
	id, token, err := h.people.Add(ctx, name, "vi")
	if err == nil {
		err = h.people.Grant(ctx, id, identity.Grant{Role: identity.FinanceOfficer, Organization: school})
	}
	if err == nil {
		_, err = h.people.Redeem(ctx, token, "", passphrase)
	}
	if err != nil {
		t.Fatal(err)
	}
	v := h.visitor(t)
	return v.post("/sign-in", "name", name, "password", passphrase)
}

func schoolCode(t *testing.T, n int) string {
	t.Helper()
	const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	for ; ; n += 5000 {
		body := "HP2526" + string([]byte{letters[n>>15&31], letters[n>>10&31], letters[n>>5&31], letters[n&31]})
		if c, err := refcode.Parse(body + string(refcode.Check(body))); err == nil {
			return string(c)
		}
	}
}

// bill issues bills of 500.000 đồng, with the names of their pupils.
func issueBills(t *testing.T, s *service.Service, codes ...string) {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, `{"specversion":"1.0","id":"org","source":"urn:test","type":"vn.socho.organization.registered.v1","subject":"%s","time":"2026-08-01T08:00:00+07:00","data":{"effective_on":"2026-08-01","kind":"school","name":"Trường Mẫu","unit":"00721","bank_bin":"970405","account":"8500201001234"}}`+"\n", school)
	for i, code := range codes {
		fmt.Fprintf(&text, `{"specversion":"1.0","id":"b%[1]d","source":"urn:test","type":"vn.socho.school.bill_issued.v1","subject":"%[2]s","time":"2026-09-01T08:00:00+07:00","data":{"effective_on":"2026-09-01","person":"p%[1]d","personal":{"name":"Trần Thị Mẫu %[1]d"},"bill":"b%[1]d","class":"1A","period":"2026-09","due_on":"2026-09-30","reference":"%[3]s","currency":"VND","items":[{"item":"meals","amount":"500000"}]}}`+"\n", i, school, code)
	}
	report, err := s.Publish(t.Context(), strings.NewReader(text.String()), intake.Options{Actor: "cli"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Decided(t.Context(), report); err != nil {
		t.Fatal(err)
	}
	if err := s.WaitForProjections(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// handIn uploads a statement and returns where it is looked at.
func (v *visitor) handIn(name, content string) *visitor {
	v.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		v.t.Fatal(err)
	}
	part.Write([]byte(content)) //nolint:errcheck // a buffer
	form.Close()                //nolint:errcheck // a buffer
	return v.read(v.Post(v.h.URL+"/desk/"+school+"/statements", form.FormDataContentType(), &body))
}

// bankRows is a bank's CSV of day|in|out|content.
func bankRows(rows ...string) string {
	var b strings.Builder
	b.WriteString("Ngày giao dịch,Số tham chiếu,Ghi nợ,Ghi có,Số dư,Diễn giải,Tên người chuyển,Số tài khoản đối ứng\n")
	balance := 0
	for i, row := range rows {
		f := strings.Split(row, "|")
		var in, out int
		fmt.Sscan(f[1], &in)  //nolint:errcheck // empty is nothing
		fmt.Sscan(f[2], &out) //nolint:errcheck // likewise
		balance += in - out
		fmt.Fprintf(&b, "%s,FT26%012d,%s,%s,%d,%s,Nguyễn Văn Phụ Huynh,001%04d\n", f[0], i, f[2], f[1], balance, f[3], i)
	}
	return b.String()
}

// send sends a form with names that come several times.
func (v *visitor) send(path string, pairs ...string) *visitor {
	v.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return v.read(v.PostForm(v.h.URL+path, values))
}

// firstOffer is the form of a line's first suggestion.
func (v *visitor) firstOffer(line string) []string {
	v.t.Helper()
	at := strings.Index(v.body, `id="l-`+line+`"`)
	if at < 0 {
		v.t.Fatalf("no line %s", line)
	}
	return offerIn(v.body[at:])
}

func offerIn(body string) (pairs []string) {
	from := strings.Index(body, `name="do" value="accept"`)
	form := body[from : from+strings.Index(body[from:], "</form>")]
	pairs = []string{"do", "accept"}
	for _, m := range regexp.MustCompile(`name="([a-z]+)" value="([^"]*)"`).FindAllStringSubmatch(form, -1) {
		if m[1] != "do" {
			pairs = append(pairs, m[1], m[2])
		}
	}
	return pairs
}

// TestDesk plays a finance officer's day: the statement in, what waits and why,
// one click to place, a split, a colleague who was faster, undo, a refund, bulk,
// and the bank's balance explained to the đồng.
func TestDesk(t *testing.T) {
	h, s := openDesk(t)
	codes := make([]string, 12)
	for i := range codes {
		codes[i] = schoolCode(t, 1000+37*i)
	}
	issueBills(t, s, codes...)
	lan, hoa := h.officer(t, "lan"), h.officer(t, "hoa")
	at := "/desk/" + school
	lan.get("/desk").sees(200, at, "Không có gì cần bạn xem", "Nộp sao kê")

	slip := []byte(codes[3])
	slip[7] = map[bool]byte{true: '2', false: '3'}[slip[7] != '2']
	statement := bankRows(
		"05/09/2026|500000||"+codes[0]+" nop hoc phi",
		"06/09/2026|1000000||"+codes[1]+" va "+codes[2],
		"07/09/2026|500000||"+string(slip)+" hoc phi",
		"08/09/2026|77000||an trua",
		"09/09/2026|500000||"+codes[0]+" nop lai",
		"10/09/2026|1000000||"+codes[4]+" "+codes[5],
		"11/09/2026|1000000||"+codes[6]+" "+codes[7],
		"12/09/2026|700000||"+codes[8]+" dong du",
		"13/09/2026||200000|tra lai tien du",
	)
	lan.handIn("thang 9.csv", statement).sees(200, at+"/statements/", "VN CSV", "5.277.000", "khớp", "Nhận sao kê này")
	file := lan.at
	lan.post(file, "do", "take", "opening", "yes").sees(200, file, "Dòng mới 9", "Đã khớp 2", "Cần xem 7", "đúng như sổ")
	// The same file once more is nothing new.
	lan.handIn("thang 9 (1).csv", statement)
	lan.post(lan.at, "do", "take").sees(200, at+"/statements/", "Dòng mới 0", "Đã biết 9")

	lan.get(at).sees(200, at, "Cần xem 4", "Tiền chưa rõ 1 77.000 đ", "Đóng trùng 1", "Đã khớp 2", "Nội dung có 2 mã", codes[1], "sai một chữ", "Chia cho 2 phiếu", "4.077.000 đ")
	if strings.Contains(lan.body, "Phụ Huynh") || strings.Contains(lan.body, "hoc phi") {
		t.Error("what a payer wrote is shown to who only looks")
	}
	// Opening is written down, and stays while one works.
	lan.post(at, "do", "open").sees(200, at, "Nguyễn Văn Phụ Huynh", "va "+codes[2], "đã được ghi lại")
	entries, _, err := h.people.Trail(identity.With(t.Context(), identity.CLI()), identity.TrailFilter{Organizations: []string{identity.Everywhere}}, 50, "")
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	for _, e := range entries {
		if e.Action == identity.Unsealed && strings.HasPrefix(e.Object, "py-") && strings.Count(e.Object, ",") == 3 {
			opened++
		}
	}
	if opened != 1 {
		t.Errorf("%d entries of the trail say that the page was opened", opened)
	}

	// Two officers see the same case. One is faster; the other hears who, loses
	// nothing, and goes on.
	hoa.get(at)
	ids := regexp.MustCompile(`id="l-(be1-[0-9a-f]+)"`).FindAllStringSubmatch(hoa.body, -1)
	if len(ids) != 4 {
		t.Fatalf("%d lines: %s", len(ids), hoa.text)
	}
	split := ""
	for _, id := range ids {
		if pairs := hoa.firstOffer(id[1]); strings.Count(strings.Join(pairs, " "), "amount") == 2 {
			split = id[1]
			break
		}
	}
	lans, hoas := lan.firstOffer(split), hoa.firstOffer(split)
	lan.send(at, append(lans, "open", "yes")...).sees(200, at, "Đã xếp tiền vào phiếu", "Hoàn tác", "Nguyễn Văn Phụ Huynh", "Cần xem 3", "Đã khớp 3")
	hoa.send(at, hoas...).sees(200, at, "lan đã xếp dòng này trước bạn", "Cần xem 3")
	// A form that is sent twice is one fact.
	lan.send(at, lans...).sees(200, at, "Đã khớp 3")

	// Taken back by reversal, on the page of the line; then it waits again.
	line := "/lines/" + school + "/" + split
	lan.get(line).sees(200, line, "Đã làm gì với dòng này", "chính bạn", "Hoàn tác", "thấy", "Mọi bản ghi về dòng này")
	undo := func(v *visitor) {
		t.Helper()
		from := strings.Index(v.body, `value="undo"`)
		form := v.body[from:]
		event, id := regexp.MustCompile(`name="event" value="([^"]+)"`).FindStringSubmatch(form)[1], regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(form)[1]
		v.post(line, "do", "undo", "event", event, "id", id).sees(200, line, "Đã hoàn tác")
	}
	undo(lan)
	undo(lan)
	lan.sees(200, line, "Chưa xếp 1.000.000 đ", "đã hoàn tác")
	// Nothing places again what a person took back.
	lan.post(at, "do", "rematch").sees(200, at, "Đã xếp thêm 0 dòng", "Cần xem 4")

	// All that is sure at once, after a look.
	lan.get(at+"/bulk").sees(200, at+"/bulk", "3 dòng", "các mã cộng lại đúng số tiền")
	pairs := []string{}
	for _, m := range regexp.MustCompile(`name="take" value="([^"]+)" checked`).FindAllStringSubmatch(lan.body, -1) {
		pairs = append(pairs, "take", m[1])
	}
	lan.send(at+"/bulk", pairs...).sees(200, at+"/bulk", "Đã xếp 3 dòng, 3.000.000 đ")
	lan.get(at).sees(200, at, "Cần xem 1", "Đã khớp 5")

	// By hand, with the wrong and then the right name of a bill; and a note.
	slipped := "/lines/" + school + "/" + lan.finds(`id="l-(be1-[0-9a-f]+)"`)
	lan.get(slipped)
	lan.post(slipped, "do", "place", "bill", "nothing", "amount", "", "id", newID()).sees(200, slipped, "Không có phiếu còn nợ nào mang mã «nothing»")
	lan.post(slipped, "do", "place", "bill", codes[3], "amount", "900.000", "id", newID()).sees(200, slipped, "Nhiều hơn số chưa xếp")
	lan.post(slipped, "do", "place", "bill", strings.ToLower(codes[3]), "amount", "200.000", "id", newID()).sees(200, slipped, "Đã xếp tiền vào phiếu", "Chưa xếp 300.000 đ", "Đã xếp 200.000 đ, còn 300.000 đ")
	lan.post(slipped, "do", "note", "mark", "waiting", "note", "đã gọi phụ huynh", "id", newID()).sees(200, slipped, "Đã ghi chú", "đang hỏi, chờ trả lời")
	if strings.Contains(lan.body, "đã gọi") {
		t.Error("a note is shown to who only looks")
	}
	lan.post(slipped, "do", "open").sees(200, slipped, "đã gọi phụ huynh", "Nguyễn Văn Phụ Huynh")

	// What was paid above a bill is credit: carried over, and the rest refunded by
	// the line that left.
	lan.get(at+"/credits").sees(200, at+"/credits", "200.000 đ", "Đơn vị giữ lại")
	holder, id := lan.finds(`name="holder" value="([^"]+)"`), lan.finds(`name="id" value="([^"]+)"`)
	lan.post(at+"/credits", "holder", holder, "bill", "b9", "amount", "50.000", "id", id).sees(200, at+"/credits", "Đã trừ tiền dư vào phiếu", "150.000 đ")
	lan.get(at+"?tab=returned").sees(200, at, "200.000 đ", "chưa ghi là cho việc gì")
	out := "/lines/" + school + "/" + lan.finds(`id="l-(be1-[0-9a-f]+)"`)
	lan.get(out).sees(200, out, "Trả lại tiền dư", "150.000 đ")
	lan.post(out, "do", "refund", "holder", holder, "amount", "", "id", newID()).sees(200, out, "Nhiều hơn số đã trả dư")
	lan.post(out, "do", "refund", "holder", holder, "amount", "150000", "id", newID()).sees(200, out, "Đã ghi tiền trả lại", "Chưa xếp 50.000 đ")
	// What was paid once more becomes its payer's credit, by one click; taken back, it
	// waits again.
	lan.get(at+"?tab=duplicates").sees(200, at, "không còn nợ", "dư 500.000 đ")
	twice := "/lines/" + school + "/" + lan.finds(`id="l-(be1-[0-9a-f]+)"`)
	lan.send(at+"?tab=duplicates", offerIn(lan.body)...).sees(200, at, "Đã xếp tiền vào phiếu", "Đóng trùng 0")
	lan.get(twice)
	lan.post(twice, "do", "undo", "event", lan.finds(`name="event" value="([^"]+)"`), "id", lan.finds(`name="event" value="[^"]+"><input type="hidden" name="id" value="([^"]+)"`)).sees(200, twice, "Chưa xếp 500.000 đ")
	// What nobody was billed for is the school's own, and is taken back as well.
	lan.post(twice, "do", "explain", "purpose", "", "id", newID()).sees(200, twice, "Hãy chọn tiền này cho việc gì")
	lan.post(twice, "do", "explain", "purpose", "spent:wages", "id", newID())
	if lan.status != 400 {
		t.Errorf("money that came in was spent: %d", lan.status)
	}
	lan.post(twice, "do", "explain", "purpose", "earned:donation", "amount", "100.000", "id", newID()).sees(200, twice, "Đã ghi tiền này cho việc gì", "Chưa xếp 400.000 đ")
	lan.post(twice, "do", "undo", "event", lan.finds(`name="event" value="([^"]+)"`), "id", newID())
	lan.get(out).sees(200, out, "Chi: Lương", "Tiền này cho việc gì")
	lan.post(out, "do", "explain", "purpose", "spent:supplies", "amount", "1.000", "id", newID()).sees(200, out, "Đã ghi tiền này cho việc gì", "Chưa xếp 49.000 đ")
	lan.post(out, "do", "undo", "event", lan.finds(`name="event" value="([^"]+)"`), "id", newID()).sees(200, out, "Chưa xếp 50.000 đ")
	// The rest of it is money that nobody owned, sent back.
	lan.get(at+"?tab=unknown").sees(200, at, "77.000 đ")
	unknown := "/lines/" + school + "/" + lan.finds(`id="l-(be1-[0-9a-f]+)"`)
	lan.get(unknown).sees(200, unknown, "Tiền này đã chuyển trả đi")
	lan.post(unknown, "do", "offset", "out", strings.TrimPrefix(out, "/lines/"+school+"/"), "reason", "refund", "id", newID()).sees(200, unknown, "là một khoản", "Chưa xếp 27.000 đ")

	// A layout that nobody knows is told on the page, once.
	lan.handIn("ngan hang la.csv", "Khi nào;Bao nhiêu;Lời nhắn\n20/09/2026;61.000;"+codes[10]+"\n").sees(200, at+"/statements/", "Chỉ cho máy cách đọc", "Lời nhắn")
	strange := lan.at
	lan.post(strange, "do", "layout", "header", "0", "column0", "date", "column1", "", "column2", "description").sees(200, strange, "Cần ít nhất")
	lan.post(strange, "do", "layout", "header", "0", "column0", "date", "column1", "credit", "column2", "description").sees(200, strange, "Đã nhớ cách đọc", "61.000", "Nhận sao kê này")
	lan.post(strange, "do", "take").sees(200, strange, "Dòng mới 1", "Đã khớp 1")

	// Sheets hold no formula and nothing that a payer wrote.
	for _, what := range []string{"unplaced", "matches"} {
		lan.get(at + "/export?format=csv&what=" + what)
		if lan.status != 200 || !strings.Contains(lan.header.Get("Content-Disposition"), school+"-"+what+".csv") || strings.Contains(lan.body, "Phụ Huynh") {
			t.Errorf("%s: %d %v", what, lan.status, lan.header)
		}
	}

	// Any line is found by its amount and day, and by whose account it came from; the
	// account is in no address.
	lan.get(at+"/find").sees(200, at+"/find", "Tìm dòng tiền", "số tài khoản người chuyển")
	lan.get(at+"/find?amount=700.000").sees(200, at+"/find", "12/09/2026", "700.000 đ")
	if n := strings.Count(lan.body, `class="case"`); n != 1 {
		t.Errorf("%d lines of 700.000", n)
	}
	lan.get(at+"/find?from=2026-09-08&until=2026-09-09").sees(200, at+"/find", "77.000 đ", "500.000 đ")
	lan.get(at+"/find?amount=1").sees(200, at+"/find", "Không có dòng nào như vậy")
	lan.get(at+"/find?from=yesterday").sees(422, at+"/find")
	lan.post(at+"/find", "sender", "001 0003").sees(200, at+"/find", "77.000 đ", "Chỉ các dòng của người")
	if strings.Contains(lan.at, "0010003") || strings.Count(lan.body, `class="case"`) != 1 {
		t.Errorf("%s: %s", lan.at, lan.text)
	}
	lan.post(at+"/find", "sender", "nobody of that name").sees(200, at+"/find", "Không có dòng nào như vậy")

	// English says the same, and somebody else's desk is shut.
	lan.get(at+"?lang=en").sees(200, at, "Needs you", "Where the bank's money stands")
	lan.get("/desk/"+market).sees(403, "/desk/")

	books, err := reconcile.NewDesk(s.DB.Pool).Books(t.Context(), school)
	if err != nil || len(books) != 1 {
		t.Fatal(books, err)
	}
	if b := books[0]; b.Before() != 0 || b.Bank != b.In-b.Out || b.In != b.Placed+b.Waiting || b.Out != b.Explained+b.Left || b.Left != 0 || b.Waiting != 827000 {
		t.Errorf("%+v", b)
	}
	audit, err := s.Verify(t.Context(), true, true, func(int64, int64) {})
	if err != nil || !audit.OK {
		t.Errorf("%v %+v", err, audit)
	}
}

// TestStatementOfTwoThousand: a school of two thousand pupils hands its month in,
// and sees what is paid, what waits and why, within a minute.
func TestStatementOfTwoThousand(t *testing.T) {
	if os.Getenv("SOCHO_TEST_SPEED") == "" {
		t.Skip("how fast a statement is taken is measured with SOCHO_TEST_SPEED=1, on a machine that does nothing else")
	}
	h, s := openDesk(t)
	codes := make([]string, 2000)
	for i := range codes {
		codes[i] = schoolCode(t, i*3+7)
	}
	issueBills(t, s, codes...)
	lan := h.officer(t, "lan")
	rows := make([]string, 0, len(codes))
	for i, code := range codes {
		switch i % 20 {
		case 0:
			rows = append(rows, "05/09/2026|500000||hoc phi thang 9 cho chau")
		case 1:
			rows = append(rows, "06/09/2026|500000||"+code[:9]+" hoc phi")
		default:
			rows = append(rows, "07/09/2026|500000||MBVCB.1."+code+".CT tu 001 toi 002")
		}
	}
	file := bankRows(rows...)
	began := time.Now()
	lan.handIn("thang9.csv", file)
	at := lan.at
	lan.post(at, "do", "take", "opening", "yes")
	for !strings.Contains(lan.text, "Dòng mới 2.000") {
		if time.Since(began) > time.Minute {
			t.Fatalf("not taken after %s: %s", time.Since(began), lan.text)
		}
		time.Sleep(300 * time.Millisecond)
		lan.get(at)
	}
	lan.get("/desk/"+school).sees(200, "/desk/", "Đã khớp 1.800")
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %s", took)
	} else {
		t.Logf("two thousand lines in %s", took.Round(time.Millisecond))
	}
}
