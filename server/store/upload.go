package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"time"
)

// uploadPart is how much of an upload one row holds, in bytes.
const uploadPart = 1 << 20

// ErrTooLarge says: an upload is larger than allowed.
var ErrTooLarge = errors.New("larger than the limit")

// PutUpload keeps a package until it is scanned, and returns its digest and the
// id it has here: any worker can fetch it. More than limit bytes are ErrTooLarge.
func (s *Store) PutUpload(ctx context.Context, id string, body io.Reader, limit int64) (digest string, err error) {
	sum := sha256.New()
	buf := make([]byte, uploadPart)
	var size int64
	for part := 0; ; part++ {
		n, readErr := io.ReadFull(body, buf)
		size += int64(n)
		if size > limit {
			return "", errors.Join(ErrTooLarge, s.DropUpload(ctx, id))
		}
		if n > 0 {
			sum.Write(buf[:n])
			if err := s.putPart(ctx, id, part, buf[:n]); err != nil {
				return "", err
			}
		}
		switch {
		case errors.Is(readErr, io.EOF), errors.Is(readErr, io.ErrUnexpectedEOF):
			return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
		case readErr != nil:
			return "", errors.Join(readErr, s.DropUpload(context.WithoutCancel(ctx), id))
		}
	}
}

func (s *Store) putPart(ctx context.Context, id string, part int, data []byte) error {
	t, err := s.base.begin(ctx)
	if err != nil {
		return err
	}
	defer t.rollback(ctx)
	if _, err := t.exec(ctx, "INSERT INTO upload (id, part, created, data) VALUES ($1, $2, $3, $4)", id, part, s.now(), data); err != nil {
		return err
	}
	return t.commit(ctx)
}

// DropUpload removes an upload that is not to be scanned.
func (s *Store) DropUpload(ctx context.Context, id string) error {
	return s.do(ctx, "DELETE FROM upload WHERE id = $1", id)
}

// do runs one statement in a transaction.
func (s *Store) do(ctx context.Context, query string, args ...any) error {
	t, err := s.base.begin(ctx)
	if err != nil {
		return err
	}
	defer t.rollback(ctx)
	if _, err := t.exec(ctx, query, args...); err != nil {
		return err
	}
	return t.commit(ctx)
}

// CopyUpload writes an upload out; ErrNotFound if it is not there any more.
func (s *Store) CopyUpload(ctx context.Context, id string, to io.Writer) error {
	for part := 0; ; part++ {
		var data []byte
		err := one(ctx, s.base.reader(), "SELECT data FROM upload WHERE id = $1 AND part = $2", []any{id, part}, &data)
		switch {
		case errors.Is(err, errNone) && part == 0:
			return ErrNotFound
		case errors.Is(err, errNone):
			return nil
		case err != nil:
			return err
		}
		if _, err := to.Write(data); err != nil {
			return err
		}
	}
}

// How long rows are kept that no result depends on.
const (
	keepEvents  = 7 * 24 * time.Hour // as long as a source may send an event again
	keepUploads = 24 * time.Hour     // that no scan names
	keepResults = 90 * 24 * time.Hour
	// clockSlack is how far the clocks of two servers may be apart, for an end of a
	// session not to be forgotten before the session is over.
	clockSlack = time.Hour
)

// Prune drops what is no longer needed: old events, uploads that no scan waits
// for, leases of jobs that ended, sessions that are over, and results that a later one of the same
// artifact replaced long ago.
func (s *Store) Prune(ctx context.Context) error {
	now := s.o.Now()
	for _, p := range []struct {
		query string
		args  []any
	}{
		{"DELETE FROM event WHERE received < $1", []any{now.Add(-keepEvents).UnixMilli()}},
		{`DELETE FROM upload WHERE created < $1 AND id NOT IN (SELECT s.upload FROM scan s LEFT JOIN result r ON r.scan = s.id WHERE s.upload <> '' AND r.scan IS NULL)`, []any{now.Add(-keepUploads).UnixMilli()}},
		{"DELETE FROM lease WHERE job NOT IN (SELECT id FROM river_job WHERE state = 'running')", nil},
		{"DELETE FROM result WHERE finished < $1 AND scan NOT IN (SELECT scan FROM artifact)", []any{now.Add(-keepResults).UnixMilli()}},
		{"DELETE FROM ended_session WHERE until < $1", []any{now.Add(-clockSlack).UnixMilli()}},
		{"DELETE FROM change WHERE at < $1", []any{now.Add(-keepResults).UnixMilli()}},
	} {
		if err := s.do(ctx, p.query, p.args...); err != nil {
			return err
		}
	}
	return s.pruneLayers(ctx)
}
