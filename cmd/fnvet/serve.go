package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.opentelemetry.io/otel/trace"

	"github.com/fnvet/fnvet/server"
	"github.com/fnvet/fnvet/server/store"
)

// serveFlags are the flags of "fnvet serve" and "fnvet worker".
type serveFlags struct {
	scan     scanFlags // as for scan
	listen   string
	database string
	config   string
	workers  int
	every    time.Duration
	grace    time.Duration
	lease    time.Duration
	maxQueue int64
	level    string
	attach   string
}

func (f *serveFlags) add(s *pflag.FlagSet, listens bool) {
	s.SortFlags = false
	if listens {
		s.StringVar(&f.listen, "listen", "127.0.0.1:8787", "`ADDR` to answer on")
	}
	s.StringVar(&f.database, "database", "", "`URL` of the store: sqlite:PATH or postgres://… (default: sqlite in the user's state directory)")
	s.StringVar(&f.config, "config", "", "configuration `FILE` (docs/operations.md): registries, sources, tokens, notifications")
	s.IntVar(&f.workers, "workers", runtime.NumCPU(), "scans at once: `N`; 0: receive only")
	s.DurationVar(&f.every, "update-every", time.Hour, "fetch advisories this often, and compare the inventory with those that changed; 0: never")
	s.DurationVar(&f.grace, "grace", 30*time.Second, "how long scans at work may take to end when the server is asked to")
	s.DurationVar(&f.lease, "lease", 30*time.Second, "how long a worker may be silent before its scans are taken from it")
	s.Int64Var(&f.maxQueue, "max-queue", 100_000, "jobs that may wait: `N`; more are refused with 503")
	s.StringVar(&f.level, "log-level", "info", "`LEVEL` of the log on standard error: debug, info, warn, error")
	s.StringVar(&f.attach, "attach", "", "private `KEY` to sign with what is put beside images (registries with attach: true)")
	s.StringVar(&f.scan.failOn, "fail-on", "high", "`LEVEL` from which a finding blocks: critical, high, medium, low, any, never")
	f.scan.policy.add(s)
	s.StringArrayVar(&f.scan.vex, "vex", nil, "VEX `FILE`, repeatable: what it says is not affected or fixed does not count")
	s.StringVar(&f.scan.secretRules, "secret-rules", "", "more rules for secrets: `FILE` in gitleaks' form")
	s.DurationVar(&f.scan.timeout, "timeout", 5*time.Minute, "time limit of one target; reaching it is a gap")
	f.scan.db.addPlace(s)
	s.DurationVar(&f.scan.db.maxAge, "max-db-age", 168*time.Hour, "an advisory database whose newest record is older is a gap, and /readyz says no; 0: any age will do")
	s.BoolVar(&f.scan.db.offline, "offline", false, "fetch no advisories")
	f.scan.unpack.addCommon(s)
}

func (c *cli) serveCommand() *cobra.Command {
	var flags serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Webhook receiver, Harbor scanner adapter, API, web page, workers",
		Long: `Serve answers what registries push, scans it, keeps every report and the inventory of
every artifact, and judges again from the inventory when new advisories come.

Without --config it answers on its loopback address only, to anybody there. docs/operations.md
has the configuration, docs/contract.md the routes, /openapi.json their description.`,
		Example: "  fnvet serve\n  fnvet serve --listen :8787 --config fnvet.yaml --database postgres://fnvet@db/fnvet",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			flags.scan.set = cmd.Flags().Changed
			return c.serve(cmd.Context(), &flags)
		},
	}
	flags.add(cmd.Flags(), true)
	return cmd
}

func (c *cli) workerCommand() *cobra.Command {
	var flags serveFlags
	cmd := &cobra.Command{
		Use:     "worker",
		Short:   "Workers alone, for a server on this or another machine",
		Long:    "Worker scans what servers that share its store were told of. Any number may run, on any machine, with PostgreSQL.",
		Example: "  fnvet worker --config fnvet.yaml --database postgres://fnvet@db/fnvet --workers 4",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			flags.scan.set = cmd.Flags().Changed
			if flags.workers <= 0 {
				return errors.New("--workers takes a number above 0")
			}
			return c.serve(cmd.Context(), &flags)
		},
	}
	flags.add(cmd.Flags(), false)
	return cmd
}

func (c *cli) tokenCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "token",
		Short: "Make a token for the server's API",
		Long:  "Token prints a new token, to be given to its user, and the hash of it that the server's configuration holds.",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			token, hash := server.NewToken()
			_, err := fmt.Fprintf(c.stdout, "token  %s\nhash   %s\n", token, hash)
			return err
		},
	}
}

// stateDir is where the store lies by default.
func stateDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" && filepath.IsAbs(dir) {
		return filepath.Join(dir, "fnvet"), nil
	}
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		dir, err := os.UserConfigDir()
		return filepath.Join(dir, "fnvet", "state"), err
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "state", "fnvet"), err
}

func (f *serveFlags) configuration() (*server.File, error) {
	if f.config == "" {
		return server.ParseFile(nil)
	}
	data, err := readBounded(f.config, maxPolicy)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	file, err := server.ParseFile(data)
	if err != nil {
		return nil, fmt.Errorf("--config: %s: %w", f.config, err)
	}
	return file, nil
}

// loopback reports an address that only this machine reaches.
func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// serve runs a server, or without --listen its workers alone, until ctx ends.
func (c *cli) serve(ctx context.Context, flags *serveFlags) error {
	file, err := flags.configuration()
	if err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(flags.level)); err != nil {
		return fmt.Errorf("--log-level: %q is none of debug, info, warn, error", flags.level)
	}
	logger := slog.New(slog.NewJSONHandler(c.stderr, &slog.HandlerOptions{Level: level}))
	if flags.lease < time.Second {
		return errors.New("--lease takes a second or more")
	}
	if flags.listen != "" && !loopback(flags.listen) && !file.Guarded() {
		return hinted{fmt.Errorf("--listen %s can be reached from elsewhere, and --config has neither tokens nor a login", flags.listen), "fnvet token"}
	}
	if flags.database == "" {
		dir, err := stateDir()
		if err != nil {
			return hinted{fmt.Errorf("no place for the store: %w", err), "fnvet serve --database sqlite:PATH"}
		}
		flags.database = "sqlite:" + filepath.Join(dir, "fnvet.db")
	}
	scanner, err := c.newService(flags, file, logger)
	if err != nil {
		return err
	}
	st, err := store.Open(ctx, store.Options{
		URL: flags.database, Logger: logger, MaxQueue: flags.maxQueue, Lease: flags.lease,
		MaxLayers: cmp.Or(*file.LayerCache<<20, -1), LayerAge: file.LayerCacheAge,
	})
	if err != nil {
		return fmt.Errorf("--database: %w", err)
	}
	defer st.Close()
	if *file.LayerCache > 0 {
		if err := scanner.shareLayers(ctx, st); err != nil {
			return fmt.Errorf("--database: %w", err)
		}
	}
	spans, end, err := tracer(ctx, logger)
	if err != nil {
		return err
	}
	defer end()
	s, err := c.newServer(flags, file, st, scanner, logger, spans)
	if err != nil {
		return err
	}
	return c.runServer(ctx, flags, s)
}

func (c *cli) newServer(flags *serveFlags, file *server.File, st *store.Store, scanner *service, logger *slog.Logger, spans trace.Tracer) (*server.Server, error) {
	all, err := rules()
	if err != nil {
		return nil, err
	}
	config := server.Config{
		File: file, Store: st, Scanner: scanner, Logger: logger, Workers: flags.workers, Open: loopback(flags.listen),
		MaxDatabaseAge: flags.scan.db.maxAge, UpdateEvery: flags.every, Version: version(), Rules: all, Write: scanner.write, Tracer: spans,
	}
	if dir, err := stateDir(); err == nil {
		config.Scratch = filepath.Join(dir, "uploads")
	}
	if flags.scan.db.offline {
		config.UpdateEvery = 0
	}
	if flags.attach != "" {
		if config.Attach, err = attacher(flags.attach); err != nil {
			return nil, err
		}
	}
	for _, r := range file.Registries {
		if r.Attach && flags.attach == "" {
			return nil, hinted{fmt.Errorf("--config: registry %s says attach, and there is no key to sign with", r.Name), "fnvet serve --attach KEY"}
		}
	}
	return server.New(config)
}

// runServer answers and works until ctx ends, or one of both does.
func (c *cli) runServer(ctx context.Context, flags *serveFlags, s *server.Server) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 2)
	parts := 1
	if flags.listen != "" {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", flags.listen)
		if err != nil {
			return hinted{fmt.Errorf("--listen: %w", err), "fnvet serve --listen 127.0.0.1:0"}
		}
		scheme := map[bool]string{true: "https", false: "http"}[s.File.TLS != nil]
		fmt.Fprintf(c.stderr, "fnvet: answers on %s://%s\n", scheme, l.Addr())
		c.introduce(flags, s.File)
		parts++
		go func() { ended <- s.Serve(ctx, l) }()
	} else {
		fmt.Fprintf(c.stderr, "fnvet: works\n")
	}
	go func() { ended <- s.Work(ctx, flags.grace) }()
	var errs []error
	for range parts {
		errs = append(errs, <-ended)
		cancel() // one end is the end of both
	}
	return errors.Join(errs...)
}

// introduce says where things are, for who starts a server for the first time.
func (c *cli) introduce(flags *serveFlags, f *server.File) {
	if name, ok := strings.CutPrefix(flags.database, "sqlite:"); ok {
		fmt.Fprintf(c.stderr, "fnvet: keeps everything in %s\n", printable(name))
	}
	if !f.Guarded() {
		fmt.Fprintf(c.stderr, "fnvet: nobody is asked who they are; only this machine can reach it\n")
	}
	if len(f.Registries) == 0 {
		fmt.Fprintf(c.stderr, "fnvet: no registry is configured: packages can be sent to /api/v1/scans, images cannot be scanned (docs/operations.md)\n")
	}
}
