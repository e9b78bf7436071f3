package server

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/fnvet/fnvet/internal/filelock"
)

// young is how long a scratch directory is left alone that nobody has locked yet.
const young = time.Minute

// A scratch is a directory for the files of one process. Its lock ends with the
// process, however that ends, so that a later one knows what nobody uses.
type scratch struct {
	dir  string
	lock *os.File
}

// openScratch removes what processes that were killed left in a directory, and
// makes a place there for this one. Without a directory the system's for temporary
// files is taken, where nothing is removed: names there may be anybody's.
func openScratch(parent string) (*scratch, error) {
	if parent != "" {
		if err := os.MkdirAll(parent, 0o700); err != nil {
			return nil, err
		}
		sweep(parent, time.Now())
	}
	dir, err := os.MkdirTemp(parent, "fnvet-*")
	if err != nil {
		return nil, err
	}
	s := &scratch{dir: dir}
	if s.lock, err = takeLock(dir, os.O_CREATE); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func takeLock(dir string, flag int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|flag, 0o600) // #nosec G304 -- a directory of ours
	if err != nil {
		return nil, err
	}
	if err := filelock.Try(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// sweep removes the directories that no process holds. What cannot be removed is
// met again by the next start.
func sweep(parent string, now time.Time) {
	dirs, _ := filepath.Glob(filepath.Join(parent, "fnvet-*")) // the pattern is well formed
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || now.Sub(info.ModTime()) < young {
			continue
		}
		switch lock, err := takeLock(dir, 0); {
		case err == nil:
			_ = lock.Close()
		case !errors.Is(err, os.ErrNotExist): // killed before there was a lock
			continue
		}
		_ = os.RemoveAll(dir)
	}
}

// close removes the directory.
func (s *scratch) close() { _ = errors.Join(s.lock.Close(), os.RemoveAll(s.dir)) }
