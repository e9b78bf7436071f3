package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed migrations/*.sql
var migrations embed.FS

// A dialect is where the two databases' table definitions differ.
type dialect struct{ id, blob string }

// ErrNewer says: the store was written by a later version of fnvet.
var ErrNewer = errors.New("the store was made by a later version of fnvet")

// migrate brings the tables up to date: River's, then ours, each file of
// migrations once and in one transaction.
func migrate[T any](ctx context.Context, b base, d dialect, driver riverdriver.Driver[T]) error {
	unlock, err := lockMigrations(ctx, b)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer unlock()
	m, err := rivermigrate.New(driver, nil)
	if err != nil {
		return err
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate the queue: %w", err)
	}
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(files)
	t, err := b.begin(ctx)
	if err != nil {
		return err
	}
	defer t.rollback(ctx)
	if err := ours(ctx, t, d, files); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return t.commit(ctx)
}

func ours(ctx context.Context, t tx, d dialect, files []string) error {
	if _, err := t.exec(ctx, "CREATE TABLE IF NOT EXISTS fnvet_migration (version BIGINT PRIMARY KEY)"); err != nil {
		return err
	}
	var done int64
	if err := one(ctx, t, "SELECT coalesce(max(version), 0) FROM fnvet_migration", nil, &done); err != nil {
		return err
	}
	if done > int64(len(files)) {
		return ErrNewer
	}
	for i, file := range files[done:] {
		text, err := migrations.ReadFile(file)
		if err != nil {
			return err
		}
		words := strings.NewReplacer("{{id}}", d.id, "{{blob}}", d.blob).Replace(string(text))
		for statement := range strings.SplitSeq(words, ";\n") {
			if strings.TrimSpace(statement) == "" {
				continue
			}
			if _, err := t.exec(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
		if _, err := t.exec(ctx, "INSERT INTO fnvet_migration (version) VALUES ($1)", done+int64(i)+1); err != nil {
			return err
		}
	}
	return nil
}

// migrationLock is the key of the advisory lock that migrations hold on Postgres.
const migrationLock = 0x666e7674

// lockMigrations keeps processes that start at once from migrating together.
// SQLite's transactions do that by themselves.
func lockMigrations(ctx context.Context, b base) (func(), error) {
	pg, ok := b.(*pgBase)
	if !ok {
		return func() {}, nil
	}
	c, err := pg.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := c.Exec(ctx, "SELECT pg_advisory_lock($1)", migrationLock); err != nil {
		c.Release()
		return nil, err
	}
	return func() {
		_, _ = c.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrationLock)
		c.Release()
	}, nil
}
