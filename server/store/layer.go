package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// What a scan found in a layer of an image is kept for the next image that has it,
// on whatever machine that is scanned. The entries come sealed and are opened where
// they are used; here they are names and bytes, all of which may be lost.

// layerShare is the part of all room that one entry may take.
const layerShare = 8

// layerTouch is how stale the last use of an entry may be: reading costs no write
// more often than that.
const layerTouch = time.Hour

// Key is the key of the store, 32 random bytes made when it is first asked for: all
// that work with the store have it. Who can read or write the store has it too, so
// it protects the seals of layers from decay and mistakes, and no secret.
func (s *Store) Key(ctx context.Context) ([]byte, error) {
	var b [32]byte
	_, _ = rand.Read(b[:])
	if err := s.do(ctx, "INSERT INTO meta (key, value) VALUES ('key', $1) ON CONFLICT (key) DO NOTHING", hex.EncodeToString(b[:])); err != nil {
		return nil, err
	}
	var text string
	if err := one(ctx, s.base.reader(), "SELECT value FROM meta WHERE key = 'key'", nil, &text); err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(text)
	if err != nil || len(key) != len(b) {
		return nil, fmt.Errorf("%w: its key is none; put it back from a backup", ErrDamaged)
	}
	return key, nil
}

// Layer returns what was kept under a name, or nil.
func (s *Store) Layer(ctx context.Context, name string) ([]byte, error) {
	var used int64
	var data []byte
	err := one(ctx, s.base.reader(), "SELECT used, data FROM layer WHERE name = $1", []any{name}, &used, &data)
	if errors.Is(err, errNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if now := s.now(); now-used > layerTouch.Milliseconds() {
		if err := s.do(ctx, "UPDATE layer SET used = $1 WHERE name = $2 AND used < $1", now, name); err != nil {
			s.o.Logger.Warn("the use of a layer could not be noted", "error", err.Error())
		}
	}
	return data, nil
}

// PutLayer keeps an entry, in the place of one of the same name, and drops the ones
// that were used longest ago where there are too many. One that would take an eighth
// of all room or more is not kept.
func (s *Store) PutLayer(ctx context.Context, name string, data []byte) error {
	if int64(len(data)) >= s.o.MaxLayers/layerShare {
		return nil
	}
	err := s.do(ctx, `INSERT INTO layer (name, used, size, data) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET used = excluded.used, size = excluded.size, data = excluded.data`, name, s.now(), len(data), data)
	if err != nil {
		return err
	}
	return s.trimLayers(ctx)
}

// Layers counts the entries and their bytes.
func (s *Store) Layers(ctx context.Context) (n, size int64, err error) {
	err = one(ctx, s.base.reader(), "SELECT count(*), CAST(coalesce(sum(size), 0) AS BIGINT) FROM layer", nil, &n, &size)
	return n, size, err
}

// trimLayers drops the entries that were used longest ago until the rest fits.
func (s *Store) trimLayers(ctx context.Context) error {
	_, size, err := s.Layers(ctx)
	if err != nil || size <= s.o.MaxLayers {
		return err
	}
	return s.do(ctx, "DELETE FROM layer WHERE name IN (SELECT name FROM (SELECT name, sum(size) OVER (ORDER BY used DESC, name) AS upto FROM layer) AS l WHERE upto > $1)", s.o.MaxLayers)
}

// pruneLayers drops what nobody used for long.
func (s *Store) pruneLayers(ctx context.Context) error {
	if err := s.do(ctx, "DELETE FROM layer WHERE used < $1", s.o.Now().Add(-s.o.LayerAge).UnixMilli()); err != nil {
		return err
	}
	return s.trimLayers(ctx)
}
