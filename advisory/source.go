package advisory

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// PublicSource is where OSV publishes its records.
const PublicSource = "https://osv-vulnerabilities.storage.googleapis.com"

// Limits on what a source may send.
const (
	maxList    = 1 << 20  // bytes of ecosystems.txt
	maxZip     = 4 << 30  // bytes of an all.zip
	maxContent = 32 << 30 // bytes of all records of an all.zip
	maxRecords = 5_000_000
)

// A source reads files of the OSV bucket's layout.
type source interface {
	// fetch copies a file to w, unless its tag is the one given: then it
	// returns errUnchanged. name is slash-separated. size limits what is read.
	fetch(ctx context.Context, name, tag string, size int64, w resetter, progress func(done, total int64)) (newTag string, err error)
}

// A resetter is a destination that can be emptied for another attempt.
type resetter interface {
	io.Writer
	Reset() error
}

var (
	errUnchanged = errors.New("unchanged")
	errTooLarge  = errors.New("larger than the limit")
)

func isURL(name string) bool {
	lower := strings.ToLower(name)
	return strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://")
}

// openSource tells an http or https URL from a directory.
func openSource(o *UpdateOptions, name string) (source, error) {
	if isURL(name) {
		return newWebSource(o, name)
	}
	if info, err := os.Stat(name); err != nil {
		return nil, fmt.Errorf("advisory source: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("advisory source %s: not a directory or URL", name)
	}
	return dirSource(name), nil
}

// dirSource is a local directory.
type dirSource string

func (d dirSource) fetch(ctx context.Context, name, tag string, size int64, w resetter, progress func(done, total int64)) (string, error) {
	f, err := os.OpenInRoot(string(d), filepath.FromSlash(name))
	if err != nil {
		return "", err
	}
	defer f.Close() // read only
	return copyFile(ctx, name, f, tag, size, w, progress)
}

// copyFile copies an open file unless its size and time are those of tag.
func copyFile(ctx context.Context, name string, f *os.File, tag string, size int64, w io.Writer, progress func(done, total int64)) (string, error) {
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	current := strconv.FormatInt(info.Size(), 10) + "@" + strconv.FormatInt(info.ModTime().UnixNano(), 10)
	if tag != "" && tag == current {
		return current, errUnchanged
	}
	if info.Size() > size {
		return "", fmt.Errorf("%s: %w of %d bytes", name, errTooLarge, size)
	}
	_, err = io.Copy(w, &meter{ctx: ctx, r: f, left: size, total: info.Size(), progress: progress})
	return current, err
}

// meter counts what passes, stops at the limit and when ctx ends.
type meter struct {
	ctx      context.Context //nolint:containedctx // a reader lives for one call
	r        io.Reader
	left     int64
	done     int64
	total    int64
	progress func(done, total int64)
}

func (m *meter) Read(b []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.r.Read(b)
	m.done += int64(n)
	if m.left -= int64(n); m.left < 0 {
		return 0, errTooLarge
	}
	m.progress(m.done, m.total)
	return n, err
}

// parseEcosystems reads ecosystems.txt: the base ecosystems that have an order,
// each once.
func parseEcosystems(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		base, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		if _, ok := order(base); ok && validEcosystem(base) {
			list = append(list, base)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// validEcosystem keeps names that are one path element.
func validEcosystem(name string) bool {
	return name != "" && len(name) < 100 && !strings.ContainsAny(name, "/\\:") && name[0] != '.' && filepath.IsLocal(name)
}

// zipFiles lists the records of an all.zip.
func zipFiles(z *zip.Reader) ([]*zip.File, error) {
	var list []*zip.File
	total := uint64(0)
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		list = append(list, f)
		total += f.UncompressedSize64
	}
	if len(list) > maxRecords || total > maxContent {
		return nil, fmt.Errorf("%d records of %d bytes: %w", len(list), total, errTooLarge)
	}
	return list, nil
}

// readEntry reads one record of an all.zip into buf.
func readEntry(f *zip.File, buf []byte) ([]byte, error) {
	if f.UncompressedSize64 > maxRecord {
		return nil, fmt.Errorf("%s: %w of %d bytes", f.Name, errTooLarge, maxRecord)
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()                                           // the checksum was compared while reading
	buf = slices.Grow(buf[:0], int(f.UncompressedSize64)+512) // below maxRecord
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if len(buf) == cap(buf) {
			return nil, fmt.Errorf("%s: %w it states", f.Name, errTooLarge)
		}
	}
}
