package remote

import (
	"regexp"
	"sync"
)

// pattern compiles a regexp when it is first asked for: together they would cost
// every start of the program 2 ms.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
