package advisory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
)

// A mirror is one of the sources of the same data.
type mirror struct {
	source
	name string
}

// openMirrors opens all sources. A single one that is not there fails now; one of
// several when it is asked.
func openMirrors(o *UpdateOptions) ([]*mirror, error) {
	var list []*mirror
	for _, name := range append([]string{o.Source}, o.Mirrors...) {
		src, err := openSource(o, name)
		if err != nil && len(o.Mirrors) == 0 {
			return nil, err
		}
		if err != nil {
			src = brokenSource{err}
		}
		list = append(list, &mirror{src, name})
	}
	return list, nil
}

// brokenSource is a mirror that could not be opened.
type brokenSource struct{ err error }

func (b brokenSource) fetch(context.Context, string, string, int64, resetter, func(done, total int64)) (string, error) {
	return "", b.err
}

// first asks one mirror after the other. The error says what each answered; it is
// os.ErrNotExist only if all say that.
func first[T any](ctx context.Context, mirrors []*mirror, ask func(*mirror) (T, error)) (T, error) {
	var failed, missing error
	var none T
	for _, m := range mirrors {
		v, err := ask(m)
		switch {
		case err == nil:
			return v, nil
		case ctx.Err() != nil, errors.Is(err, errWrite), len(mirrors) == 1:
			return none, err
		case errors.Is(err, os.ErrNotExist):
			missing = errors.Join(missing, fmt.Errorf("%s: %w", m.name, err))
		default:
			failed = errors.Join(failed, fmt.Errorf("%s: %w", m.name, err))
		}
	}
	if failed != nil {
		return none, failed
	}
	return none, missing
}

// checkFile compares a file with the SHA-256 that stands beside it in the source
// under the name "….sha256", if one does. The public bucket states checksums in
// its answers instead.
func checkFile(ctx context.Context, m *mirror, name string, f *os.File) error {
	if m.name == PublicSource {
		return nil
	}
	var text memory
	_, err := m.fetch(ctx, name+".sha256", "", maxLine, &text, func(int64, int64) {})
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	want, err := parseSHA256(text.String())
	if err != nil {
		return err
	}
	h := sha256.New()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := h.Sum(nil); !bytes.Equal(got, want) {
		return fmt.Errorf("%s: %w: %w: %x instead of %x", name, ErrSource, errChecksum, got, want)
	}
	return nil
}
