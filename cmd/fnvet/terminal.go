package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// note tells a person what goes on.
func (c *cli) note(format string, args ...any) {
	fmt.Fprintf(c.stderr, "fnvet: %s\n", printable(fmt.Sprintf(format, args...)))
}

// terminal gives the descriptor of a stream that is a terminal.
func terminal(w io.Writer) (int, bool) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, false
	}
	fd := int(f.Fd()) // #nosec G115 -- a descriptor is small
	return fd, term.IsTerminal(fd)
}

// width is the number of columns of standard output, 0 when it is no terminal.
func (c *cli) width() int {
	fd, ok := terminal(c.stdout)
	if !ok {
		return 0
	}
	w, _, err := term.GetSize(fd)
	if err != nil {
		return 0
	}
	return w
}

// color follows NO_COLOR, TERM=dumb and CI; only a terminal gets any.
func (c *cli) color() bool {
	_, ok := terminal(c.stdout)
	return ok && os.Getenv("NO_COLOR") == "" && lively()
}

// lively tells whether a terminal is one that a person looks at: no CI job, and one
// that can go back on its line.
func lively() bool {
	ci := os.Getenv("CI")
	return os.Getenv("TERM") != "dumb" && (ci == "" || ci == "0" || strings.EqualFold(ci, "false"))
}
