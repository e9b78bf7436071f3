package check_test

import (
	"os"
	"testing"
	"testing/fstest"

	"github.com/fnvet/fnvet/posture/check"
	"github.com/fnvet/fnvet/posture/cloudformation"
	"github.com/fnvet/fnvet/posture/data"
	"github.com/fnvet/fnvet/posture/model"
)

// BenchmarkRun judges a small stack with the data already decoded.
func BenchmarkRun(b *testing.B) {
	text, err := os.ReadFile("testdata/faulty/sam.yaml")
	if err != nil {
		b.Fatal(err)
	}
	m, err := cloudformation.Read(b.Context(), &model.Source{Name: "t.yaml", Data: text, FS: fstest.MapFS{}})
	if err != nil {
		b.Fatal(err)
	}
	ctx := check.Context{Data: data.New()}
	check.Run(m, ctx)
	for b.Loop() {
		check.Run(m, ctx)
	}
}
