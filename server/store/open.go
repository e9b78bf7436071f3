package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// ErrDamaged says: the store exists and cannot be trusted. It is never replaced by an
// empty one.
var ErrDamaged = errors.New("the store is damaged")

const (
	sqliteScheme = "sqlite:"
	// applicationID is in the header of our SQLite files: "fnvt".
	applicationID = 0x666e7674
	readers       = 4
)

// Open opens the store that o.URL names, "sqlite:PATH" or "postgres://…", and
// brings its tables up to date. A SQLite file that does not exist is made; one
// that is empty, cut off or of another program is refused (ErrDamaged).
func Open(ctx context.Context, o Options) (*Store, error) {
	s := newStore(o)
	var err error
	switch {
	case strings.HasPrefix(o.URL, sqliteScheme):
		err = s.openSQLite(ctx, strings.TrimPrefix(o.URL, sqliteScheme))
	case strings.HasPrefix(o.URL, "postgres://"), strings.HasPrefix(o.URL, "postgresql://"):
		err = s.openPostgres(ctx, o.URL)
	default:
		err = errors.New(`the database is neither "sqlite:PATH" nor "postgres://…"`)
	}
	if err != nil {
		if s.base != nil {
			s.base.close()
		}
		return nil, err
	}
	go s.committer() //nolint:gosec // it lives as long as the store, not as the call
	return s, nil
}

func (s *Store) openSQLite(ctx context.Context, path string) error {
	if path == "" {
		return errors.New("sqlite: no file is named")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	fresh, err := inspect(path)
	if err != nil {
		return err
	}
	dsn := (&url.URL{Scheme: "file", Path: path}).String() + "?_pragma=busy_timeout(15000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	writer, err := sql.Open("sqlite", dsn+"&_txlock=immediate")
	if err != nil {
		return err
	}
	writer.SetMaxOpenConns(1) // River's driver wants one, and SQLite has one writer
	reading, err := sql.Open("sqlite", dsn+"&_pragma=query_only(1)")
	if err != nil {
		return errors.Join(err, writer.Close())
	}
	reading.SetMaxOpenConns(readers)
	s.base = &sqliteBase{writer: writer, readers: reading}
	if err := check(ctx, writer, fresh); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	driver := riversqlite.New(writer)
	unwrap := func(t tx) *sql.Tx { return t.(sqlTx).tx } //nolint:forcetypeassert // begin of this base makes no other
	if err := migrate(ctx, s.base, dialect{id: "INTEGER PRIMARY KEY AUTOINCREMENT", blob: "BLOB"}, driver); err != nil {
		return err
	}
	s.start = starter(driver, unwrap)(s)
	s.queue, err = s.start(nil, 0)
	return err
}

// inspect says whether the file is to be made. A file of no bytes, or a journal
// without its file, was a store once.
func inspect(path string) (fresh bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if wal, err := os.Stat(path + "-wal"); err == nil && wal.Size() > 0 {
			return false, fmt.Errorf("%w: %s is gone and its journal %s-wal is there; put it back from a backup, or remove the journal to start empty", ErrDamaged, path, path)
		}
		return true, nil
	case err != nil:
		return false, err
	case info.Size() == 0:
		return false, fmt.Errorf("%w: %s is empty; put it back from a backup, or remove it to start empty", ErrDamaged, path)
	}
	return false, nil
}

// check refuses a file that is damaged or another program's.
func check(ctx context.Context, db *sql.DB, fresh bool) error {
	if fresh {
		_, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID))
		return err
	}
	var id int64
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if id != applicationID {
		return fmt.Errorf("%w: it is not a store of fnvet", ErrDamaged)
	}
	var words string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&words); err != nil {
		return fmt.Errorf("%w: %w; put it back from a backup", ErrDamaged, err)
	}
	if words != "ok" {
		return fmt.Errorf("%w: %s; put it back from a backup", ErrDamaged, words)
	}
	return nil
}

func (s *Store) openPostgres(ctx context.Context, address string) error {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return errors.New("postgres: the URL cannot be read") // the error may quote the password
	}
	config.ConnConfig.ConnectTimeout = 10 * time.Second
	config.MaxConns = max(config.MaxConns, 8)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	s.base = &pgBase{pool}
	if err := pool.Ping(ctx); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	driver := riverpgxv5.New(pool)
	unwrap := func(t tx) pgx.Tx { return t.(pgTx).tx } //nolint:forcetypeassert // begin of this base makes no other
	if err := migrate(ctx, s.base, dialect{id: "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", blob: "BYTEA"}, driver); err != nil {
		return err
	}
	s.start = starter(driver, unwrap)(s)
	s.queue, err = s.start(nil, 0)
	return err
}
