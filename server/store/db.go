package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A conn runs statements: a transaction, or a pool for reading. The statements
// of this package are the same for both stores; arguments are $1, $2, ….
type conn interface {
	// exec returns how many rows were changed.
	exec(ctx context.Context, query string, args ...any) (int64, error)
	query(ctx context.Context, query string, args ...any) (rows, error)
}

// rows are the answers of a query. Close may be called twice.
type rows interface {
	Next() bool
	Scan(into ...any) error
	Err() error
	Close()
}

// A tx is a conn whose work counts once it is committed. rollback after commit
// does nothing.
type tx interface {
	conn
	commit(ctx context.Context) error
	rollback(ctx context.Context)
}

// errNone: a query that should have one row had none.
var errNone = errors.New("no such row")

// one reads the only row of a query; errNone if there is none.
func one(ctx context.Context, c conn, query string, args []any, into ...any) error {
	r, err := c.query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer r.Close()
	if !r.Next() {
		if err := r.Err(); err != nil {
			return err
		}
		return errNone
	}
	if err := r.Scan(into...); err != nil {
		return err
	}
	r.Close()
	return r.Err()
}

// each calls scan for every row of a query.
func each(ctx context.Context, c conn, query string, args []any, scan func(rows) error) error {
	r, err := c.query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer r.Close()
	for r.Next() {
		if err := scan(r); err != nil {
			return err
		}
	}
	return r.Err()
}

type sqlRows struct{ *sql.Rows }

// Close ends the reading.
func (r sqlRows) Close() { _ = r.Rows.Close() }

// sqlRunner is *sql.DB and *sql.Tx.
type sqlRunner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

type sqlConn struct{ run sqlRunner }

func (c sqlConn) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := c.run.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (c sqlConn) query(ctx context.Context, query string, args ...any) (rows, error) {
	r, err := c.run.QueryContext(ctx, query, args...) //nolint:rowserrcheck,sqlclosecheck // the caller does both
	if err != nil {
		return nil, err
	}
	return sqlRows{r}, nil
}

type sqlTx struct {
	sqlConn
	tx    *sql.Tx
	leave func()
}

func (t sqlTx) commit(context.Context) error {
	defer t.leave()
	return t.tx.Commit()
}

func (t sqlTx) rollback(context.Context) {
	_ = t.tx.Rollback()
	t.leave()
}

// The statements of a transaction are not watched each for the end of the context:
// the transaction is.
func (t sqlTx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	return t.sqlConn.exec(context.WithoutCancel(ctx), query, args...)
}

func (t sqlTx) query(ctx context.Context, query string, args ...any) (rows, error) {
	return t.sqlConn.query(context.WithoutCancel(ctx), query, args...)
}

// pgRunner is *pgxpool.Pool and pgx.Tx.
type pgRunner interface {
	Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}

type pgConn struct{ run pgRunner }

func (c pgConn) exec(ctx context.Context, query string, args ...any) (int64, error) {
	tag, err := c.run.Exec(ctx, query, args...)
	return tag.RowsAffected(), err
}

func (c pgConn) query(ctx context.Context, query string, args ...any) (rows, error) {
	r, err := c.run.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return r, nil
}

type pgTx struct {
	pgConn
	tx pgx.Tx
}

func (t pgTx) commit(ctx context.Context) error { return t.tx.Commit(ctx) }
func (t pgTx) rollback(ctx context.Context)     { _ = t.tx.Rollback(context.WithoutCancel(ctx)) }

// A base is a database that holds a store.
type base interface {
	begin(ctx context.Context) (tx, error)
	// urgent is begin for what somebody waits for: it goes first where there is
	// one writer at a time.
	urgent(ctx context.Context) (tx, error)
	reader() conn
	// lockRow is what a SELECT of a row to be changed ends with.
	lockRow() string
	// jobErrors is the expression of the errors of a job j as JSON text.
	jobErrors() string
	// later is the expression of a time from now, by the clock that River's
	// statements use.
	later(d time.Duration) string
	close()
}

type sqliteBase struct {
	writer, readers *sql.DB
	turn            turnstile
}

func (b *sqliteBase) begin(ctx context.Context) (tx, error)  { return b.enter(ctx, false) }
func (b *sqliteBase) urgent(ctx context.Context) (tx, error) { return b.enter(ctx, true) }

func (b *sqliteBase) enter(ctx context.Context, urgent bool) (tx, error) {
	leave, err := b.turn.enter(ctx, urgent)
	if err != nil {
		return nil, err
	}
	t, err := b.writer.BeginTx(ctx, nil)
	if err != nil {
		leave()
		return nil, err
	}
	return sqlTx{sqlConn{t}, t, leave}, nil
}
func (b *sqliteBase) reader() conn    { return sqlConn{b.readers} }
func (b *sqliteBase) lockRow() string { return "" }
func (b *sqliteBase) jobErrors() string {
	return "coalesce(json(j.errors), '[]')"
}

func (b *sqliteBase) later(d time.Duration) string {
	return fmt.Sprintf("datetime('now', 'subsec', '%+d seconds')", int64(d/time.Second))
}

func (b *sqliteBase) close() {
	_ = b.readers.Close()
	_ = b.writer.Close()
}

type pgBase struct{ pool *pgxpool.Pool }

func (b *pgBase) begin(ctx context.Context) (tx, error) {
	t, err := b.pool.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return pgTx{pgConn{t}, t}, nil
}
func (b *pgBase) urgent(ctx context.Context) (tx, error) { return b.begin(ctx) }

func (b *pgBase) reader() conn    { return pgConn{b.pool} }
func (b *pgBase) lockRow() string { return " FOR UPDATE" }
func (b *pgBase) jobErrors() string {
	return "coalesce(array_to_json(j.errors)::text, '[]')"
}

func (b *pgBase) later(d time.Duration) string {
	return fmt.Sprintf("now() + interval '%d seconds'", int64(d/time.Second))
}

func (b *pgBase) close() { b.pool.Close() }
