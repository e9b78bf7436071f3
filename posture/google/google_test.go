package google

import (
	"context"
	"os"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet/posture/internal/outline"
	"github.com/fnvet/fnvet/posture/model"
)

var dialects = []struct {
	name string
	is   func(string, []byte) bool
	read func(context.Context, *model.Source) (*model.Model, error)
}{
	{"service.yaml", IsService, ReadService},
	{"flags.yaml", IsFlags, ReadFlags},
	{"firebase.json", IsFirebase, ReadFirebase},
	{"app.yaml", IsAppEngine, ReadAppEngine},
}

// Every file gives the outline in the file of its name with .golden, and is taken
// for its own dialect alone.
func TestGolden(t *testing.T) {
	for _, c := range dialects {
		t.Run(c.name, func(t *testing.T) {
			data, err := os.ReadFile("testdata/" + c.name)
			if err != nil {
				t.Fatal(err)
			}
			for _, other := range dialects {
				if got := other.is(c.name, data); got != (other.name == c.name) {
					t.Errorf("as %s: %v", other.name, got)
				}
			}
			m, err := c.read(context.Background(), &model.Source{Name: c.name, Data: data, FS: os.DirFS("testdata")})
			if err != nil {
				t.Fatal(err)
			}
			outline.Hold(t, "testdata/"+c.name+".golden", m)
		})
	}
}

func TestOutside(t *testing.T) {
	src := &model.Source{Name: "f.yaml", Data: []byte("--runtime: x\n--env-vars-file: ../secret.env"), FS: fstest.MapFS{}}
	m, err := ReadFlags(context.Background(), src)
	if err != nil || len(m.Unresolved) != 1 || !m.Unresolved[0].Refused {
		t.Errorf("%v %v", m.Unresolved, err)
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int
		ok   bool
	}{{"256MB", 256, true}, {"256MiB", 256, true}, {"1Gi", 1024, true}, {"512M", 512, true}, {"1073741824", 1024, true}, {"0.5G", 512, true}, {"x", 0, false}, {"1e300G", 0, false}} {
		if got, ok := megabytes(c.in); ok != c.ok || ok && got != c.want {
			t.Errorf("%s: %d %v", c.in, got, ok)
		}
	}
	for _, c := range []struct {
		in   string
		want int
	}{{"60", 60}, {"60s", 60}, {"9m", 540}, {"1h", 3600}} {
		if got, ok := seconds(c.in); !ok || got != c.want {
			t.Errorf("%s: %d", c.in, got)
		}
	}
}

// Whatever the file, reading it ends without a panic, twice the same, and gives a model.
func FuzzRead(f *testing.F) {
	for i, c := range dialects {
		data, err := os.ReadFile("testdata/" + c.name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint8(i))
	}
	f.Add([]byte("a: &a [*a, *a]\n--set-env-vars: ^"), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		c := dialects[int(which)%len(dialects)]
		once := func() string {
			m, _ := c.read(context.Background(), &model.Source{Name: c.name, Data: data, FS: fstest.MapFS{}})
			if m == nil {
				t.Fatal("no model")
			}
			return outline.Write(m)
		}
		if d := cmp.Diff(once(), once()); d != "" {
			t.Error(d)
		}
	})
}
