package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/sbom"
	"github.com/fnvet/fnvet/scan"
)

// maxBOM bounds an SBOM given as a target, in bytes. The largest seen are 60 MB.
const maxBOM = 256 << 20

// sbomTarget reads a target that is itself an SBOM: its packages are matched
// and judged without the artifact. It returns nil when the target is something
// else; standard input is then put back for the walk.
func (c *cli) sbomTarget(q walkRequest) (*scan.Harvest, error) {
	started := time.Now()
	data, err := c.textTarget(q.Target)
	if err != nil || sbom.Detect(data) == "" || c.late != nil && c.late.Load() {
		return nil, err // one that was cut off at the time limit is for the walk, which says so
	}
	name := q.Unpack.Name
	if name == "" {
		name = filepath.Base(q.Target)
	}
	if q.Target == "-" && q.Unpack.Name == "" {
		name = "stdin"
	}
	doc, err := sbom.Read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	sum := sha256.Sum256(data)
	for i := range doc.Gaps {
		if doc.Gaps[i].Path == "" {
			doc.Gaps[i].Path = name
		}
	}
	for i := range doc.Packages {
		if len(doc.Packages[i].Locations) == 0 {
			doc.Packages[i].Locations = []fnvet.Location{{Path: name, Kind: doc.Packages[i].Kind}}
		}
	}
	return &scan.Harvest{
		Artifact: fnvet.Artifact{Name: name, Type: "sbom", Digest: "sha256:" + hex.EncodeToString(sum[:]), Size: int64(len(data))},
		Gaps:     doc.Gaps,
		Parts:    []scan.Part{{Path: name, Facts: fnvet.Facts{Packages: doc.Packages}}},
		Files:    1, Bytes: int64(len(data)), Started: started,
	}, nil
}

// textTarget reads a target whose first byte could begin JSON or XML; nil when
// it is anything else.
func (c *cli) textTarget(target string) ([]byte, error) {
	if target == "-" {
		in := bufio.NewReader(c.stdin)
		c.stdin = in
		if first, err := in.Peek(1); err != nil || !beginsText(first[0]) {
			return nil, nil //nolint:nilerr // the walk reads the rest and meets the error itself
		}
		data, err := io.ReadAll(io.LimitReader(in, maxBOM))
		c.stdin = io.MultiReader(bytes.NewReader(data), in)
		return data, err
	}
	if info, err := os.Stat(target); err != nil || !info.Mode().IsRegular() {
		return nil, nil //nolint:nilerr // the walk says what is wrong
	}
	f, err := os.Open(target) // #nosec G304 -- the user names the file
	if err != nil {
		return nil, nil //nolint:nilerr // the walk says what is wrong
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxBOM {
		return nil, nil //nolint:nilerr // as above
	}
	first := make([]byte, 1)
	if _, err := f.ReadAt(first, 0); err != nil || !beginsText(first[0]) {
		return nil, nil //nolint:nilerr // as above
	}
	data, err := io.ReadAll(io.LimitReader(f, maxBOM))
	return data, err
}

// beginsText reports whether b may begin a JSON or XML document.
func beginsText(b byte) bool {
	switch b {
	case '{', '<', ' ', '\t', '\r', '\n', 0xEF:
		return true
	}
	return false
}
