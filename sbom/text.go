package sbom

import (
	"maps"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/internal/escape"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// oneLine makes text safe for the lines of tag-value documents; no value can open
// the format's block of text.
func oneLine(s string) string {
	return strings.ReplaceAll(escape.Text(s), "<text>", `\u003ctext>`)
}
