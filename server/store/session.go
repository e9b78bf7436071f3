package store

import (
	"context"
	"errors"
	"time"
)

// Sessions of the page are in the browsers' cookies. The store has only those that
// were ended before their time, so that every server knows.

// EndSession ends a session that would go on until a time.
func (s *Store) EndSession(ctx context.Context, id string, until time.Time) error {
	return s.do(ctx, "INSERT INTO ended_session (id, until) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING", id, until.UnixMilli())
}

// SessionEnded reports a session that was ended.
func (s *Store) SessionEnded(ctx context.Context, id string) (bool, error) {
	var until int64
	err := one(ctx, s.base.reader(), "SELECT until FROM ended_session WHERE id = $1", []any{id}, &until)
	if errors.Is(err, errNone) {
		return false, nil
	}
	return err == nil, err
}
