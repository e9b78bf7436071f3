// Package deps finds the packages a function carries: it reads manifests,
// lockfiles, installed trees, archives of classes, binaries and the databases
// of distributions, and says on what evidence each package is listed.
//
// It opens no files, runs nothing and knows nothing of advisories. Every
// parser reads bytes that scan offers, within the limits stated here, and
// returns what it could read beside the error that stopped it.
//
// osv-scalibr has extractors for the same formats. They are not linked: one of
// them brings file systems, git and protocol buffers into the binary (2.4 MB
// becomes 16.2 MB, start-up 2 ms becomes 4.4 ms), and they drop the dependency
// graph, hashes and most licences. The tests run them as the yardstick.
package deps

import (
	"context"
	bytesorder "encoding/binary"
	"errors"
	"fmt"
	"path"
	"slices"
	"unicode/utf16"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
)

// MaxManifest is the size in bytes above which a manifest or lockfile is not
// read but reported as a gap. The largest seen in the wild are 20 MB.
const MaxManifest = 64 << 20

// A Named detector is one row of the table of steps.
type Named struct {
	Name string
	fnvet.Detector
}

// A reader is a detector of one kind of file that stands for itself.
type reader struct {
	want  func(base string, f *fnvet.File) bool
	max   int64 // bytes
	full  bool  // an empty file is a damaged one
	parse func(f *fnvet.File) ([]fnvet.Package, error)
}

func (r reader) Want(f *fnvet.File) bool {
	return f.Link == "" && (f.Size > 0 || r.full) && r.want(path.Base(f.Name), f)
}

// errEmpty is what a manifest without a byte in it gives.
var errEmpty = errors.New("the file is empty")

func (r reader) Detect(ctx context.Context, f *fnvet.File) (fnvet.Facts, error) {
	if err := ctx.Err(); err != nil {
		return fnvet.Facts{}, err
	}
	if f.Size > r.max {
		return tooLarge(f, r.max), nil
	}
	if f.Size == 0 {
		return fnvet.Facts{}, errEmpty
	}
	pkgs, err := r.parse(decoded(f, r.max))
	for i := range pkgs {
		if len(pkgs[i].Locations) == 0 {
			pkgs[i].Locations = []fnvet.Location{{Path: f.Path, Layer: f.Layer, Kind: pkgs[i].Kind}}
		}
	}
	return fnvet.Facts{Packages: pkgs}, err
}

// decoded gives a manifest that is UTF-16 with a byte order mark, as PowerShell
// writes them, as UTF-8. Binaries are larger than manifests may be and stay.
func decoded(f *fnvet.File, limit int64) *fnvet.File {
	if limit != MaxManifest || len(f.Data) < 2 {
		return f
	}
	var order bytesorder.ByteOrder
	switch [2]byte(f.Data) {
	case [2]byte{0xFF, 0xFE}:
		order = bytesorder.LittleEndian
	case [2]byte{0xFE, 0xFF}:
		order = bytesorder.BigEndian
	default:
		return f
	}
	units := make([]uint16, 0, len(f.Data)/2)
	for b := f.Data[2:]; len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	other := *f
	other.Data = []byte(string(utf16.Decode(units)))
	return &other
}

func tooLarge(f *fnvet.File, limit int64) fnvet.Facts {
	return fnvet.Facts{Gaps: []fnvet.Gap{{
		Path:   f.Path,
		Reason: fnvet.GapLimit,
		Detail: fmt.Sprintf("not read for packages: %d bytes is more than %d", f.Size, limit),
	}}}
}

// manifest makes a reader of a project's files with the given base names.
func manifest(parse func(data []byte) ([]fnvet.Package, error), bases ...string) reader {
	return reader{
		max:  MaxManifest,
		full: true,
		want: func(base string, f *fnvet.File) bool {
			return slices.Contains(bases, base) && !entry.ThirdParty(f.Name)
		},
		parse: func(f *fnvet.File) ([]fnvet.Package, error) { return parse(f.Data) },
	}
}
