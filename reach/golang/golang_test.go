package golang_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/fnvet/fnvet/internal/linked"
	"github.com/fnvet/fnvet/reach/golang"
)

func TestSplit(t *testing.T) {
	for _, tt := range []struct{ why, name, pkg, symbol string }{
		{"function", "net/http.Get", "net/http", "Get"},
		{"method of a pointer", "net/http.(*Transport).RoundTrip", "net/http", "Transport.RoundTrip"},
		{"method of a value", "net/http.Header.Get", "net/http", "Header.Get"},
		{"method value", "net/http.Header.Get-fm", "net/http", "Header.Get"},
		{"dot in the last element", "gopkg.in/yaml%2ev3.Unmarshal", "gopkg.in/yaml.v3", "Unmarshal"},
		{"dots before it", "github.com/a.b/c.D", "github.com/a.b/c", "D"},
		{"type arguments", "slices.SortFunc[go.shape.[]example.com/x.T,go.shape.int]", "slices", "SortFunc"},
		{"method of a generic type", "sync/atomic.(*Pointer[go.shape.struct {}]).Load", "sync/atomic", "Pointer.Load"},
		{"no package", "memmove", "", ""},
		{"type equality", "type:.eq.runtime.mutex", "type:", "eq.runtime.mutex"},
	} {
		pkg, symbol, _ := golang.Split(tt.name)
		if pkg != tt.pkg || symbol != tt.symbol {
			t.Errorf("%s: %s is %q %q, want %q %q", tt.why, tt.name, pkg, symbol, tt.pkg, tt.symbol)
		}
	}
}

// buildsVariable makes TestNames build for other systems too, which takes minutes
// the first time.
const buildsVariable = "FNVET_BUILDS"

// build compiles the test function; a platform or flag that this machine cannot
// build for is a skip.
func build(t *testing.T, goos string, flags ...string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "bootstrap")
	cmd := exec.CommandContext(t.Context(), "go", append(append([]string{"build", "-o", out}, flags...), ".")...)
	cmd.Dir = "../../testdata/gofn"
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH=amd64")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("go build: %v\n%s", err, text)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestNames(t *testing.T) {
	for _, tt := range []struct {
		why, goos string
		flags     []string
		known     bool
	}{
		{"as go build makes it", "linux", nil, true},
		{"without DWARF", "linux", []string{"-ldflags=-w"}, true},
		{"stripped", "linux", []string{"-ldflags=-s -w"}, false},
		{"position-independent", "linux", []string{"-buildmode=pie"}, true},
		{"Mach-O", "darwin", nil, true},
		{"Mach-O, stripped", "darwin", []string{"-ldflags=-s -w"}, false},
		{"PE", "windows", nil, true},
		{"PE, stripped", "windows", []string{"-ldflags=-s -w"}, false},
	} {
		t.Run(tt.why, func(t *testing.T) {
			if (tt.goos != "linux" || slices.Contains(tt.flags, "-buildmode=pie")) && os.Getenv(buildsVariable) == "" {
				t.Skipf("%s is not set", buildsVariable)
			}
			names := golang.Names(build(t, tt.goos, tt.flags...))
			if (names != nil) != tt.known {
				t.Fatalf("%d names", len(names))
			}
			if !tt.known {
				return
			}
			for _, has := range []uint64{
				linked.Symbol("golang.org/x/net/html", "Parse"), linked.Symbol("golang.org/x/crypto/ssh", "ParseAuthorizedKey"),
				linked.Symbol("net/http", "Transport.RoundTrip"), linked.Package("golang.org/x/net/html"), linked.Below("golang.org/x/net"),
				linked.Symbol("net/http", "Get"), // inlined into main.serve
			} {
				if !linked.Has(names, has) {
					t.Errorf("%x is not among %d names", has, len(names))
				}
			}
			for _, not := range []uint64{linked.Symbol("golang.org/x/net/html", "NewTokenizerFragment_"), linked.Package("golang.org/x/crypto/openpgp"), linked.Symbol("golang.org/x/crypto/ssh", "NewServerConn")} {
				if linked.Has(names, not) {
					t.Errorf("%x is among the names", not)
				}
			}
		})
	}
}

// FuzzNames: whatever a binary is, the names come sorted and once each.
func FuzzNames(f *testing.F) {
	self, err := os.Executable()
	if err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data[:4096])
	f.Add([]byte("\x7fELF\x02\x01\x01"))
	f.Add([]byte("MZ"))
	f.Fuzz(func(t *testing.T, data []byte) {
		names := golang.Names(data)
		if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Fatal("not a sorted set")
		}
	})
}

// FuzzSplit: a name that is split has both parts.
func FuzzSplit(f *testing.F) {
	f.Add("gopkg.in/yaml%2ev3.(*Decoder[go.shape.int]).Decode-fm")
	f.Fuzz(func(t *testing.T, name string) {
		if pkg, symbol, ok := golang.Split(name); ok && (pkg == "" || symbol == "") {
			t.Fatalf("%q: %q %q", name, pkg, symbol)
		}
	})
}
