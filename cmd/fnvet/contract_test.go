package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// contractLater are the flags of docs/contract.md that scan does not have yet.
var contractLater = map[string]string{
	"--template": "templates outside the package come with the audit of configuration",
}

var (
	contractFlag = regexp.MustCompile("`(--[a-z][a-z0-9-]*)")
	contractWord = regexp.MustCompile("`([a-z][a-z0-9.-]*)`")
)

// Every flag and every format in the table of scan's flags in docs/contract.md is
// in "fnvet scan --help", or is named above as missing.
func TestContractOfScan(t *testing.T) {
	text, err := os.ReadFile("../../docs/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "Common flags of `scan`:")
	table, _, ended := strings.Cut(rest, "\n## ")
	if !found || !ended {
		t.Fatal("the table is not where it was")
	}
	help := fnvetRun(t, 0, "scan", "--help")
	flags, formats := 0, 0
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 || !strings.Contains(cells[1], "`--") {
			continue
		}
		for _, m := range contractFlag.FindAllStringSubmatch(cells[1], -1) {
			flags++
			if !regexp.MustCompile(m[1] + `\b`).MatchString(help) {
				if why, later := contractLater[m[1]]; later {
					t.Logf("%s is missing: %s", m[1], why)
				} else {
					t.Errorf("%s is in the contract and not in fnvet scan --help", m[1])
				}
			}
		}
		if strings.Contains(cells[1], "--format") {
			for _, m := range contractWord.FindAllStringSubmatch(line[len(cells[1])+1:], -1) {
				formats++
				if !slices.Contains(allFormats(), m[1]) || !strings.Contains(help, m[1]) {
					t.Errorf("format %s is in the contract and not in fnvet scan --help", m[1])
				}
			}
		}
	}
	if flags < 25 || formats < 10 {
		t.Errorf("only %d flags and %d formats in the table", flags, formats)
	}
	for _, format := range allFormats() {
		if !strings.Contains(table, "`"+format+"`") {
			t.Errorf("format %s is not in the contract", format)
		}
	}
}
