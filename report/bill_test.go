package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
)

// What the stack costs at worst is shown though it does not block.
func TestBillIsShown(t *testing.T) {
	r := &fnvet.Report{Findings: []fnvet.Finding{
		{ID: billRule, Kind: fnvet.ConfigKind, Severity: fnvet.Info, Path: "template.yaml", Resource: billStack, Evidence: "USD 60.00 an hour"},
		{ID: billRule, Kind: fnvet.ConfigKind, Severity: fnvet.Info, Path: "template.yaml", Resource: "Orders", Evidence: "USD 12.00 an hour"},
	}}
	for _, format := range []string{"table", "markdown", "html"} {
		var b bytes.Buffer
		if err := Write(&b, format, []*fnvet.Report{r}, Options{}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "Worst-case bill") || !strings.Contains(b.String(), "USD 60") {
			t.Errorf("%s:\n%s", format, b.String())
		}
	}
}
