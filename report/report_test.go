package report

import (
	"bytes"
	"os"
	"testing"

	"github.com/fnvet/fnvet"
)

func TestShow(t *testing.T) {
	for _, f := range []string{"table"} {
		var b bytes.Buffer
		if err := Write(&b, f, []*fnvet.Report{rich()}, Options{Color: os.Getenv("C") != ""}); err != nil {
			t.Fatal(err)
		}
		os.Stdout.Write(b.Bytes())
	}
}
