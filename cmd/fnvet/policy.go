package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	versions "github.com/fnvet/fnvet/advisory/version"
	"github.com/fnvet/fnvet/policy"
)

// defaultPolicy is the policy file looked for in the working directory.
const defaultPolicy = ".fnvet.yaml"

// maxPolicy bounds a policy that is read, in bytes; policy.Parse takes less.
const maxPolicy = 8 << 20

// policyFlags are the flags of everything that judges.
type policyFlags struct{ file, name string }

func (p *policyFlags) add(f *pflag.FlagSet) {
	f.StringVar(&p.file, "policy", "", "gate policy `FILE` (default: "+defaultPolicy+" in the working directory, if there)")
	f.StringVar(&p.name, "policy-name", "", "the policy of that `NAME` in the file (default: the one at its top)")
}

// load reads the policy for some targets. Without --policy a file of the working
// directory is not taken when it is part of a target: a package does not choose
// how it is judged.
func (p *policyFlags) load(c *cli, targets []string) (policy.Policy, error) {
	file := p.file
	if file == "" {
		if _, err := os.Lstat(defaultPolicy); errors.Is(err, os.ErrNotExist) {
			if p.name != "" {
				return policy.Policy{}, hinted{fmt.Errorf("--policy-name %s: there is no %s here", p.name, defaultPolicy), "fnvet … --policy FILE --policy-name " + p.name}
			}
			return policy.Policy{}, nil
		}
		for _, target := range targets {
			if inside(defaultPolicy, target) {
				if p.name != "" {
					return policy.Policy{}, hinted{fmt.Errorf("--policy-name %s: %s is part of %s and not obeyed", p.name, defaultPolicy, target), "fnvet … --policy FILE"}
				}
				c.note("%s is part of %s and not obeyed; name a policy with --policy FILE", defaultPolicy, target)
				return policy.Policy{}, nil
			}
		}
		file = defaultPolicy
	}
	f, err := readPolicy(file)
	if err != nil {
		return policy.Policy{}, err
	}
	chosen, err := f.Policy(p.name)
	if err != nil {
		return policy.Policy{}, fmt.Errorf("--policy-name: %s: %w", file, err)
	}
	return chosen, nil
}

// inside reports whether a file lies in a directory that is a target, under any
// of the names that either goes by. What cannot be told counts as inside.
func inside(file, target string) bool {
	info, err := os.Stat(target)
	if err != nil || !info.IsDir() {
		return false
	}
	root, err := realPath(target)
	if err != nil {
		return true
	}
	at, err := filepath.Abs(file)
	if err != nil {
		return true
	}
	places := []string{filepath.Dir(at)}
	for _, p := range []string{file, filepath.Dir(at)} {
		if real, err := realPath(p); err == nil {
			places = append(places, real)
		}
	}
	for _, p := range places {
		if rel, err := filepath.Rel(root, p); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			return true
		}
	}
	return false
}

func realPath(p string) (string, error) {
	abs, err := filepath.Abs(p)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

// readPolicy reads and parses a policy; errors begin with file, line and column.
func readPolicy(file string) (*policy.File, error) {
	data, err := readBounded(file, maxPolicy)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	f, err := policy.Parse(data)
	if err != nil {
		return nil, hinted{fmt.Errorf("policy: %s:%w", file, err), "fnvet policy check " + file}
	}
	return f, nil
}

// readBounded reads a whole file that the user names; a larger one is an error.
func readBounded(file string, limit int64) ([]byte, error) {
	f, err := os.Open(file) // #nosec G304 -- the user names the file
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: larger than %d bytes", file, limit)
	}
	return data, err
}

// compareVersions orders versions for ignores with a range.
func compareVersions(ecosystem, a, b string) (int, bool) {
	scheme, ok := versions.For(ecosystem)
	if !ok {
		return 0, false
	}
	v, w := scheme.Parse(a), scheme.Parse(b)
	return v.Compare(w), v.Valid() && w.Valid()
}

func (c *cli) policyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Check a policy, and test what it blocks",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var file string
	test := &cobra.Command{
		Use:   "test FILE",
		Short: "Run cases: excerpts of reports and the verdicts they should get",
		Long: `Test judges each case of FILE by the policy that FILE names, or that --policy names.

Exit status: 0 every case is as expected; 1 one is not; 2 the cases or the policy cannot be read.`,
		Args: wants(1, "policy test", "a file of cases", "fnvet policy test cases.yaml"),
		RunE: func(_ *cobra.Command, args []string) error { return c.policyTest(args[0], file) },
	}
	test.Flags().StringVar(&file, "policy", "", "policy `FILE` (default: the one the cases name, else "+defaultPolicy+")")
	check := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Read a policy and say where a mistake is",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			file := defaultPolicy
			if len(args) == 1 {
				file = args[0]
			}
			f, err := readPolicy(file)
			if err != nil {
				return err
			}
			names := "names no further policies"
			if n := f.Names(); len(n) > 0 {
				names = "names " + strings.Join(n, ", ")
			}
			_, err = fmt.Fprintf(c.stdout, "%s: a policy that %s\n", printable(file), names)
			return err
		},
	}
	cmd.AddCommand(check, test)
	return cmd
}

func (c *cli) policyTest(file, policyFile string) error {
	data, err := readBounded(file, maxPolicy)
	if err != nil {
		return fmt.Errorf("cases: %w", err)
	}
	cases, err := policy.ParseCases(data)
	if err != nil {
		return fmt.Errorf("cases: %s:%w", file, err)
	}
	switch {
	case policyFile != "":
	case filepath.IsAbs(cases.Policy):
		policyFile = cases.Policy
	case cases.Policy != "":
		policyFile = filepath.Join(filepath.Dir(file), filepath.FromSlash(cases.Policy))
	default:
		policyFile = defaultPolicy
	}
	f, err := readPolicy(policyFile)
	if err != nil {
		return err
	}
	failed := 0
	for i := range cases.Cases {
		one := &cases.Cases[i]
		status := "ok  "
		wrong := one.Run(f, compareVersions)
		if len(wrong) > 0 {
			status = "FAIL"
			failed++
		}
		if _, err := fmt.Fprintf(c.stdout, "%s  %s\n", status, printable(one.Name)); err != nil {
			return err
		}
		for _, w := range wrong {
			if _, err := fmt.Fprintf(c.stdout, "      %s:%d: %s\n", printable(file), one.Line, printable(w)); err != nil {
				return err
			}
		}
	}
	if failed > 0 {
		c.code = policy.CodeFail
	}
	_, err = fmt.Fprintf(c.stdout, "%d passed, %d failed\n", len(cases.Cases)-failed, failed)
	return err
}
