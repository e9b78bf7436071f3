package scan

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Sealed keeps entries in a place where others may write too. An entry has a name
// and a seal that take Key to make: one that is damaged, was made with another key
// or does not belong to its name is as good as none.
type Sealed struct {
	Key   []byte
	Place Place
}

// A Place keeps data by name: 64 hex digits.
type Place interface {
	// Load returns what was saved last under a name, or nil.
	Load(ctx context.Context, name string) ([]byte, error)
	Save(ctx context.Context, name string, data []byte) error
}

func (s *Sealed) mac(parts ...[]byte) []byte {
	m := hmac.New(sha256.New, s.Key)
	for _, p := range parts {
		sum := sha256.Sum256(p)
		m.Write(sum[:])
	}
	return m.Sum(nil)
}

func (s *Sealed) name(id []byte) string { return hex.EncodeToString(s.mac([]byte("name"), id)) }

// Load opens the entry with that id, or returns nil.
func (s *Sealed) Load(ctx context.Context, id []byte) []byte {
	raw, err := s.Place.Load(ctx, s.name(id))
	if err != nil || len(raw) < sha256.Size || len(raw) > maxEntry+sha256.Size {
		return nil
	}
	seal, entry := raw[:sha256.Size], raw[sha256.Size:]
	if !hmac.Equal(seal, s.mac([]byte("entry"), id, entry)) {
		return nil
	}
	return entry
}

// Save seals an entry.
func (s *Sealed) Save(ctx context.Context, id, entry []byte) error {
	return s.Place.Save(ctx, s.name(id), append(s.mac([]byte("entry"), id, entry), entry...))
}

// A Directory is a Place on disk, made when something is first saved.
type Directory string

func (d Directory) path(name string) string { return filepath.Join(string(d), "layer-"+name) }

// Load reads a file.
func (d Directory) Load(_ context.Context, name string) ([]byte, error) {
	f, err := os.Open(d.path(name)) // #nosec G304 -- in the directory the user chose, by a name of ours
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxEntry+sha256.Size+1))
}

// Save writes a file; it is there whole or not at all.
func (d Directory) Save(_ context.Context, name string, data []byte) error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(string(d), "new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), d.path(name))
}
