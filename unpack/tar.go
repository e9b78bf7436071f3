package unpack

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/fnvet/fnvet"
)

// A tarWalk reads one tar from front to back. Damage does not end it: it looks
// for the next header, as the tools that a package might be unpacked with do.
type tarWalk struct {
	w    *walker
	sc   *scope
	in   *tarInput
	crew crew
	seen map[string]int64 // size of each file so far, to find duplicates
	hard hardLinks
}

// tarInput counts what was read, so that reading can go on at a block boundary.
type tarInput struct {
	r   io.Reader
	n   int64
	err error // of r, not io.EOF
}

func (t *tarInput) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		t.err = err
	}
	return n, err
}

// tar offers the files of the tar that r holds, up to the end of r. again opens
// the same bytes anew, for the content of hard links.
func (w *walker) tar(sc *scope, r io.Reader, again reopen) {
	t := &tarWalk{w: w, sc: sc, in: &tarInput{r: r}, crew: crew{w: w}, seen: map[string]int64{}}
	defer t.crew.wg.Wait()
	t.all()
	t.relink(again)
}

// all offers the entries, also those after damage.
func (t *tarWalk) all() {
	w, sc := t.w, t.sc
	rest := io.Reader(t.in)
	for {
		err := t.run(tar.NewReader(rest))
		if t.in.err != nil {
			w.damage(sc.where(w), t.in.err)
			return
		}
		if err != nil {
			w.damage(sc.where(w), err)
		}
		if errors.Is(err, errLimit) || errors.Is(err, errStopped) || errors.Is(err, io.ErrUnexpectedEOF) {
			return
		}
		block, found := t.resync()
		if !found {
			return
		}
		w.findingAs(fnvet.High, ambiguousArchive, sc, sc.where(w), "tar entries after the end of the archive or after damage")
		rest = io.MultiReader(bytes.NewReader(block), t.in)
	}
}

// resync reads on to the next block that is a header.
func (t *tarWalk) resync() (block []byte, found bool) {
	if odd := t.in.n % tarBlock; odd != 0 {
		if _, err := io.CopyN(io.Discard, t.in, tarBlock-odd); err != nil {
			return nil, false
		}
	}
	block = make([]byte, tarBlock)
	for !t.w.stopped() {
		if _, err := io.ReadFull(t.in, block); err != nil {
			if t.in.err != nil {
				t.w.damage(t.sc.where(t.w), t.in.err)
			}
			return nil, false
		}
		if isTarHeader(block) {
			return block, true
		}
	}
	return nil, false
}

// run offers the entries up to the end of the archive (nil) or the first error.
func (t *tarWalk) run(tr *tar.Reader) error {
	for {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if t.w.chargeEntries(1) == 0 {
			return errLimit
		}
		if err := t.entry(tr, header); err != nil {
			return err
		}
	}
}

// entry offers one entry.
func (t *tarWalk) entry(tr *tar.Reader, header *tar.Header) error {
	mode := header.FileInfo().Mode()
	name := header.Name
	if t.sc.tree != nil && t.sc.tree.note(name, header.Typeflag == tar.TypeDir) && header.Size == 0 {
		return nil // a whiteout; one with content is offered all the same
	}
	switch header.Typeflag {
	case tar.TypeReg, tar.TypeRegA, tar.TypeGNUSparse, tar.TypeCont: //nolint:staticcheck // old archives have TypeRegA
		return t.file(tr, header, mode)
	case tar.TypeSymlink, tar.TypeLink:
		t.link(header)
	case tar.TypeDir:
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		if !t.sc.image {
			clean := t.w.clean(t.sc, name)
			t.w.finding(specialFile, t.sc, t.sc.path(clean), mode.Type().String())
		}
	default:
		if header.Size > 0 {
			return t.file(tr, header, mode)
		}
	}
	return nil
}

// link offers a symbolic link, or a hard link as one to the root of the archive.
func (t *tarWalk) link(header *tar.Header) {
	target := header.Linkname
	clean, _ := cleanName(header.Name, t.sc.windows, t.sc.image)
	if header.Typeflag == tar.TypeLink {
		linked, why := cleanName(target, t.sc.windows, t.sc.image)
		if t.sc.tree != nil {
			t.sc.tree.link(clean, linked)
		}
		if why != "" {
			t.w.findingAs(fnvet.High, unsafeLink, t.sc, t.sc.path(clean), "hard link to "+quoted(target))
		}
		if t.hard.want(clean, linked, header.Name) {
			return // offered with its content in the end
		}
		target = "/" + linked
	} else {
		t.w.checkLink(t.sc, clean, target)
	}
	t.w.offer(t.sc, symlink(header.Name, target))
}

func symlink(name, target string) entry {
	return entry{name: name, mode: fs.ModeSymlink | 0o777, link: target}
}

// checkLink notes a symbolic link that leads out of a package. In an image every
// link stays inside, because the image is the whole file system.
func (w *walker) checkLink(sc *scope, name, target string) {
	if sc.image {
		return
	}
	if escapes(slashes(target)) && (strings.HasPrefix(target, "/") || drive(target, sc.windows)) ||
		climbs(path.Join("x", path.Dir(name))[1:]+"/"+slashes(target)) {
		w.finding(unsafeLink, sc, sc.path(name), "link to "+quoted(target))
	}
}

// file reads one regular file and hands it to the crew.
func (t *tarWalk) file(tr *tar.Reader, header *tar.Header, mode fs.FileMode) error {
	clean, _ := cleanName(header.Name, t.sc.windows, t.sc.image)
	where := t.sc.path(clean)
	if !t.w.fits(where, header.Size) {
		return nil
	}
	sparse := header.Typeflag == tar.TypeGNUSparse || header.PAXRecords["GNU.sparse.map"] != "" ||
		header.PAXRecords["GNU.sparse.major"] != ""
	if sparse && !t.w.charge(t.sc, header.Size) {
		return nil
	}
	t.duplicate(clean, header.Size)
	lease := t.w.mem.acquire(min(header.Size, 1<<20), t.sc.depth)
	mine := true // until the crew has it; a decoder below tr may panic
	defer func() {
		if mine {
			t.w.mem.release(&lease)
		}
	}()
	data, err := t.w.readAll(&lease, tr, min(header.Size, 1<<20), header.Size, where)
	if err != nil && !errors.Is(err, errLimit) && !errors.Is(err, errStopped) {
		t.w.gap(where, fnvet.GapUnreadable, "cut off after "+itoa(len(data))+" of "+itoa(int(header.Size))+" bytes")
	}
	t.hard.file(clean, data)
	mine = false
	t.crew.do(func() {
		defer t.w.mem.release(&lease)
		t.w.offer(t.sc, entry{name: header.Name, mode: mode & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky), data: data})
	})
	return err
}

// duplicate notes a second file of the same name: which one wins depends on the
// tool. Layers of an image are extracted by one rule, the last.
func (t *tarWalk) duplicate(name string, size int64) {
	if t.sc.image {
		return
	}
	if before, twice := t.seen[name]; twice {
		t.w.findingAs(fnvet.Medium, ambiguousArchive, t.sc, t.sc.path(name),
			"the name occurs twice, with "+itoa(int(before))+" and "+itoa(int(size))+" bytes")
	}
	t.seen[strings.Clone(name)] = size
}
