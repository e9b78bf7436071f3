package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/landlock-lsm/go-landlock/landlock"
	llsyscall "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// Supported reports whether Start works here.
func Supported() bool { return true }

// Descriptors of the child.
const (
	fdIn    = 3
	fdOut   = 4
	fdBoard = 5
)

// maxStderr is how much of a dying child's last words is kept.
const maxStderr = 64 << 10

// A Child is a running child.
type Child struct {
	In    io.WriteCloser // what Join gives as in
	Out   io.ReadCloser  // what Join gives as out
	Board *Board

	cmd    *exec.Cmd
	stderr head
}

// Start runs this program again with args, standard input passed on. The child
// is killed when ctx ends and when this process does.
func Start(ctx context.Context, args []string, stdin io.Reader) (*Child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	memFD, err := unix.MemfdCreate("fnvet-board", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("sandbox board: %w", err)
	}
	boardFile := os.NewFile(uintptr(memFD), "board") // #nosec G115 -- a descriptor
	defer boardFile.Close()
	board, err := mapBoard(boardFile, true)
	if err != nil {
		return nil, err
	}
	childIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, childOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, childIn.Close(), in.Close())
	}
	c := &Child{In: in, Out: out, Board: board}
	c.cmd = exec.CommandContext(ctx, self) // #nosec G204 -- this program itself
	c.cmd.Args = append([]string{os.Args[0]}, args...)
	c.cmd.Env = childEnv(os.Environ())
	c.cmd.Stdin = stdin
	c.cmd.Stderr = &c.stderr
	c.cmd.ExtraFiles = []*os.File{childIn, childOut, boardFile}
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	c.cmd.WaitDelay = time.Second
	err = c.cmd.Start()
	err = errors.Join(err, childIn.Close(), childOut.Close())
	if err != nil {
		return nil, errors.Join(err, in.Close(), out.Close())
	}
	return c, nil
}

// inherited are the variables a child gets: how Go runs, how hosts are reached. A
// pipeline's environment is full of keys, and a child reads hostile bytes.
var inherited = []string{
	"GOCOVERDIR", "GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "TZ",
}

// childEnv is what of an environment a child gets. It is not nil, which would mean
// all of it.
func childEnv(environ []string) []string {
	out := []string{}
	for _, v := range environ {
		if name, _, _ := strings.Cut(v, "="); slices.Contains(inherited, strings.ToUpper(name)) {
			out = append(out, v)
		}
	}
	return out
}

func mapBoard(f *os.File, size bool) (*Board, error) {
	if size {
		if err := f.Truncate(boardSize); err != nil {
			return nil, fmt.Errorf("sandbox board: %w", err)
		}
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, boardSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED) // #nosec G115 -- a descriptor
	if err != nil {
		return nil, fmt.Errorf("sandbox board: %w", err)
	}
	return &Board{mem: mem}, nil
}

// Wait waits for the end. A child that did not exit with status 0 gives a *DeathError.
// The board is gone afterwards.
func (c *Child) Wait() error {
	err := c.cmd.Wait()
	busy := c.Board.Busy()
	closeErr := errors.Join(c.Out.Close(), unix.Munmap(c.Board.mem))
	c.Board = nil
	if err == nil {
		return closeErr
	}
	return &DeathError{How: c.how(err), Busy: busy}
}

// how finds the reason of a death in the exit state and the last words.
func (c *Child) how(err error) string {
	if state := c.cmd.ProcessState; state != nil {
		if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			switch ws.Signal() {
			case syscall.SIGXCPU:
				return "processor time limit"
			case syscall.SIGKILL:
				return "killed"
			default:
				return "signal " + ws.Signal().String()
			}
		}
	}
	words := c.stderr.String()
	for _, known := range [][2]string{
		{"stack exceeds", "stack overflow"},
		{"stack overflow", "stack overflow"},
		{"out of memory", "out of memory"},
		{"cannot allocate memory", "out of memory"},
		{"all goroutines are asleep", "deadlock"},
		{"concurrent map", "data race"},
	} {
		if strings.Contains(words, known[0]) {
			return known[1]
		}
	}
	return err.Error()
}

// Join gives the child its ends of the pipes and the board.
func Join() (in io.Reader, out io.WriteCloser, b *Board, err error) {
	boardFile := os.NewFile(fdBoard, "board")
	if boardFile == nil {
		return nil, nil, nil, errors.New("not started by sandbox.Start")
	}
	defer boardFile.Close()
	if b, err = mapBoard(boardFile, false); err != nil {
		return nil, nil, nil, err
	}
	return os.NewFile(fdIn, "in"), os.NewFile(fdOut, "out"), b, nil
}

// Enter limits this process for good: from here on it may read the files and
// directories named and nothing else, open no connection unless network is
// true, and use no more than the limits. level says what the kernel enforces:
// "landlock N" with the version of its interface, or "process" where the kernel
// has no Landlock and only the limits hold.
func Enter(readable []string, network bool, l Limits) (level string, err error) {
	for _, r := range []struct {
		what  int
		limit uint64
	}{
		{unix.RLIMIT_AS, l.Memory},
		{unix.RLIMIT_CPU, uint64(math.Ceil(l.CPU.Seconds()))},
		{unix.RLIMIT_NOFILE, l.Files},
		{unix.RLIMIT_CORE, 0},
	} {
		if r.limit == 0 && r.what != unix.RLIMIT_CORE {
			continue
		}
		if err := unix.Setrlimit(r.what, &unix.Rlimit{Cur: r.limit, Max: r.limit}); err != nil {
			return "", fmt.Errorf("sandbox limits: %w", err)
		}
	}
	abi, err := llsyscall.LandlockGetABIVersion()
	if err != nil || abi < 1 {
		return "process", nil //nolint:nilerr // a kernel without Landlock is no error; the level says so
	}
	var rules []landlock.Rule
	for _, path := range readable {
		info, err := os.Stat(path) // #nosec G703 -- the paths are the caller's own, only looked at
		switch {
		case err != nil:
			continue
		case info.IsDir():
			rules = append(rules, landlock.RODirs(path))
		default:
			rules = append(rules, landlock.ROFiles(path))
		}
	}
	config := landlock.V8.BestEffort()
	if err := config.RestrictPaths(rules...); err != nil {
		return "", fmt.Errorf("sandbox: %w", err)
	}
	if !network {
		if err := config.RestrictNet(); err != nil {
			return "", fmt.Errorf("sandbox: %w", err)
		}
	}
	return fmt.Sprintf("landlock %d", abi), nil
}

// head keeps the first bytes written to it: a Go program says first why it dies.
type head struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *head) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := maxStderr - t.b.Len(); room > 0 {
		t.b.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (t *head) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}
