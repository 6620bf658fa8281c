package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"socho/bank"
	"socho/events"
	"socho/internal/money"
	"socho/internal/reconcile"
	"socho/projections"
)

// StatementSource keeps statements that people hand in, and takes them.
// Errors: reconcile.ErrNoFile where there is no such file, or not any more.
type StatementSource interface {
	Put(ctx context.Context, organization, name string, content []byte, by string) (id string, err error)
	List(ctx context.Context, organization string) ([]reconcile.File, error)
	Get(ctx context.Context, organization, id string) (*reconcile.File, error)
	Forget(ctx context.Context, organization, id string) error
	Look(ctx context.Context, organization string, f *reconcile.File) (result *bank.Result, peek [][]string, err error)
	Take(ctx context.Context, organization, id, account string, opening bool, actor string) (began bool, err error)
	SaveLayout(ctx context.Context, organization string, l bank.Layout, by string) error
	Gaps(ctx context.Context, organization string) ([]reconcile.Gap, error)
}

type statementsPage struct {
	Organization projections.Organization
	Form         form
	Files        []reconcile.File
}

// statements lists what was handed in, and takes another file in.
func (s *site) statements(r *request) (*view, error) {
	o, err := s.deskOf(r)
	if err != nil {
		return nil, err
	}
	at := "/desk/" + o.Organization + "/statements"
	upload := formField{Name: "file", Label: r.language.say("ask.statement"), Hint: r.language.say("ask.statement.hint", "n", reconcile.MaxStatementBytes>>20), Type: "file", Required: true,
		Accept: ".xml,.xlsx,.csv,.txt,.sta,.mt940,.mt942,.940,.942"}
	page := &statementsPage{Organization: o, Form: form{Action: at, Submit: r.language.say("statement.upload"), Fields: []formField{upload}}}
	v := &view{template: "statements", title: r.language.say("statements.title", "organization", o.Name), section: "desk", crumbs: s.deskCrumbs(r, o), data: page}
	if r.Method == http.MethodPost {
		name, content, err := r.uploaded("file")
		if err != nil {
			return nil, err
		}
		if len(content) > 0 {
			id, err := s.Desk.Files.Put(r.Context(), o.Organization, name, content, r.who.ID)
			if err != nil {
				return nil, err
			}
			return see(at+"/"+id, ""), nil
		}
		page.Form.Fields[0].Error, v.status = r.language.say("statement.empty"), http.StatusUnprocessableEntity
	}
	page.Files, err = s.Desk.Files.List(r.Context(), o.Organization)
	return v, err
}

func (s *site) deskCrumbs(r *request, o projections.Organization) []crumb {
	return []crumb{{r.language.say("desk.title", "organization", o.Name), "/desk/" + o.Organization}}
}

type statementPage struct {
	Organization projections.Organization
	File         *reconcile.File
	Action       string
	Now          time.Time
	Stalled      bool
	Looked       *bank.Result // what is in it, before it is taken
	Sums         []statementSum
	Balances     []statementBalance
	Problems     []bank.Problem
	Peek         []peekRow
	Columns      []option // what a column may mean
	Width        []int
	Header       int
	Wrong        string
	Desk         string
	Accounts     []option // that the lines may be of
	Account      string
}

// statementSum is what a file shows of one currency.
type statementSum struct{ In, Out, InCount, OutCount string }

// statementBalance is what a file says of an account before and after.
type statementBalance struct{ Opening, Closing, Check string }

// mostBalances bounds the accounts and days that a page lists.
const mostBalances = 40

type peekRow struct {
	At      int
	Cells   []string
	Current bool
}

// waitForTaking is how long an answer waits for a small file to be taken, so that
// who hands one in sees at once what became of it.
const waitForTaking = 8 * time.Second

// statement shows what is in a file, takes it, and shows what became of it.
func (s *site) statement(r *request) (*view, error) {
	o, err := s.deskOf(r)
	if err != nil {
		return nil, err
	}
	id := r.PathValue("file")
	f, err := s.Desk.Files.Get(r.Context(), o.Organization, id)
	if err != nil {
		return nil, deskError(err)
	}
	page := &statementPage{Organization: o, Action: r.URL.Path, Now: time.Now(), Desk: "/desk/" + o.Organization}
	v := &view{template: "statement", title: f.Name, section: "desk", data: page,
		crumbs: append(s.deskCrumbs(r, o), crumb{r.language.say("statements"), "/desk/" + o.Organization + "/statements"})}
	if r.Method == http.MethodPost {
		if to, err := s.statementAct(r, page, f); to != nil || err != nil {
			return to, deskError(err)
		}
		if f, err = s.Desk.Files.Get(r.Context(), o.Organization, id); err != nil {
			return nil, deskError(err)
		}
	}
	page.File, page.Stalled = f, f.Stalled(page.Now)
	if f.State != reconcile.FileNew && f.State != reconcile.FileFailed {
		return v, nil
	}
	result, peek, err := s.Desk.Files.Look(r.Context(), o.Organization, f)
	if err != nil {
		return nil, deskError(err)
	}
	page.Looked, page.Problems = result, result.Problems
	if result.Statements != nil {
		for _, t := range result.Statements.Totals {
			page.Sums = append(page.Sums, statementSum{r.language.decimal(t.CreditSum.String(), money.Currency(t.Currency)), r.language.decimal(t.DebitSum.String(), money.Currency(t.Currency)),
				r.language.number(t.CreditCount), r.language.number(t.DebitCount)})
		}
	}
	if result.Statements != nil {
		for _, one := range result.Statements.List[:min(len(result.Statements.List), mostBalances)] {
			b := statementBalance{none, none, "none"}
			if one.Opening != nil {
				b.Opening = r.language.number(one.Opening)
			}
			if one.Closing != nil {
				b.Closing = r.language.number(one.Closing)
			}
			if one.BalanceCheck != nil {
				b.Check = *one.BalanceCheck
			}
			page.Balances = append(page.Balances, b)
		}
	}
	if peek != nil {
		s.peekInto(r, page, peek)
	}
	return v, s.accountsFor(r, page)
}

func (s *site) statementAct(r *request, page *statementPage, f *reconcile.File) (*view, error) {
	organization := page.Organization.Organization
	switch r.PostFormValue("do") {
	case "take":
		account := r.PostFormValue("account")
		if account != "" && !events.ValidID(account) {
			return nil, errBad
		}
		if _, err := s.Desk.Files.Take(r.Context(), organization, f.File, account, r.PostFormValue("opening") == "yes", actor(r.who)); err != nil {
			return nil, err
		}
		for until := time.Now().Add(waitForTaking); time.Now().Before(until); {
			select {
			case <-r.Context().Done():
				return nil, r.Context().Err()
			case <-time.After(200 * time.Millisecond):
			}
			if now, err := s.Desk.Files.Get(r.Context(), organization, f.File); err != nil || now.State != reconcile.FileTaking {
				break
			}
		}
		return see(page.Action, ""), nil
	case "forget":
		return see("/desk/"+organization+"/statements", "statement_forgotten"), s.Desk.Files.Forget(r.Context(), organization, f.File)
	case "layout":
		return s.saveLayout(r, page, f)
	}
	return nil, errBad
}

// accountsFor lists the accounts that a file's lines may be of: what the file
// prints, or one that the book has. The only one of the book is meant where the
// file prints none.
func (s *site) accountsFor(r *request, page *statementPage) error {
	page.Accounts = []option{{Label: r.language.say("statement.account.file")}}
	known, err := s.Desk.Lines.Books(r.Context(), page.Organization.Organization)
	if err != nil {
		return err
	}
	for _, b := range known {
		if b.Account != "" && b.Currency == money.VND {
			page.Accounts = append(page.Accounts, option{Value: b.Account, Label: b.Account})
		}
	}
	if st := page.Looked.Statements; st != nil && len(page.Accounts) == 2 && !slices.ContainsFunc(st.List, func(one bank.Statement) bool { return one.Account != "" }) {
		page.Account = page.Accounts[1].Value
	}
	return nil
}

// layoutColumns are what a person may say that a column means, in the order of the
// form.
var layoutColumns = []bank.Column{bank.ColumnDate, bank.ColumnDescription, bank.ColumnCredit, bank.ColumnDebit, bank.ColumnAmount, bank.ColumnDirection, bank.ColumnBalance,
	bank.ColumnReference, bank.ColumnName, bank.ColumnAccount, bank.ColumnCurrency, bank.ColumnTime, bank.ColumnValueDate}

// saveLayout keeps what a person says of the columns of a table that no layout
// knows: the headings of the row that holds them, each with its meaning.
func (s *site) saveLayout(r *request, page *statementPage, f *reconcile.File) (*view, error) {
	organization := page.Organization.Organization
	_, peek, err := s.Desk.Files.Look(r.Context(), organization, f)
	if err != nil {
		return nil, err
	}
	at, err := strconv.Atoi(r.PostFormValue("header"))
	if err != nil || at < 0 || at >= len(peek) {
		page.Wrong = r.language.say("layout.no_header")
		return nil, nil
	}
	l := bank.Layout{Columns: map[bank.Column][]string{}, MonthFirst: r.PostFormValue("month_first") == "yes"}
	for i, heading := range peek[at] {
		meaning := bank.Column(r.PostFormValue("column" + strconv.Itoa(i)))
		if meaning == "" {
			continue
		}
		if !slices.Contains(layoutColumns, meaning) || len(l.Columns[meaning]) > 0 {
			page.Wrong = r.language.say("layout.twice", "column", r.language.word("layout.column", string(meaning)))
			return nil, nil
		}
		if bank.Fold(heading) == "" {
			page.Wrong = r.language.say("layout.no_heading", "n", i+1)
			return nil, nil
		}
		l.Columns[meaning] = []string{heading}
	}
	has := func(c bank.Column) bool { return len(l.Columns[c]) > 0 }
	if !has(bank.ColumnDate) || !has(bank.ColumnDescription) || !has(bank.ColumnCredit) && !has(bank.ColumnDebit) && !has(bank.ColumnAmount) {
		page.Wrong = r.language.say("layout.too_little")
		return nil, nil
	}
	return see(page.Action, "layout_saved"), s.Desk.Files.SaveLayout(r.Context(), organization, l, r.who.ID)
}

// peekInto shows the first rows of a table, with the row that looks like headings
// chosen: the first with most cells that are texts.
func (s *site) peekInto(r *request, page *statementPage, peek [][]string) {
	width, best := 0, -1
	for i, row := range peek {
		width = max(width, len(row))
		texts := 0
		for _, c := range row {
			if c != "" && !slices.ContainsFunc([]rune(c), func(r rune) bool { return r >= '0' && r <= '9' }) {
				texts++
			}
		}
		if texts > best {
			best, page.Header = texts, i
		}
	}
	if at, err := strconv.Atoi(r.FormValue("header")); err == nil && at >= 0 && at < len(peek) {
		page.Header = at
	}
	width = min(width, maxPeekColumns)
	for i := range width {
		page.Width = append(page.Width, i)
	}
	for i, row := range peek {
		cells := make([]string, width)
		for at := range min(len(row), width) {
			cells[at] = shortened(row[at])
		}
		page.Peek = append(page.Peek, peekRow{i, cells, i == page.Header})
	}
	page.Columns = []option{{"", r.language.say("layout.nothing"), ""}}
	for _, c := range layoutColumns {
		page.Columns = append(page.Columns, option{Value: string(c), Label: r.language.word("layout.column", string(c))})
	}
}

// maxPeekColumns bounds what a form asks about.
const maxPeekColumns = 24

// shortened is the beginning of a cell.
func shortened(text string) string {
	const most = 40
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most]) + "…"
	}
	return text
}
