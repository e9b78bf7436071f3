// Package license recognises the texts of licences that lie with packages, and
// reads Debian's copyright files. It reads no source code and judges nothing.
//
// The texts to compare with are those of github.com/google/licenseclassifier,
// taken as data. Its engine is not run: it needs half a second of processor
// time to load the licences that matter here, and some milliseconds a text; a
// scan takes less. A text here is a set of word pairs, and two texts are the
// same licence when their sets are nearly equal (the coefficient of Dice). The
// engine is the yardstick of the tests.
package license

import (
	"context"
	"crypto/sha256"
	"path"
	"strings"
	"sync"

	"github.com/fnvet/fnvet"
)

// maxText bounds a text in bytes; the longest licence known here has 35 KB.
const maxText = 256 << 10

// A Detector finds licence texts. One value serves one scan.
type Detector struct {
	library func() *library // made when the first text comes

	mu   sync.Mutex
	seen map[[sha256.Size]byte]string // what a text was found to be
}

// New returns a detector for one scan.
func New() *Detector {
	return &Detector{library: sync.OnceValue(newLibrary), seen: make(map[[sha256.Size]byte]string)}
}

// Want takes files named as a licence text, and usr/share/doc/*/copyright.
func (d *Detector) Want(f *fnvet.File) bool {
	if f.Link != "" || f.Size == 0 || f.Size > maxText {
		return false
	}
	return debianPackage(f.Name) != "" || isText(f.Name)
}

// isText says whether a name is that of a licence text.
func isText(name string) bool {
	base := strings.ToUpper(path.Base(name))
	switch path.Ext(base) {
	case "", ".TXT", ".MD", ".RST", ".MIT", ".BSD", ".APACHE", ".APACHE2":
	default:
		return false
	}
	for _, word := range []string{"LICENSE", "LICENCE", "COPYING", "UNLICENSE"} {
		if strings.HasPrefix(base, word) {
			return true
		}
	}
	dir := path.Dir(name)
	return path.Base(dir) == "licenses" && strings.HasSuffix(path.Dir(dir), ".dist-info")
}

// debianPackage is the package that a copyright file is of, or "".
func debianPackage(name string) string {
	rest, ok := strings.CutPrefix(name, "usr/share/doc/")
	if !ok {
		return ""
	}
	if pkg, base, ok := strings.Cut(rest, "/"); ok && base == "copyright" {
		return pkg
	}
	return ""
}

// Detect says what one file is.
func (d *Detector) Detect(ctx context.Context, f *fnvet.File) (fnvet.Facts, error) {
	if err := ctx.Err(); err != nil {
		return fnvet.Facts{}, err
	}
	t := fnvet.LicenseText{Path: f.Path, Layer: f.Layer, Dir: home(f)}
	if pkg := debianPackage(f.Name); pkg != "" {
		t.Package, t.Declared = strings.Clone(pkg), true
		t.Licenses = copyrightFile(f.Data)
	} else if id := d.recognise(f.Data); id != "" {
		t.Licenses = []string{id}
	}
	if len(t.Licenses) == 0 && t.Declared {
		return fnvet.Facts{}, nil
	}
	return fnvet.Facts{Texts: []fnvet.LicenseText{t}}, nil
}

// home is the folder of the package a text lies with, or the archive that is the
// package, where the text lies at its root or in META-INF.
func home(f *fnvet.File) string {
	dir := path.Dir(f.Name)
	switch {
	case dir == "." || dir == "META-INF":
		if f.Container != "" {
			return f.Container
		}
	case path.Base(dir) == "licenses" && strings.HasSuffix(path.Dir(dir), ".dist-info"):
		return strings.TrimSuffix(f.Path, f.Name) + path.Dir(dir)
	}
	if i := strings.Index(f.Name, ".dist-info/licenses/"); i >= 0 {
		return strings.TrimSuffix(f.Path, f.Name) + f.Name[:i] + ".dist-info"
	}
	return strings.TrimSuffix(f.Path, "/"+path.Base(f.Name))
}

// recognise names the licence of a text, or "". Packages repeat the same few texts.
func (d *Detector) recognise(data []byte) string {
	pairs := pairsOf(data)
	key := pairs.key()
	d.mu.Lock()
	id, known := d.seen[key]
	d.mu.Unlock()
	if known {
		return id
	}
	id = d.library().name(pairs, len(data))
	d.mu.Lock()
	d.seen[key] = id
	d.mu.Unlock()
	return id
}
