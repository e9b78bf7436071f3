package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fnvet/fnvet/internal/escape"
	"github.com/fnvet/fnvet/internal/heap"
)

// Exit codes beside those of the gate.
const codeError = 2

// A hinted error names the command to type; "" where none helps.
type hinted struct {
	err  error
	hint string
}

func (h hinted) Error() string { return h.err.Error() }
func (h hinted) Unwrap() error { return h.err }

// A cli is one run of the command.
type cli struct {
	stdin          io.Reader
	late           *atomic.Bool // standard input was cut off at the time limit; nil where it has none
	stdout, stderr io.Writer
	code           int // of the gate
	// target counts the targets of a scan from 1, of as many as there are.
	target, targets int
	pacer           *heap.Pacer // nil in tests
}

// run is the whole command: arguments in, exit code out.
func (c *cli) run(ctx context.Context, args []string) int {
	root := c.root()
	root.SetArgs(args)
	root.SetIn(c.stdin)
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return c.code
	}
	if _, ok := errors.AsType[hinted](err); !ok {
		err = hinted{err, cmd.CommandPath() + " --help"}
	}
	c.complain(err)
	return codeError
}

// complain writes an error and its hint for a person.
func (c *cli) complain(err error) {
	fmt.Fprintf(c.stderr, "fnvet: error: %s\n", printable(err.Error()))
	if h, ok := errors.AsType[hinted](err); ok && h.hint != "" {
		fmt.Fprintf(c.stderr, "fnvet: hint: %s\n", printable(h.hint))
	}
}

// flagError says of a flag's value what it should have been, in words of people.
func flagError(err error) error {
	bad, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	want := map[string]string{
		"int": "a whole number, such as 100", "duration": "a duration, such as 30s, 5m or 72h", "bool": "true or false",
	}[bad.GetFlag().Value.Type()]
	switch {
	case want == "":
		return err
	case errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("--%s: %s is too large", bad.GetFlag().Name, bad.GetValue())
	}
	return fmt.Errorf("--%s: %q is not %s", bad.GetFlag().Name, bad.GetValue(), want)
}

// wants takes n arguments, and says what they are where there are more or fewer.
func wants(n int, command, what, example string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return hinted{fmt.Errorf("%s wants %s; %d arguments were given", command, what, len(args)), example}
	}
}

// printable escapes what could drive a terminal.
func printable(s string) string { return escape.Text(s) }

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "fnvet",
		Short: "Vet a serverless function before it ships",
		Long: "fnvet opens a deployment package, an image or a directory once, in memory, and says in one\n" +
			"verdict whether it may go up: known vulnerabilities, malware, secrets, and what could not be seen.",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return hinted{flagError(err), cmd.CommandPath() + " --help"}
	})
	root.AddCommand(c.scanCommand(), c.sbomCommand(), c.iamCommand(), c.dbCommand(), c.convertCommand(), c.diffCommand(), c.attestCommand(), c.verifyCommand(), c.policyCommand(), c.serveCommand(), c.workerCommand(), c.tokenCommand(), c.rulesCommand(), c.versionCommand(), c.walkInSandbox())
	return root
}
