package main

import (
	"context"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/inject"
	"github.com/fnvet/fnvet/posture"
	"github.com/fnvet/fnvet/posture/data"
	"github.com/fnvet/fnvet/sandbox"
	"github.com/fnvet/fnvet/scan"
	"github.com/fnvet/fnvet/secrets"
	"github.com/fnvet/fnvet/unpack"
)

// walkCommand is the hidden command a scan starts itself with.
const walkCommand = "walk-in-sandbox"

// Limits of the child. Memory is address space, of which a Go program reserves
// far more than it uses.
const (
	sandboxMemory = 16 << 30
	sandboxFiles  = 4096
	// grace is how long a child may take to report after its own time limit.
	grace = 20 * time.Second
)

// A walkRequest is what a parent asks of a child.
type walkRequest struct {
	Target     string
	Unpack     unpack.Options
	Only, Skip []string
	Inventory  bool
	Timeout    time.Duration
	Key        []byte // of Secret.Hash
	// SecretRules are the user's own, in gitleaks' form.
	SecretRules string
	// InjectRules are the user's own sources, sinks and sanitisers.
	InjectRules string
	// Day is what expiries of tokens are judged by; whole days, so that a cached
	// layer stays valid for one.
	Day     time.Time
	Offline bool
	// Cached says that the parent answers questions for layers. Senders keeps those of
	// artifacts apart that may come from others; "" for all.
	Cached  bool
	Senders string
	Handler string // the function's, or "" for what configuration and conventions say
	// Templates are those outside the target.
	Templates []givenTemplate
	// Policies asks for nothing but the policies that the functions need.
	Policies bool
	Prices   []byte    // a price file, or nil
	Now      time.Time // to judge ends of support by

	keeper scan.Keeper // of the cache of layers, or nil; each process has its own
}

// A walkMessage is one word of a child: a part, a question, or the end.
type walkMessage struct {
	Part *scan.Part
	Want []byte // id of an entry of the cache; answered by a walkAnswer
	End  *scan.Harvest
	Err  *walkError
}

// A walkError is an error that crosses from child to parent.
type walkError struct {
	Text    string
	NoEntry bool // errors.Is(err, os.ErrNotExist)
}

func (e *walkError) Error() string { return e.Text }

// Is lets a caller ask for os.ErrNotExist.
func (e *walkError) Is(target error) bool { return e.NoEntry && target == os.ErrNotExist }

// config is what the request comes to, in the child or without one.
func (q *walkRequest) config() (scan.Config, error) {
	wants, err := wanted(q.Only, q.Skip)
	if err != nil {
		return scan.Config{}, err
	}
	c := scan.Config{Unpack: q.Unpack, Wants: wants, Timeout: q.Timeout}
	if q.Inventory {
		c.Steps = inventory()
		return c, nil
	}
	if q.Policies {
		given, err := q.given()
		if err != nil {
			return scan.Config{}, err
		}
		c.Steps = policySteps(posture.Options{Given: given})
		return c, nil
	}
	finder, err := q.finder()
	if err != nil {
		return scan.Config{}, err
	}
	c.Settings = finder
	c.Cache = q.cache()
	injector, err := inject.New(inject.Options{Handler: q.Handler, Rules: []byte(q.InjectRules)})
	if err != nil {
		return scan.Config{}, fmt.Errorf("--inject-rules: %w", err)
	}
	given, err := q.given()
	if err != nil {
		return scan.Config{}, err
	}
	o := posture.Options{Given: given, Now: q.Now, Secrets: finder, NoCode: !wants(fnvet.ConfigKind)}
	if q.Prices != nil {
		if o.Prices, err = data.ParsePrices(q.Prices); err != nil {
			return scan.Config{}, err
		}
	}
	c.Steps = steps(finder, injector, q.Handler, o)
	return c, nil
}

func (q *walkRequest) finder() (*secrets.Scanner, error) {
	return secrets.New(secrets.Options{Key: q.Key, Rules: q.SecretRules, Now: q.Day})
}

// startFinder builds the secret search beside what else there is to do: it masks
// what a report quotes, so that every report needs it, but only at its end.
func (q *walkRequest) startFinder() func() (*secrets.Scanner, error) {
	build := sync.OnceValues(q.finder)
	go func() { _, _ = build() }() // an error is told to whoever asks
	return build
}

// judging is what follows the walk, without the secret search. A file of rules
// that does not parse is an error before anything is walked.
func (q *walkRequest) judging() (scan.Config, error) {
	wants, err := wanted(q.Only, q.Skip)
	if err != nil {
		return scan.Config{}, err
	}
	if q.InjectRules != "" {
		if _, err := inject.New(inject.Options{Rules: []byte(q.InjectRules)}); err != nil {
			return scan.Config{}, fmt.Errorf("--inject-rules: %w", err)
		}
	}
	return scan.Config{Wants: wants}, nil
}

// collect walks the target, in a sandboxed child where that works and is wanted.
func (c *cli) collect(ctx context.Context, q walkRequest, sandboxed bool) (*scan.Harvest, error) {
	if q.Offline && unpack.Remote(q.Target) {
		return nil, fmt.Errorf("%s is on a network, and --offline forbids using it", q.Target)
	}
	var err error
	// Credentials are looked up here: a child that reads hostile bytes sees none
	// but those for this target.
	if q.Unpack, err = unpack.Prepare(ctx, q.Target, q.Unpack); err != nil {
		return nil, err
	}
	if sandboxed && sandbox.Supported() {
		return c.collectInChild(ctx, q)
	}
	config, err := q.config()
	if err != nil {
		return nil, err
	}
	config.Unpack.Stdin = c.stdin
	count := &tally{}
	config.Watch, config.Walked = count, c.pacer.Relax
	m := c.startMeter(q.Target, count)
	defer m.stop()
	return scan.Collect(ctx, q.Target, config)
}

func (c *cli) collectInChild(ctx context.Context, q walkRequest) (*scan.Harvest, error) {
	childCtx, kill := context.WithCancel(ctx)
	defer kill()
	if q.Timeout > 0 {
		childCtx, kill = context.WithTimeout(childCtx, q.Timeout+grace)
		defer kill()
	}
	var stdin io.Reader
	if q.Target == "-" {
		stdin = c.stdin
	}
	child, err := sandbox.Start(childCtx, []string{walkCommand}, stdin)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	started := time.Now()
	m := c.startMeter(q.Target, child.Board)
	harvest, err := converse(childCtx, child, q)
	m.stop()
	late := childCtx.Err() != nil
	if errors.Is(err, errAsked) {
		kill()
	}
	died := child.Wait()
	late = late || childCtx.Err() != nil && !errors.Is(err, errAsked)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if harvest.Started.IsZero() {
		harvest.Started = started
	}
	if _, told := errors.AsType[*walkError](err); told {
		return nil, err
	}
	if death, ok := errors.AsType[*sandbox.DeathError](died); ok {
		bury(harvest, q, death, late)
		return harvest, nil
	}
	return harvest, errors.Join(err, died)
}

// converse sends the request, answers questions and takes what the child finds until
// the end or its death. What came before is in the harvest either way.
func converse(ctx context.Context, child *sandbox.Child, q walkRequest) (*scan.Harvest, error) {
	var parts []scan.Part
	h := &scan.Harvest{}
	defer child.In.Close()
	q.Cached = q.keeper != nil
	cache := &layerServer{keeper: q.keeper, out: gob.NewEncoder(child.In)}
	if err := cache.out.Encode(q); err != nil {
		return h, err
	}
	answers := gob.NewDecoder(child.Out)
	for {
		var m walkMessage
		err := answers.Decode(&m)
		switch {
		case err != nil:
			h.Parts = parts
			return h, fmt.Errorf("sandbox: %w", err)
		case m.Err != nil:
			return h, m.Err
		case m.Want != nil:
			if err := cache.answer(ctx, m.Want); err != nil {
				h.Parts = parts
				return h, fmt.Errorf("sandbox: %w", err)
			}
		case m.Part != nil:
			parts = append(parts, *m.Part)
		case m.End != nil:
			m.End.Parts = parts
			return m.End, nil
		}
	}
}

// bury completes the harvest of a child that died: what it was at work on is a
// gap each, and the artifact is described from outside.
func bury(h *scan.Harvest, q walkRequest, d *sandbox.DeathError, late bool) {
	h.Fresh = nil // it may have been wrong before it died
	name := q.Unpack.Name
	if name == "" {
		name = filepath.Base(q.Target)
	}
	if h.Artifact.Name == "" {
		h.Artifact = fnvet.Artifact{Name: name, Type: "unknown"}
		h.Artifact.Digest, h.Artifact.Size = digestOf(q.Target)
	}
	how, reason := d.How, fnvet.GapFailed
	if late {
		how, reason = "the time limit (--timeout) was reached", fnvet.GapLimit
	}
	busy := d.Busy
	if len(busy) == 0 {
		busy = []string{name}
	}
	for _, at := range busy {
		path, step, _ := strings.Cut(at, " (step ")
		detail := "the sandboxed scan ended here: " + how
		if step != "" {
			detail += " in step " + strings.TrimSuffix(step, ")")
		}
		h.Gaps = append(h.Gaps, fnvet.Gap{Path: path, Reason: reason, Detail: detail + "; only what was found before is reported"})
	}
}

// digestOf is the digest and size of a regular file, else empty.
func digestOf(path string) (string, int64) {
	f, err := os.Open(path) // #nosec G304 -- the user names the file
	if err != nil {
		return "", 0
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", 0
	}
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		return "", 0
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), n
}

// walkInSandbox is the child's side.
func (c *cli) walkInSandbox() *cobra.Command {
	return &cobra.Command{
		Use: walkCommand, Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, out, board, err := sandbox.Join()
			if err != nil {
				return err
			}
			var q walkRequest
			words := gob.NewDecoder(in)
			if err := words.Decode(&q); err != nil {
				return err
			}
			var mu sync.Mutex
			answers := gob.NewEncoder(out)
			say := func(m walkMessage) error {
				mu.Lock()
				defer mu.Unlock()
				return answers.Encode(m)
			}
			if q.Cached {
				q.keeper = &layerAsker{ask: say, in: words}
			}
			h, err := c.confined(cmd.Context(), q, board, func(p scan.Part) {
				// A parent that went away kills this process.
				_ = say(walkMessage{Part: &p})
			})
			if err != nil {
				return say(walkMessage{Err: &walkError{Text: err.Error(), NoEntry: errors.Is(err, os.ErrNotExist)}})
			}
			return errors.Join(say(walkMessage{End: h}), out.Close())
		},
	}
}

// confined restricts this process and walks the target in it.
func (c *cli) confined(ctx context.Context, q walkRequest, board *sandbox.Board, emit func(scan.Part)) (*scan.Harvest, error) {
	config, err := q.config()
	if err != nil {
		return nil, err
	}
	config.Unpack.Stdin = c.stdin
	config.Watch, config.Walked = board, c.pacer.Relax
	readable, network := unpack.Needs(q.Target, q.Unpack)
	readable = append(readable, q.readableFolders()...)
	level, err := sandbox.Enter(readable, network, sandbox.Limits{
		Memory: sandboxMemory, Files: sandboxFiles,
		CPU: (q.Timeout + grace) * time.Duration(runtime.GOMAXPROCS(0)),
	})
	if err != nil {
		return nil, err
	}
	h, err := scan.Stream(ctx, q.Target, config, emit)
	if err != nil {
		return nil, err
	}
	h.Sandbox = level
	return h, nil
}
