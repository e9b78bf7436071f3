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
		if !beginsText(peek(in)) {
			return nil, nil // the walk reads the rest and meets the error itself
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
	head := make([]byte, len(tagValue))
	if n, _ := f.ReadAt(head, 0); !beginsText(head[:n]) { // the walk meets the error itself
		return nil, nil
	}
	data, err := io.ReadAll(io.LimitReader(f, maxBOM))
	return data, err
}

// tagValue begins an SPDX document in lines.
const tagValue = "SPDXVersion:"

// beginsText reports whether head may begin a JSON or XML document, or one in lines.
func beginsText(head []byte) bool {
	if len(head) == 0 {
		return false
	}
	switch head[0] {
	case '{', '<', ' ', '\t', '\r', '\n', 0xEF:
		return true
	}
	return string(head) == tagValue
}

// peek is the first byte of a stream, or as many as a document in lines begins with.
func peek(in *bufio.Reader) []byte {
	head, err := in.Peek(1)
	if err == nil && head[0] == tagValue[0] {
		head, _ = in.Peek(len(tagValue)) // fewer are something else
	}
	return head
}
