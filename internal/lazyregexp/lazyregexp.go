// Package lazyregexp compiles regular expressions when they are first used. Those
// of the whole program would cost each start of it 3 ms and half a megabyte.
package lazyregexp

import (
	"regexp"
	"sync"
)

// New returns what gives the compiled expression, for concurrent use. It panics at
// its first call if text is no expression.
func New(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
