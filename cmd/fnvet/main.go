// Command fnvet vets a serverless function before it ships.
//
// It opens a deployment zip, a container image or a directory once, in memory,
// and says in one verdict whether it may go up:
//
//	fnvet scan TARGET...     unpack, inventory, match, look for secrets, judge, report
//	fnvet sbom TARGET        the inventory as an SBOM
//	fnvet serve              registries push, fnvet answers (also: worker, token)
//	fnvet db update          fetch the advisory database (also: status, verify)
//	fnvet rules [ID]         every rule, or one explained
//	fnvet version            version, commit, rule-set version
//
// # Exit status
//
//	0  scanned completely, the gate passes
//	1  the gate fails: at least one finding blocks
//	2  usage or configuration error, or the scan could not run at all
//	3  incomplete: something could not be looked at, and nothing found so far blocks
//
// # Limitations
//
// Nothing of an artifact is executed, so what a package downloads or generates
// when it runs is not seen. What could not be read is listed as a gap.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/fnvet/fnvet/internal/heap"
)

// How long an interrupted run may take to end by itself: a server answers what it
// was asked and lets its scans end.
const (
	interruptGrace = 3 * time.Second
	serviceGrace   = 2 * time.Minute
)

func graceOf(args []string) time.Duration {
	if len(args) > 1 && (args[1] == "serve" || args[1] == "worker") {
		return serviceGrace
	}
	return interruptGrace
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		// A read that waits for ever (a pipe, a terminal) does not hear of ctx.
		<-ctx.Done()
		time.Sleep(graceOf(os.Args))
		os.Exit(codeError)
	}()
	c := &cli{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, pacer: heap.Pace()}
	code := c.run(ctx, os.Args[1:])
	os.Exit(code)
}
