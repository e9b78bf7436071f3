package rules

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// What is built in is what the tables say, and they have the form of a user's.
func TestGenerated(t *testing.T) {
	names, err := filepath.Glob("*.yaml")
	if err != nil || len(names) != 4 {
		t.Fatalf("tables %v, error %v", names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		made, err := os.ReadFile(strings.TrimSuffix(name, ".yaml") + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var want, got file
		if err := decode(text, &want); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := json.Unmarshal(made, &got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Sink{}, Call{}, Path{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s has changed: run go generate ./inject/rules\n%s", name, diff)
		}
	}
}
