// Package data is what the checks know of the platforms: IAM actions, managed
// policies, ways to more privileges, runtimes and prices. It is made by go generate
// from packages that can be installed by name; the first line of each file says
// from which, under what licence and when. Nothing is decoded before it is asked for.
package data

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

//go:generate go run ./generate

var (
	//go:embed actions.txt.zst
	actionsFile []byte
	//go:embed managed.txt.zst
	managedFile []byte
	//go:embed escalations.txt
	escalationsFile string
	//go:embed runtimes-aws.txt
	lambdaFile string
	//go:embed runtimes-google.txt
	googleFile string
	//go:embed runtimes-stated.txt
	statedFile string
	//go:embed prices.txt
	pricesFile string
)

// maxDecoded bounds a decoded file, in bytes.
const maxDecoded = 16 << 20

// A Catalog holds what was decoded. New is cheap; lookups may be concurrent.
type Catalog struct {
	services    func() map[string]*service
	managed     func() map[string]string
	escalations func() escalationTable
	runtimes    func() map[string]Runtime
}

// New returns a catalog that decodes each file when it is first asked for.
func New() *Catalog {
	return &Catalog{
		services:    sync.OnceValue(readServices),
		managed:     sync.OnceValue(readManaged),
		escalations: sync.OnceValue(readEscalations),
		runtimes:    sync.OnceValue(readRuntimes),
	}
}

// decode inflates an embedded file. A test reads them all, so that it cannot fail.
func decode(packed []byte) string {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxDecoded))
	if err != nil {
		return ""
	}
	defer r.Close()
	text, err := r.DecodeAll(packed, nil)
	if err != nil {
		return ""
	}
	return string(text)
}

// lines yields the lines that are neither empty nor comments.
func lines(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for line := range strings.SplitSeq(text, "\n") {
			if line != "" && line[0] != '#' && !yield(line) {
				return
			}
		}
	}
}

// Origins are the first lines of the files: what they hold, from where, when.
func Origins() []string {
	var out []string
	for _, text := range []string{decode(actionsFile), decode(managedFile), escalationsFile, lambdaFile, googleFile, statedFile, pricesFile} {
		first, _, _ := strings.Cut(text, "\n")
		out = append(out, strings.TrimPrefix(first, "# "))
	}
	return out
}

// dated parses "2006-01-02" or "-".
func dated(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

func fieldsOf(line string, n int) ([]string, error) {
	f := strings.Fields(line)
	if len(f) != n {
		return nil, fmt.Errorf("%d fields, want %d", len(f), n)
	}
	return f, nil
}
