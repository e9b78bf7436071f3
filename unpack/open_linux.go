package unpack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// An opener opens what lies below a folder; no name and no link in it leads out.
// It asks the kernel for the whole name at once (openat2, Linux 5.6; a root of Go's
// asks for each part), and falls back on folders where that does not work.
type opener struct {
	folders
	top  int         // descriptor of the folder, -1 without
	lame atomic.Bool // the kernel does not do it
}

func newOpener(root *os.Root, target string) *opener {
	top, err := unix.Open(target, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		top = -1
	}
	return &opener{folders: folders{root: root}, top: top}
}

// open opens a file by its slash-separated name.
func (o *opener) open(name string) (io.ReadCloser, error) {
	if fd, ok := o.descriptor(name, 0); ok {
		return fd, nil
	}
	return o.folders.open(name) // whose error names the file
}

func (o *opener) descriptor(name string, flags uint64) (openFile, bool) {
	if o.top < 0 || o.lame.Load() {
		return 0, false
	}
	fd, err := unix.Openat2(o.top, name, &unix.OpenHow{
		Flags:   flags | unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS,
	})
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) { // an old kernel, a filter of system calls
		o.lame.Store(true)
	}
	return openFile(fd), err == nil
}

// list is as that of folders.
func (o *opener) list(dir string) ([]dirEntry, error) {
	if fd, ok := o.descriptor(dir, unix.O_DIRECTORY); ok {
		list, err := fd.entries()
		_ = fd.Close()
		if err == nil {
			return list, nil
		}
	}
	return o.folders.list(dir)
}

func (o *opener) close() {
	o.folders.close()
	if o.top >= 0 {
		_ = unix.Close(o.top)
	}
}

// An openFile is a descriptor of a file or folder, which never waits.
type openFile int

func (f openFile) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, err := unix.Read(int(f), p)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

func (f openFile) Close() error { return unix.Close(int(f)) }

// entries reads a folder. See getdents64(2) for the form: inode, offset, length of
// the record, type, name.
func (f openFile) entries() ([]dirEntry, error) {
	const typeAt, nameAt = 18, 19
	var list []dirEntry
	var room [8 << 10]byte
	for {
		n, err := unix.Getdents(int(f), room[:])
		if err != nil || n <= 0 {
			return list, err
		}
		for buf := room[:n]; len(buf) > nameAt; {
			size := int(binary.NativeEndian.Uint16(buf[16:]))
			if size <= nameAt || size > len(buf) {
				return nil, fs.ErrInvalid
			}
			text, _, _ := bytes.Cut(buf[nameAt:size], []byte{0})
			kind := buf[typeAt]
			buf = buf[size:]
			if name := string(text); name != "." && name != ".." {
				list = append(list, f.entry(name, kind))
			}
		}
	}
}

// entry tells what a name in a folder is, or why that is not known: it may be gone.
func (f openFile) entry(name string, kind byte) dirEntry {
	if kind == unix.DT_DIR {
		return dirEntry{name: name, mode: fs.ModeDir}
	}
	var st unix.Stat_t
	err := unix.Fstatat(int(f), name, &st, unix.AT_SYMLINK_NOFOLLOW)
	return dirEntry{name: name, mode: fileMode(st.Mode), size: st.Size, err: err}
}

func fileMode(m uint32) fs.FileMode {
	mode := fs.FileMode(m & 0o777)
	for _, bit := range []struct {
		is   bool
		mode fs.FileMode
	}{
		{m&unix.S_ISUID != 0, fs.ModeSetuid}, {m&unix.S_ISGID != 0, fs.ModeSetgid}, {m&unix.S_ISVTX != 0, fs.ModeSticky},
		{m&unix.S_IFMT == unix.S_IFDIR, fs.ModeDir}, {m&unix.S_IFMT == unix.S_IFLNK, fs.ModeSymlink},
		{m&unix.S_IFMT == unix.S_IFIFO, fs.ModeNamedPipe}, {m&unix.S_IFMT == unix.S_IFSOCK, fs.ModeSocket},
		{m&unix.S_IFMT == unix.S_IFBLK, fs.ModeDevice}, {m&unix.S_IFMT == unix.S_IFCHR, fs.ModeDevice | fs.ModeCharDevice},
	} {
		if bit.is {
			mode |= bit.mode
		}
	}
	return mode
}
