package unpack

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/fnvet/fnvet/internal/lazyregexp"
)

// blobs are the parts of an image, by their path in the archive or layout.
type blobs interface {
	// open returns the part with that name. close is never nil.
	open(name string) (src source, close func(), err error)
}

var errNoBlob = errors.New("is not there")

const (
	maxImageParts = 200_000
	maxLinkHops   = 8
)

// tarBlobs are the entries of an image archive.
type tarBlobs struct {
	src     source
	parts   map[string]part
	order   []string
	twice   []string // names that occur twice
	damaged error
}

type part struct {
	offset, size int64
	link         string
}

// indexTar lists the entries of a tar that can be read at any offset.
func indexTar(src source) *tarBlobs {
	t := &tarBlobs{src: src, parts: map[string]part{}}
	r := io.NewSectionReader(src.at(), 0, src.n)
	tr := tar.NewReader(r)
	for len(t.parts) < maxImageParts {
		header, err := tr.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.damaged = err
			}
			break
		}
		offset, err := r.Seek(0, io.SeekCurrent)
		if err != nil {
			t.damaged = err
			break
		}
		p := part{offset: offset, size: header.Size}
		switch header.Typeflag {
		case tar.TypeReg:
		case tar.TypeSymlink:
			p = part{link: path.Join(path.Dir(header.Name), header.Linkname)} //nolint:gosec // looked up in parts, never opened
		case tar.TypeLink:
			p = part{link: path.Clean(header.Linkname)}
		default:
			continue
		}
		name := path.Clean(header.Name)
		if _, twice := t.parts[name]; twice {
			t.twice = append(t.twice, name)
		}
		t.parts[name] = p
		t.order = append(t.order, name)
	}
	return t
}

func (t *tarBlobs) open(name string) (source, func(), error) {
	name = path.Clean(name)
	for range maxLinkHops {
		p, ok := t.parts[name]
		if !ok {
			break
		}
		if p.link != "" {
			name = p.link
			continue
		}
		if p.offset+p.size > t.src.n {
			return t.src.part(p.offset, max(t.src.n-p.offset, 0)), func() {}, nil
		}
		return t.src.part(p.offset, p.size), func() {}, nil
	}
	return source{}, func() {}, errNoBlob
}

// isImage reports a docker save archive or an OCI layout.
func (t *tarBlobs) isImage() bool {
	_, index := t.parts["index.json"]
	_, layout := t.parts["oci-layout"]
	return index && layout || looksSaved(t)
}

// looksSaved reports a docker save manifest: a JSON list whose items name layers.
func looksSaved(b blobs) bool {
	src, done, err := b.open("manifest.json")
	if err != nil {
		return false
	}
	defer done()
	head, err := src.view(0, min(src.n, 1<<20), nil)
	return err == nil && bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("[")) && bytes.Contains(head, []byte(`"Layers"`))
}

// imagePart matches the names that image archives begin with.
var imagePart = lazyregexp.New(`^(blobs(/sha256(/[0-9a-f]{64})?)?|oci-layout|index\.json|manifest\.json|(sha256:)?[0-9a-f]{64}(\.json|\.tar|\.tar\.gz|/.*)?)$`)

// startsImage reports whether the first headers of a tar, of which head is the
// beginning, look like those of an image archive.
func startsImage(head []byte) bool {
	tr := tar.NewReader(bytes.NewReader(head))
	for {
		header, err := tr.Next()
		if err != nil {
			return false
		}
		if name := path.Clean(header.Name); name != "." {
			return imagePart().MatchString(strings.TrimSuffix(name, "/"))
		}
	}
}

// dirBlobs are the files of an image layout directory.
type dirBlobs struct{ root *os.Root }

func (d dirBlobs) open(name string) (source, func(), error) {
	none := func() {}
	file, err := d.root.Open(filepath.FromSlash(path.Clean(name)))
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			err = errNoBlob
		}
		return source{}, none, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is not a file")
	}
	if err != nil {
		_ = file.Close()
		return source{}, none, err
	}
	return source{r: file, n: info.Size()}, func() { _ = file.Close() }, nil
}

// isImage reports an OCI layout or an unpacked docker save archive.
func (d dirBlobs) isImage() bool {
	_, index := d.root.Stat("index.json")
	_, layout := d.root.Stat("oci-layout")
	return index == nil && layout == nil || looksSaved(d)
}

// tracked remembers which parts of an image were used.
type tracked struct {
	blobs
	used map[string]bool
}

func (t tracked) open(name string) (source, func(), error) {
	t.used[path.Clean(name)] = true
	return t.blobs.open(name)
}

// stray reports a part that belongs to no image: not used, and not of a kind
// that image archives have besides, such as the blobs of other platforms.
func (t tracked) stray(name string) bool {
	name = path.Clean(name)
	if t.used[name] || blobPart().MatchString(name) {
		return false
	}
	return !savedPart().MatchString(name)
}

var (
	blobPart  = lazyregexp.New(`^blobs/[a-z0-9]+/[0-9a-f]{32,}$`)
	savedPart = lazyregexp.New(`^(oci-layout|index\.json|manifest\.json|repositories|[0-9a-f]{64}(\.json|\.tar|/(VERSION|json|layer\.tar)))$`)
)
