package unpack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/fnvet/fnvet"
)

// A dirEntry is one file or link of a directory target.
type dirEntry struct {
	name string // slash-separated
	mode fs.FileMode
	size int64
	err  error  // why mode and size are not known
	line string // what the tree digest covers
}

// directory walks the tree at target. Links are offered and not followed: what
// they point at inside the tree is walked anyway.
func (w *walker) directory(target, name string) error {
	root, err := os.OpenRoot(target)
	if err != nil {
		return err
	}
	defer root.Close()
	w.artifact.Type, w.root.path = "directory", name
	files := newOpener(root, target)
	defer files.close()
	entries := w.listDirectory(files)
	sc := &scope{meter: w.root}
	if parts := (dirBlobs{root}); parts.isImage() {
		used := w.image(parts)
		entries = slices.DeleteFunc(entries, func(e dirEntry) bool { return !used.stray(e.name) })
		w.expect(entries)
		w.parallel(len(entries), func(i int) { w.guard(sc, func() { w.dirFile(sc, root, files, &entries[i]) }) })
		return nil
	}
	w.expect(entries)
	w.parallel(len(entries), func(i int) { w.guard(sc, func() { w.dirFile(sc, root, files, &entries[i]) }) })
	sum := sha256.New()
	for i := range entries {
		w.artifact.Size += entries[i].size
		fmt.Fprintf(sum, "%s\n", entries[i].line)
	}
	w.artifact.Digest = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	return nil
}

// expect tells the walk's progress what is ahead.
func (w *walker) expect(entries []dirEntry) {
	total := int64(0)
	for i := range entries {
		total += entries[i].size
	}
	w.progress(0, total)
}

// listDirectory returns the files and links under the folder, sorted by name.
func (w *walker) listDirectory(files *opener) []dirEntry {
	var entries []dirEntry
	w.listFolder(files, ".", &entries)
	slices.SortFunc(entries, func(a, b dirEntry) int { return strings.Compare(a.name, b.name) })
	return entries
}

// listFolder appends what is in a folder and below it; false ends the listing.
func (w *walker) listFolder(files *opener, dir string, entries *[]dirEntry) bool {
	list, err := files.list(dir)
	if err != nil {
		w.gap(dir, fnvet.GapUnreadable, reason(err))
	}
	slices.SortFunc(list, func(a, b dirEntry) int { return strings.Compare(a.name, b.name) })
	for i := range list {
		e := &list[i]
		if dir != "." {
			e.name = dir + "/" + e.name
		}
		switch {
		case w.stopped():
			return false
		case e.err != nil:
			w.gap(e.name, fnvet.GapUnreadable, reason(e.err))
		case e.mode.IsDir():
			if !w.listFolder(files, e.name, entries) {
				return false
			}
		case !e.mode.IsRegular() && e.mode&fs.ModeSymlink == 0:
			w.finding(specialFile, &scope{}, e.name, e.mode.Type().String())
		case w.chargeEntries(1) == 0:
			return false
		default:
			*entries = append(*entries, *e)
		}
	}
	return true
}

// dirFile reads and offers one entry.
func (w *walker) dirFile(sc *scope, root *os.Root, files *opener, e *dirEntry) {
	if e.mode&fs.ModeSymlink != 0 {
		w.dirLink(sc, root, e)
		return
	}
	defer w.progress(e.size, 0)
	e.line = fmt.Sprintf("%q unread", e.name)
	if !w.fits(e.name, e.size) || !w.charge(sc, e.size) {
		return
	}
	file, err := files.open(e.name)
	if err != nil {
		w.gap(e.name, fnvet.GapUnreadable, reason(err))
		return
	}
	defer file.Close()
	lease := w.mem.acquire(e.size, sc.depth)
	defer w.mem.release(&lease)
	data, err := w.readAll(&lease, &beyond{w: w, sc: sc, r: file, free: e.size}, e.size, e.size, e.name)
	if err != nil {
		w.damage(e.name, err)
	}
	e.line = fmt.Sprintf("%q %o %x", e.name, e.mode.Perm()&0o111, sha256.Sum256(data))
	w.offer(sc, entry{name: e.name, mode: e.mode.Perm() | e.mode&(fs.ModeSetuid|fs.ModeSetgid), data: data})
}

// maxFolders is how many folders of a directory target are held open at once.
const maxFolders = 8

// folders opens files by way of their folders, a few of which it holds open: a
// root walks every name from the top, one system call for each part, and entries
// come folder by folder. What is opened stays inside root.
type folders struct {
	root *os.Root

	mu   sync.Mutex
	held []*folder // the one used last comes last
}

// A folder is closed when nobody uses it and it is held no more.
type folder struct {
	name string
	root *os.Root
	uses int // by held, and by every open under way
}

// open opens the file with a slash-separated name.
func (f *folders) open(name string) (*os.File, error) {
	dir, base := path.Split(name)
	if dir == "" {
		return f.root.Open(base)
	}
	d, err := f.take(strings.TrimSuffix(dir, "/"))
	if err != nil {
		return f.root.Open(filepath.FromSlash(name)) // whose error names the file
	}
	defer f.release(d)
	return d.root.Open(base)
}

// list gives the entries of a folder by their names in it, with what could be read
// where there is an error.
func (f *folders) list(dir string) ([]dirEntry, error) {
	list, err := fs.ReadDir(f.root.FS(), dir)
	entries := make([]dirEntry, len(list))
	for i, d := range list {
		entries[i] = dirEntry{name: d.Name(), mode: d.Type()}
		if d.Type().IsRegular() || d.Type() == fs.ModeSymlink {
			if info, err := d.Info(); err != nil {
				entries[i].err = err
			} else {
				entries[i].mode, entries[i].size = info.Mode(), info.Size()
			}
		}
	}
	return entries, err
}

func (f *folders) take(name string) (*folder, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.held, func(d *folder) bool { return d.name == name })
	if i >= 0 {
		d := f.held[i]
		d.uses++
		f.held = append(slices.Delete(f.held, i, i+1), d)
		return d, nil
	}
	root, err := f.root.OpenRoot(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	d := &folder{name: name, root: root, uses: 2}
	if f.held = append(f.held, d); len(f.held) > maxFolders {
		f.drop(f.held[0])
		f.held = slices.Delete(f.held, 0, 1)
	}
	return d, nil
}

func (f *folders) release(d *folder) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(d)
}

// drop ends one use.
func (f *folders) drop(d *folder) {
	if d.uses--; d.uses == 0 {
		_ = d.root.Close()
	}
}

func (f *folders) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.held {
		f.drop(d)
	}
	f.held = nil
}

// dirLink offers a link, and notes one that leads out of the tree: a packaging
// tool that follows links would ship what was not scanned here.
func (w *walker) dirLink(sc *scope, root *os.Root, e *dirEntry) {
	target, err := root.Readlink(filepath.FromSlash(e.name))
	if err != nil {
		w.gap(e.name, fnvet.GapUnreadable, reason(err))
		return
	}
	e.size = 0
	e.line = fmt.Sprintf("%q -> %q", e.name, target)
	slash := filepath.ToSlash(target)
	if filepath.IsAbs(target) || climbs(filepath.ToSlash(filepath.Dir(e.name))+"/"+slash) {
		w.finding(unsafeLink, sc, e.name, "link to "+quoted(slash))
		w.gap(e.name, fnvet.GapUnsafePath, "a link out of the directory is not followed")
	}
	w.offer(sc, entry{name: e.name, mode: fs.ModeSymlink | 0o777, link: slash})
}

// reason is the error without the path, which the gap has.
func reason(err error) string {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathError.Err
	}
	if errors.Is(err, context.Canceled) {
		return "stopped"
	}
	return err.Error()
}
