package check_test

import (
	"os"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fnvet/fnvet/posture/check"
	"github.com/fnvet/fnvet/posture/cloudformation"
	"github.com/fnvet/fnvet/posture/data"
	"github.com/fnvet/fnvet/posture/model"
)

// Whatever a template says, judging it ends, twice gives the same, and each finding
// has a rule, a resource and a fix.
func FuzzRun(f *testing.F) {
	for _, name := range []string{"testdata/faulty/sam.yaml", "testdata/faulty/cloudformation.yaml", "testdata/well/sam.yaml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	rules := map[string]bool{}
	for _, r := range check.Rules() {
		rules[r.ID] = true
	}
	ctx := check.Context{Data: data.New(), Now: time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := cloudformation.Read(t.Context(), &model.Source{Name: "t.yaml", Data: text, FS: fstest.MapFS{}})
		if m == nil {
			if err == nil {
				t.Error("neither model nor error")
			}
			return
		}
		first, second := check.Run(m, ctx), check.Run(m, ctx)
		if len(first) != len(second) {
			t.Errorf("%d findings, then %d", len(first), len(second))
		}
		for i, x := range first {
			if !rules[x.ID] || x.Remediation == "" || x.Title == "" || x.Severity.Rank() == 0 {
				t.Errorf("%+v", x)
			}
			if i < len(second) && (x.ID != second[i].ID || x.Evidence != second[i].Evidence || x.Line != second[i].Line) {
				t.Errorf("%s, then %s", x.ID, second[i].ID)
			}
		}
	})
}
