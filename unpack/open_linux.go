package unpack

import (
	"io"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// An opener opens files below a folder, which no name and no link in it leads out
// of. It asks the kernel for the whole name at once (openat2, Linux 5.6; a root of
// Go's asks for each part), and falls back on folders where that does not work.
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

func (o *opener) open(name string) (io.ReadCloser, error) {
	if o.top >= 0 && !o.lame.Load() {
		fd, err := unix.Openat2(o.top, name, &unix.OpenHow{
			Flags:   unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY,
			Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS,
		})
		switch err { //nolint:errorlint // an errno as it is
		case nil:
			return openFile(fd), nil
		case unix.ENOSYS, unix.EPERM: // an old kernel, a filter of system calls
			o.lame.Store(true)
		}
	}
	return o.folders.open(name) // whose error names the file
}

func (o *opener) close() {
	o.folders.close()
	if o.top >= 0 {
		_ = unix.Close(o.top)
	}
}

// An openFile is an open file that never waits: one of a disk.
type openFile int

func (f openFile) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, err := unix.Read(int(f), p)
		switch {
		case err == unix.EINTR: //nolint:errorlint // an errno as it is
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
