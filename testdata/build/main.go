// Command build makes the test data of this repository: the function packages
// of testdata/packages and the small advisory database of testdata/osv.
//
// Usage:
//
//	go run ./testdata/build [-offline] [-testdata DIR] [-bootstrap DIR]
//
// Third-party files come from the ordinary package registries through their own
// clients (npm, pip, mvn), in pinned versions whose digests are checked; our own
// come from testdata/src and testdata/advisories. Entries are sorted and carry
// one fixed time, so that a rebuild gives the same bytes. MANIFEST.json tells
// every file's digest and where each third-party file came from.
//
// With -offline no client is run: third-party files are taken out of the
// packages that are there already and checked against the manifest. With
// -bootstrap the Go function of testdata/gofn is compiled too and put into
// DIR/bootstrap.zip, which is not meant to be committed.
//
// It does not scan anything and is no part of fnvet.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "build: error:", err)
		os.Exit(1) //nolint:forbidigo // this is a main
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	offline := flags.Bool("offline", false, "take third-party files from the packages that are there")
	dir := flags.String("testdata", "testdata", "the testdata `directory`")
	bootstrap := flags.String("bootstrap", "", "also compile testdata/gofn into bootstrap.zip in this `directory`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var src source
	if *offline {
		replay, err := openReplay(*dir)
		if err != nil {
			return err
		}
		src = replay
	} else {
		work, err := os.MkdirTemp("", "fnvet-testdata-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(work) }()
		src = &registries{work: work, own: *dir}
	}
	files, err := buildAll(ctx, *dir, src)
	if err != nil {
		return err
	}
	if err := writeAll(*dir, files); err != nil {
		return err
	}
	if *bootstrap != "" {
		return buildBootstrap(ctx, *dir, *bootstrap)
	}
	return nil
}

// buildAll returns everything the builder makes, by path in testdata.
func buildAll(ctx context.Context, dir string, src source) (map[string][]byte, error) {
	k := &kitchen{ctx: ctx, dir: dir, src: src, used: map[usedFile]string{}}
	out := map[string][]byte{}
	m := manifest{Origins: origins()}
	for _, r := range recipes() {
		k.secrets = nil
		data, err := r.make(k)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.file, err)
		}
		path := "packages/" + r.file
		out[path] = data
		m.Packages = append(m.Packages, packageEntry{File: path, SHA256: digest(data), Size: len(data), Secrets: k.secrets})
	}
	m.Files = k.files()
	osv, err := buildOSV(filepath.Join(dir, "advisories"))
	if err != nil {
		return nil, err
	}
	for _, f := range osv {
		out["osv/"+f.name] = f.data
		m.OSV = append(m.OSV, osvEntry{File: "osv/" + f.name, SHA256: digest(f.data), Size: len(f.data)})
	}
	text, err := m.encode()
	if err != nil {
		return nil, err
	}
	out[manifestName] = text
	return out, nil
}

func writeAll(dir string, files map[string][]byte) error {
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // part of the repository
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil { //nolint:gosec // part of the repository
			return err
		}
	}
	return nil
}
