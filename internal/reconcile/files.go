package reconcile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"

	"socho/bank"
)

// Files are statements that people hand in on a page: kept sealed until they are
// taken, looked at first, and taken in the background.
type Files struct {
	pool     *pgxpool.Pool
	seal     tink.AEAD
	importer func(ctx context.Context, organization string) (*Importer, error)
	log      *slog.Logger
	life     context.Context // of the server: what is under way ends with it
	taking   sync.WaitGroup
}

// NewFiles opens the store. derive expands the master key; life ends what is taken
// in the background.
func NewFiles(life context.Context, pool *pgxpool.Pool, derive func(purpose string) ([]byte, error), importer func(context.Context, string) (*Importer, error), log *slog.Logger) (*Files, error) {
	key, err := derive("statements")
	if err != nil {
		return nil, err
	}
	seal, err := subtle.NewXChaCha20Poly1305(key)
	if err != nil {
		return nil, err
	}
	return &Files{pool: pool, seal: seal, importer: importer, log: log, life: life}, nil
}

// Wait returns once nothing is taken any more.
func (f *Files) Wait() { f.taking.Wait() }

// Bounds of what people hand in.
const (
	// MaxStatementBytes is a year of a large school in any format. Larger files are
	// for the command.
	MaxStatementBytes = 32 << 20
	keptFor           = 24 * time.Hour   // a file that nobody takes
	silence           = 30 * time.Second // after which whoever takes a file is gone
	listedFiles       = 12
)

// States of a file.
const (
	FileNew    = "new"
	FileTaking = "taking"
	FileTaken  = "taken"
	FileFailed = "failed"
)

// File is a statement on its way in.
type File struct {
	File, Organization, Name, State, By string
	Bytes                               int64
	At, SeenAt                          time.Time
	Done, Whole                         int64
	Opening                             bool
	Account                             string  // the organization's own name for it; empty: by its number
	Report                              *Report // once it is taken, or as far as it came
	Problem                             string
}

// Stalled says that whoever was taking the file is gone: it is taken again.
func (f *File) Stalled(now time.Time) bool {
	return f.State == FileTaking && now.Sub(f.SeenAt) > silence
}

// ErrNoFile: there is no such file, or it is gone.
var ErrNoFile = errors.New("no such statement")

func (f *Files) place(organization, file, what string) []byte {
	return []byte("statement " + organization + " " + file + " " + what)
}

// Put keeps a file until it is taken or forgotten. The same file handed in again
// while it waits is the same.
func (f *Files) Put(ctx context.Context, organization, name string, content []byte, by string) (id string, err error) {
	if _, err := f.pool.Exec(ctx, `DELETE FROM app.statement_files WHERE state IN ('new', 'failed') AND uploaded_at < now() - $1::interval`, keptFor.String()); err != nil {
		return "", err
	}
	digest := sha256.Sum256(content)
	err = f.pool.QueryRow(ctx, `SELECT file FROM app.statement_files WHERE organization = $1 AND digest = $2 AND state IN ('new', 'taking')`, organization, digest[:]).Scan(&id)
	if !errors.Is(err, pgx.ErrNoRows) {
		return id, err
	}
	id = uuid.Must(uuid.NewV7()).String()
	sealedName, err := f.seal.Encrypt([]byte(name), f.place(organization, id, "name"))
	if err != nil {
		return "", err
	}
	sealed, err := f.seal.Encrypt(content, f.place(organization, id, "content"))
	if err != nil {
		return "", err
	}
	_, err = f.pool.Exec(ctx, `INSERT INTO app.statement_files (file, organization, digest, name, content, bytes, uploaded_by) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		id, organization, digest[:], sealedName, sealed, len(content), by)
	return id, err
}

const selectFiles = `SELECT file, organization, name, state, uploaded_by, bytes, uploaded_at, seen_at, done, whole, opening, account, report, problem FROM app.statement_files `

func (f *Files) scan(row pgx.CollectableRow) (s File, err error) {
	var name, report []byte
	if err := row.Scan(&s.File, &s.Organization, &name, &s.State, &s.By, &s.Bytes, &s.At, &s.SeenAt, &s.Done, &s.Whole, &s.Opening, &s.Account, &report, &s.Problem); err != nil {
		return s, err
	}
	clear, err := f.seal.Decrypt(name, f.place(s.Organization, s.File, "name"))
	if err != nil {
		return s, err
	}
	s.Name = string(clear)
	if report != nil {
		s.Report = &Report{}
		err = json.Unmarshal(report, s.Report)
	}
	return s, err
}

// List returns an organization's latest files.
func (f *Files) List(ctx context.Context, organization string) ([]File, error) {
	rows, err := f.pool.Query(ctx, selectFiles+`WHERE organization = $1 ORDER BY uploaded_at DESC LIMIT $2`, organization, listedFiles)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, f.scan)
}

// Get returns one file. Errors: ErrNoFile.
func (f *Files) Get(ctx context.Context, organization, id string) (*File, error) {
	rows, err := f.pool.Query(ctx, selectFiles+`WHERE organization = $1 AND file = $2`, organization, id)
	if err != nil {
		return nil, err
	}
	s, err := pgx.CollectExactlyOneRow(rows, f.scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNoFile
	}
	return &s, err
}

// Forget throws a file away that is not taken. Errors: ErrNoFile.
func (f *Files) Forget(ctx context.Context, organization, id string) error {
	tag, err := f.pool.Exec(ctx, `DELETE FROM app.statement_files WHERE organization = $1 AND file = $2 AND state IN ('new', 'failed')`, organization, id)
	if err == nil && tag.RowsAffected() == 0 {
		return ErrNoFile
	}
	return err
}

func (f *Files) content(ctx context.Context, organization, id string) ([]byte, error) {
	var sealed []byte
	err := f.pool.QueryRow(ctx, `SELECT content FROM app.statement_files WHERE organization = $1 AND file = $2 AND content IS NOT NULL`, organization, id).Scan(&sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNoFile
	}
	if err != nil {
		return nil, err
	}
	return f.seal.Decrypt(sealed, f.place(organization, id, "content"))
}

// Look reads a file without taking it, and says what is in it; peek are its first
// rows where no layout knows its table. Errors: ErrNoFile; those of the database.
func (f *Files) Look(ctx context.Context, organization string, s *File) (result *bank.Result, peek [][]string, err error) {
	content, err := f.content(ctx, organization, s.File)
	if err != nil {
		return nil, nil, err
	}
	layouts, err := f.Layouts(ctx, organization)
	if err != nil {
		return nil, nil, err
	}
	options := bank.Options{Name: s.Name, Layouts: layouts, MaxBytes: MaxStatementBytes}
	if result, err = bank.Parse(bytes.NewReader(content), options, func(*bank.Entry) error { return ctx.Err() }); err != nil {
		return nil, nil, err
	}
	if !result.Valid {
		peek = bank.Peek(bytes.NewReader(content), options, peekRows)
	}
	return result, peek, nil
}

// peekRows are shown to whoever says which column is which.
const peekRows = 40

// Take takes a file in the background, in somebody's name: what it shows once
// more is known, so that taking it twice is taking it once. began is false where
// somebody is at it already. Errors: ErrNoFile; those of the database.
//
// A crash leaves a file that says it is being taken and whose taker is silent:
// whoever looks takes it again.
func (f *Files) Take(ctx context.Context, organization, id, account string, opening bool, actor string) (began bool, err error) {
	s, err := f.Get(ctx, organization, id)
	if err != nil {
		return false, err
	}
	content, err := f.content(ctx, organization, id)
	if err != nil {
		return false, err
	}
	layouts, err := f.Layouts(ctx, organization)
	if err != nil {
		return false, err
	}
	im, err := f.importer(ctx, organization)
	if err != nil {
		return false, err
	}
	im.Actor, im.Open, im.Account = actor, opening, account
	tag, err := f.pool.Exec(ctx, `UPDATE app.statement_files SET state = 'taking', seen_at = now(), opening = $3, account = $5, problem = '', done = 0, whole = 0
		WHERE organization = $1 AND file = $2 AND (state IN ('new', 'failed') OR state = 'taking' AND seen_at < now() - $4::interval)`, organization, id, opening, silence.String(), account)
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	f.taking.Go(func() { f.take(im, s, content, layouts) })
	return true, nil
}

// take runs on its own, as long as the server lives.
func (f *Files) take(im *Importer, s *File, content []byte, layouts []bank.Layout) {
	ctx := f.life
	told := time.Now()
	options := bank.Options{Name: s.Name, Layouts: layouts, MaxBytes: MaxStatementBytes, Progress: func(done, of int64) {
		if time.Since(told) < time.Second {
			return
		}
		told = time.Now()
		if _, err := f.pool.Exec(ctx, `UPDATE app.statement_files SET seen_at = now(), done = $2, whole = $3 WHERE file = $1`, s.File, done, of); err != nil {
			f.log.WarnContext(ctx, "progress of a statement is not said", "error", err)
		}
	}}
	report, err := im.File(ctx, bytes.NewReader(content), options)
	state, problem := FileTaken, ""
	var refused *Refused
	switch {
	case errors.As(err, &refused):
		state, problem = FileFailed, refused.Reason
	case err != nil && ctx.Err() != nil:
		return // the server ends; the next one goes on
	case err != nil:
		f.log.ErrorContext(ctx, "a statement was not taken", "organization", s.Organization, "file", s.File, "error", err)
		state, problem = FileFailed, "fault"
	}
	text, err := json.Marshal(report)
	if err == nil {
		_, err = f.pool.Exec(ctx, `UPDATE app.statement_files SET state = $2, problem = $3, report = $4, seen_at = now(),
			content = CASE WHEN $2 = 'taken' THEN NULL ELSE content END WHERE file = $1`, s.File, state, problem, text)
	}
	if err != nil {
		f.log.ErrorContext(ctx, "what became of a statement is not written down", "file", s.File, "error", err)
	}
}

// Layouts are what an organization's people have said of their bank's tables.
func (f *Files) Layouts(ctx context.Context, organization string) ([]bank.Layout, error) {
	rows, err := f.pool.Query(ctx, `SELECT layout FROM app.bank_layouts WHERE organization = $1 ORDER BY created_at DESC, name`, organization)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l bank.Layout, err error) {
		var text []byte
		if err := row.Scan(&text); err != nil {
			return l, err
		}
		return l, json.Unmarshal(text, &l)
	})
}

// SaveLayout keeps a layout, over one of the same name. Its name is made of its
// headings, so that the same table is one layout.
func (f *Files) SaveLayout(ctx context.Context, organization string, l bank.Layout, by string) error {
	text, err := json.Marshal(l.Columns, json.Deterministic(true))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	l.Name = "bang-" + hex.EncodeToString(sum[:4])
	if text, err = json.Marshal(l, json.Deterministic(true)); err != nil {
		return err
	}
	_, err = f.pool.Exec(ctx, `INSERT INTO app.bank_layouts (organization, name, layout, created_by) VALUES ($1, $2, $3, $4)
		ON CONFLICT (organization, name) DO UPDATE SET layout = $3, created_by = $4, created_at = now()`, organization, l.Name, text, by)
	return err
}

// Gap is what the statement of an account says above what the ledger has, below
// zero where it says less; as of the last statement that was taken.
type Gap struct {
	AccountBalance
	Difference string // closing less ledger
	File       string
	At         time.Time
}

// Gaps lists accounts whose latest statement did not agree.
func (f *Files) Gaps(ctx context.Context, organization string) (gaps []Gap, err error) {
	files, err := f.List(ctx, organization)
	seen := map[[2]string]bool{}
	for _, s := range files {
		if s.State != FileTaken || s.Report == nil {
			continue
		}
		for _, a := range s.Report.Accounts {
			key := [2]string{a.Account, a.Currency}
			if !seen[key] && !a.Agrees {
				gaps = append(gaps, Gap{a, difference(a.Closing, a.Ledger), s.File, s.At})
			}
			seen[key] = true
		}
	}
	return gaps, err
}
