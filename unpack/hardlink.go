package unpack

import (
	"archive/tar"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/fnvet/fnvet"
)

// reopen opens the bytes of a tar once more. done is never nil.
type reopen func() (r io.Reader, done func(), err error)

// hardLinks are the hard links of one tar that name a file otherwise than it was
// named first, as in an image whose packages are links into the store of a package
// manager. What a file is can depend on its name, so such links are offered like
// files, with the content, for which the tar is read a second time. Others are
// offered as symbolic links: under the same base name the content has been seen,
// and programs and time zones, which have many names in every image, are the same
// under all of them.
type hardLinks struct {
	dull   map[string]struct{} // files that need no second name, by clean name
	first  map[string]string   // link to the file it is of
	wanted map[string][]link   // by clean name of the file
	count  int
}

// A link is a hard link by its clean and its stored name.
type link struct{ clean, raw string }

const maxHardLinks = 200_000

// file notes a regular file.
func (h *hardLinks) file(clean string, data []byte) {
	for _, magic := range []string{"\x7fELF", "MZ", "TZif", "\xcf\xfa\xed\xfe", "#!"} {
		if has(data, magic) || len(data) == 0 {
			if h.dull == nil {
				h.dull = map[string]struct{}{}
			}
			h.dull[strings.Clone(clean)] = struct{}{}
			return
		}
	}
}

// want notes that a link should be offered with the content of the file, and
// reports whether it will be.
func (h *hardLinks) want(clean, target, raw string) bool {
	if first, ok := h.first[target]; ok {
		target = first
	}
	_, dull := h.dull[target]
	base := path.Base(clean)
	if dull || clean == target || base == path.Base(target) || !strings.Contains(base, ".") || h.count >= maxHardLinks {
		return false
	}
	if h.first == nil {
		h.first, h.wanted = map[string]string{}, map[string][]link{}
	}
	h.first[clean] = target
	h.wanted[target] = append(h.wanted[target], link{clean, raw})
	h.count++
	return true
}

// relink reads the tar again and offers the wanted links as files. A link whose
// file is not in the tar is offered as a symbolic link.
func (t *tarWalk) relink(again reopen) {
	if len(t.hard.wanted) == 0 || t.w.stopped() {
		return
	}
	t.crew.wg.Wait() // the links come after all files
	r, done, err := again()
	defer done()
	if err == nil {
		err = t.readLinks(tar.NewReader(&chargedReader{w: t.w, sc: t.sc, r: r}))
	}
	if err != nil && !errors.Is(err, errLimit) && !errors.Is(err, errStopped) {
		t.w.gap(t.sc.where(t.w), fnvet.GapUnreadable, "the content of hard links could not be read again: "+reason(err))
	}
	for target, links := range t.hard.wanted {
		for _, l := range links {
			t.w.offer(t.sc, symlink(l.raw, "/"+target))
		}
	}
}

// readLinks offers the links of the files of tr, and takes them off the list.
func (t *tarWalk) readLinks(tr *tar.Reader) error {
	for len(t.hard.wanted) > 0 {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		clean, _ := cleanName(header.Name, t.sc.windows, t.sc.image)
		links := t.hard.wanted[clean]
		if len(links) == 0 || header.Typeflag != tar.TypeReg || !t.w.fits(t.sc.path(clean), header.Size) {
			continue
		}
		delete(t.hard.wanted, clean)
		if err := t.readLink(tr, header, links); err != nil {
			return err
		}
	}
	return nil
}

// readLink offers one file under the names of its links.
func (t *tarWalk) readLink(tr *tar.Reader, header *tar.Header, links []link) error {
	hint := min(header.Size, 1<<20)
	lease := t.w.mem.acquire(hint, t.sc.depth)
	defer t.w.mem.release(&lease)
	data, err := t.w.readAll(&lease, tr, hint, header.Size, t.sc.path(links[0].clean))
	if err != nil {
		return err
	}
	for _, l := range links {
		if !t.w.charge(t.sc, header.Size) {
			return errLimit
		}
		t.w.offer(t.sc, entry{name: l.raw, mode: header.FileInfo().Mode().Perm(), data: data})
	}
	return nil
}
