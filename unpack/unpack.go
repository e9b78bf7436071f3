// Package unpack opens function packages (zip, jar, tar, 7z, rar, compressed
// files, directories, container images, and archives inside them) and offers
// every file in them once, from memory.
//
// It never writes to disk, never follows a link out of the artifact, and never
// executes anything. Whatever it cannot read becomes a gap, and it goes on. It
// does not decide what is risky: the few hygiene findings it reports are about
// the archives themselves, such as one that reads in two ways.
package unpack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/unpack/remote"
)

// Options says what to open and how far to go. The zero value is usable.
type Options struct {
	// Name replaces the artifact's name in paths. Default: the base name of the
	// target, "stdin" for "-".
	Name string
	// Stdin is read when the target is "-".
	Stdin io.Reader
	// Platform chooses from a multi-platform image, as "os/architecture" or
	// "os/architecture/variant". Default "linux/amd64".
	Platform string
	// Limits bounds the walk.
	Limits Limits
	// Layers are the zips of Lambda layers, lowest first, which the function finds
	// unpacked under /opt.
	Layers []string
	// Remote says how to reach a target on a network.
	Remote remote.Options
	// Progress, when set, is told of work: ahead bytes more are to be read, done more
	// were. They are as stored in the artifact itself, estimates, and told from
	// several goroutines.
	Progress func(done, ahead int64)
	// Plan is what Prepare made of a target on a network. Walk makes it if nil.
	Plan *remote.Plan
}

// Result is what Walk learnt besides the files. It is the same for every order
// in which goroutines ran.
type Result struct {
	Artifact fnvet.Artifact
	// Settings are the names and values stated outside files: image environment,
	// labels and history, archive comments. Sorted as the artifact has them.
	Settings []fnvet.Setting
	// Findings are about the archives themselves (see Rules), sorted by path.
	Findings []fnvet.Finding
	// Gaps are what could not be read, sorted by path.
	Gaps []fnvet.Gap
	// Files and Bytes count what was offered, Bytes uncompressed.
	Files int
	Bytes int64
	// Removed tells whether the file offered with that Path and Layer is deleted
	// or replaced by a later layer, and which. Never nil.
	Removed func(path, layer string) (by string, removed bool)
	// Verified tells whether all bytes of the image layer with that digest and
	// DiffID were read, and have that DiffID. Never nil.
	Verified func(layer, diffID string) bool
}

// Walk opens target, finds from its bytes what it is, and calls visit once for
// every file in it, from up to GOMAXPROCS goroutines at a time. File.Data is
// valid only during the call. Target is a file, a directory, "-" for
// Options.Stdin, or what Remote says is on a network.
//
// An error means that there was nothing to walk (no such file or image, or ctx
// was cancelled). Damage inside becomes gaps of the Result, and so do the limits and
// the deadline of ctx; everything that could be read has been visited.
func Walk(ctx context.Context, target string, opts Options, visit func(ctx context.Context, file *fnvet.File)) (*Result, error) {
	w := newWalker(ctx, opts, visit)
	given, err := layerFiles(opts.Layers)
	if err != nil {
		return nil, err
	}
	own, err := w.open(target, opts)
	if err != nil {
		return nil, err
	}
	w.compose(append(own, given...))
	if err := ctx.Err(); err != nil && !isDeadline(ctx) {
		return nil, err
	}
	return w.result(), nil
}

// open finds what target names and walks it. The layers are those of a function
// on a network.
func (w *walker) open(target string, opts Options) ([]*lambdaLayer, error) {
	if opts.Plan != nil || Remote(target) {
		return w.remote(target, opts)
	}
	return nil, w.local(target, opts)
}

// local walks a file, a directory or standard input.
func (w *walker) local(target string, opts Options) error {
	if target == "-" {
		if opts.Stdin == nil {
			return fmt.Errorf("read standard input: none given")
		}
		return w.stream(opts.Stdin, orDefault(opts.Name, "stdin"))
	}
	name := opts.Name
	if name == "" {
		name = baseName(target)
	}
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	w.artifact.Name = name
	if info.IsDir() {
		return w.directory(target, name)
	}
	file, err := os.Open(target)
	if err != nil {
		return err
	}
	defer file.Close()
	if !info.Mode().IsRegular() {
		return w.stream(file, name)
	}
	w.top(source{r: file, n: info.Size()}, name)
	return nil
}

// stream reads r into memory, up to the limit on total bytes, and walks that.
func (w *walker) stream(r io.Reader, name string) error {
	w.artifact.Name = name
	data, err := io.ReadAll(io.LimitReader(&contextReader{w: w, r: r}, w.limits.TotalBytes+1))
	if errors.Is(err, errStopped) {
		return nil
	}
	if err != nil && len(data) == 0 {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if err != nil {
		w.gap(name, fnvet.GapUnreadable, err.Error())
	}
	if int64(len(data)) > w.limits.TotalBytes {
		data = data[:w.limits.TotalBytes]
		w.gap(name, fnvet.GapLimit, "input is over the total limit of "+bytesText(w.limits.TotalBytes))
	}
	w.top(memorySource(data), name)
	return nil
}

func baseName(target string) string {
	if abs, err := filepath.Abs(target); err == nil {
		target = abs
	}
	return filepath.Base(target)
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}
