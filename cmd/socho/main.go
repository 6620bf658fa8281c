// Command socho is the market's account book: one binary that runs the service,
// hands facts in, and answers what the ledger says.
//
//	socho run --sample               the whole service, with the sample province
//	socho publish events.jsonl       facts in
//	socho balances --account hg-     what the accounts say
//	socho verify --replay            nothing was altered, nothing lost
//
// Every command prints for people by default and JSON with --json; results go
// to stdout, progress and logs to stderr. It exits 0 on success, 1 on a refusal
// or failed check, 2 on wrong usage.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"socho/internal/service"
)

// CLI is every command and flag.
type CLI struct {
	Data     string   `help:"Data directory of the embedded default." default:"./data" env:"SOCHO_DATA" placeholder:"DIR"`
	Database string   `help:"PostgreSQL to use instead of the embedded one." env:"SOCHO_DATABASE_URL" placeholder:"URL" secret:""`
	Kafka    []string `help:"Kafka brokers to use instead of the embedded one." env:"SOCHO_KAFKA_BROKERS" placeholder:"BROKERS"`
	JSON     bool     `help:"Print JSON: one object, or one a line."`

	LogFormat string `help:"Form of the log on stderr: text or json." enum:"text,json" default:"text" env:"SOCHO_LOG_FORMAT"`

	KafkaCA           string `name:"kafka-ca" help:"Encrypt the way to --kafka; the certificate authority, as PEM." env:"SOCHO_KAFKA_CA" placeholder:"FILE"`
	KafkaUser         string `help:"Sign in to --kafka by SCRAM-SHA-512." env:"SOCHO_KAFKA_USER" placeholder:"NAME"`
	KafkaPasswordFile string `help:"File with the password." env:"SOCHO_KAFKA_PASSWORD_FILE" placeholder:"FILE"`

	Signer string `help:"File of the key that checkpoints are signed with; <data>/keys/signer without it." env:"SOCHO_LOG_SIGNER" placeholder:"FILE"`

	Run       RunCommand       `cmd:"" help:"Run the service: broker, PostgreSQL, ledger, projections and pages, until Ctrl-C."`
	Publish   PublishCommand   `cmd:"" help:"Hand facts in, one CloudEvents JSON object a line."`
	Outcomes  OutcomesCommand  `cmd:"" help:"List what became of each record, and why."`
	Balances  BalancesCommand  `cmd:"" help:"List accounts with their sums."`
	Transfers TransfersCommand `cmd:"" help:"List one account's transfers."`
	Verify    VerifyCommand    `cmd:"" help:"Examine everything stored, against itself and against the log."`
	Replay    ReplayCommand    `cmd:"" help:"Rebuild the ledger's tables from the log."`
	Rules     RulesCommand     `cmd:"" help:"Which rule set decides; switch to a newer one."`
	Receipt   ReceiptCommand   `cmd:"" help:"Prove what was decided of an event, to anybody, offline."`
	Log       LogCommand       `cmd:"" help:"The published log: check it, restore from it, witness it; its keys."`
	Project   ProjectCommand   `cmd:"" help:"Rebuild what pages and figures are read from."`
	Adoption  AdoptionCommand  `cmd:"" help:"Say how much is paid without cash, traceable to the events."`
	Backup    BackupCommand    `cmd:"" help:"Copy everything that must not be lost into a folder, checked."`
	Restore   RestoreCommand   `cmd:"" help:"Bring a ledger back from its backup."`
	Config    ConfigCommand    `cmd:"" help:"Examine the settings."`
	Sample    SampleCommand    `cmd:"" help:"Write the sample province's events."`
	Events    EventsCommand    `cmd:"" help:"What may be said on the log."`
	QR        QRCommand        `cmd:"" help:"Write and read VietQR codes."`
	Pupils    PupilsCommand    `cmd:"" help:"A school's pupils: lists, classes, reductions, a new year."`
	Bills     BillsCommand     `cmd:"" help:"Fee items, and the run that bills a month."`
	Books     BooksCommand     `cmd:"" help:"Sheets for accounting: bills, debts, cash book, trial balance, journal."`
	Sales     SalesCommand     `cmd:"" help:"What customers pay traders: the sales book, and whose account is whose."`
	Bank      BankCommand      `cmd:"" help:"Read what banks say: statements, payment orders, transfer contents."`
	Payout    PayoutCommand    `cmd:"" help:"The month of a benefit fund: list, approval, file for the bank, results."`
	Person    PersonCommand    `cmd:"" help:"Answer a person's wish to be forgotten."`
	User      UserCommand      `cmd:"" help:"Accounts of staff: who may sign in, and what they may do."`
	Webhook   WebhookCommand   `cmd:"" help:"Banks' messages: who is connected to which provider."`
	Token     TokenCommand     `cmd:"" help:"Tokens by which programs come in."`
	Bench     BenchCommand     `cmd:"" help:"Measure how many payments a second the whole service posts here, or with --people how fast its pages are meanwhile."`
	Simulate  SimulateCommand  `cmd:"" help:"Play load and faults against the real code, and find out whether the ledger is right."`

	BenchServe   BenchServeCommand   `cmd:"" hidden:""`
	BenchPublish BenchPublishCommand `cmd:"" hidden:""`
	BenchVisit   BenchVisitCommand   `cmd:"" hidden:""`
}

// Main is one call of the program, as tests make it too.
type Main struct {
	Args           []string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// usageError exits 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// errFailed exits 1 with nothing more to say: the result has been printed.
var errFailed = errors.New("check failed")

func main() {
	// Ctrl-C asks to end well; a second one ends at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit((&Main{Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}).Run(ctx))
}

// Run executes the call and returns its exit code.
func (m *Main) Run(ctx context.Context) (code int) {
	var cli CLI
	exited := -1
	parser, err := kong.New(&cli,
		kong.Name("socho"),
		kong.Description("Sổ Chợ keeps the account book of markets, schools and benefit funds: facts in, exact postings and traceable figures out."),
		kong.Writers(m.Stdout, m.Stderr),
		kong.Exit(func(c int) { exited = c; panic(exit{}) }),
		kong.UsageOnError(),
		kong.Resolvers(kong.ResolverFunc(secretFiles)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		panic(err) // the struct above is wrong; every test would show it
	}
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(exit); !ok {
				panic(r)
			}
			code = exited
		}
	}()
	call, err := parser.Parse(m.Args)
	if err != nil {
		fmt.Fprintln(m.Stderr, "socho:", hideNumbers(err.Error()))
		fmt.Fprintln(m.Stderr, "See: socho --help")
		return 2
	}
	call.BindTo(ctx, (*context.Context)(nil))
	cli.banks(m.Stderr)
	err = call.Run(&Call{Main: m, CLI: &cli})
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFailed):
		return 1
	case errors.As(err, &usage):
		fmt.Fprintln(m.Stderr, "socho:", err)
		return 2
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(m.Stderr, "socho: interrupted")
		return 1
	}
	fmt.Fprintln(m.Stderr, "socho:", err)
	return 1
}

// exit unwinds kong's own exits, such as --help.
type exit struct{}

// Call is what a command works with.
type Call struct {
	*Main
	CLI      *CLI
	observer service.Observer // of what the service posts; may be nil
	scale    int              // of the sample; 0 for 1
}

// open joins the service for a command that reads or writes; close it. In the
// embedded default without a running socho, it brings the stack up for itself.
func (c *Call) open(ctx context.Context, own bool) (*service.Service, error) {
	data, err := filepath.Abs(c.CLI.Data)
	if err != nil {
		return nil, err
	}
	options := service.Options{
		Data: data, Database: c.CLI.Database, Kafka: c.CLI.Kafka, Own: own,
		Log: c.logger(own), Observer: c.observer,
	}
	if err := c.CLI.secure(&options); err != nil {
		return nil, err
	}
	s, err := service.Open(ctx, options)
	if err != nil {
		return nil, err
	}
	if err := s.Start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// secure reads how to come in to the brokers.
func (c *CLI) secure(o *service.Options) error {
	if c.KafkaCA != "" {
		text, err := os.ReadFile(c.KafkaCA)
		if err != nil {
			return usageError{fmt.Errorf("--kafka-ca: %w", err)}
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return usageError{fmt.Errorf("--kafka-ca %s: no certificate in PEM form", c.KafkaCA)}
		}
		o.KafkaTLS = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	if (c.KafkaUser == "") != (c.KafkaPasswordFile == "") {
		return usageError{errors.New("--kafka-user and --kafka-password-file come together")}
	}
	if c.KafkaUser != "" {
		text, err := os.ReadFile(c.KafkaPasswordFile)
		if err != nil {
			return usageError{fmt.Errorf("--kafka-password-file: %w", err)}
		}
		o.KafkaUser, o.KafkaPassword = c.KafkaUser, strings.TrimRight(string(text), "\r\n")
	}
	return nil
}

// caughtUp opens the service and waits until the ledger has reached the end of
// the log as it is now.
func (c *Call) caughtUp(ctx context.Context) (*service.Service, error) {
	s, err := c.open(ctx, false)
	if err != nil {
		return nil, err
	}
	if err := s.WaitForLedger(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// positions reads SHARD:OFFSET,SHARD:OFFSET.
func positions(text string) (map[int]int64, error) {
	found := map[int]int64{}
	for part := range strings.SplitSeq(text, ",") {
		var shard int
		var offset int64
		if n, err := fmt.Sscanf(part, "%d:%d", &shard, &offset); n != 2 || err != nil || shard < 0 || offset < 0 || fmt.Sprintf("%d:%d", shard, offset) != part {
			return nil, usageError{fmt.Errorf("%q is no position; expected SHARD:OFFSET, such as 0:120", part)}
		}
		found[shard] = offset
	}
	return found, nil
}
