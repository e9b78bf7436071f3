package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/lazyregexp"
	"github.com/fnvet/fnvet/policy"
	"github.com/fnvet/fnvet/sandbox"
	"github.com/fnvet/fnvet/sbom"
	"github.com/fnvet/fnvet/scan"
	"github.com/fnvet/fnvet/secrets"
	"github.com/fnvet/fnvet/unpack"
	"github.com/fnvet/fnvet/unpack/remote"
	"github.com/fnvet/fnvet/vex"
)

// scanFlags are the flags of "fnvet scan" as typed.
type scanFlags struct {
	formats         []string
	failOn          string
	policy          policyFlags
	set             func(flag string) bool // whether a flag was typed
	only, skip      []string
	allowIncomplete bool
	baseline        string
	vex             []string
	secretRules     string
	injectRules     string
	now             string
	timeout         time.Duration
	handler         string
	templates       []string
	priceFile       string
	db              dbFlags
	unpack          unpackFlags
}

// unpackFlags are the flags of everything that opens a target.
type unpackFlags struct {
	platform, name string
	totalBytes     string
	fileBytes      string
	entries        int
	depth, ratio   int
	sandbox        bool
	layers         []string
	insecure       bool
	endpoint       string
	cache          string
}

func (u *unpackFlags) add(f *pflag.FlagSet) {
	f.StringArrayVar(&u.layers, "layer", nil, "Lambda layer to compose with the function: zip `FILE`, repeatable, lowest first")
	f.BoolVar(&u.insecure, "insecure-registry", false, "allow plain http to the registry")
	f.StringVar(&u.name, "name", "", "`NAME` of the artifact in the report (default: of the file; stdin for -)")
	u.addCommon(f)
}

// addCommon adds those that do not speak of one target.
func (u *unpackFlags) addCommon(f *pflag.FlagSet) {
	f.StringVar(&u.platform, "platform", "", "platform to take from a multi-platform image: `OS/ARCH` (default: the only one there is, else linux/amd64)")
	f.StringVar(&u.cache, "cache", "", "`DIR` to keep in what was found in image layers, and not to search them again")
	f.StringVar(&u.endpoint, "aws-endpoint", "", "`URL` of the AWS APIs (default: $AWS_ENDPOINT_URL, else the region's own)")
	f.StringVar(&u.totalBytes, "max-total-size", "4GiB", "limit of all decompressed bytes together: `SIZE`")
	f.StringVar(&u.fileBytes, "max-file-size", "512MiB", "limit of one file: `SIZE`")
	f.IntVar(&u.entries, "max-entries", 1_000_000, "limit of entries over all archives: `N`")
	f.IntVar(&u.depth, "max-depth", 8, "limit of archives inside archives: `N`")
	f.BoolVar(&u.sandbox, "sandbox", sandbox.Supported(), "read the target in a confined child process (linux)")
	f.IntVar(&u.ratio, "max-ratio", 300, "limit of decompressed to compressed size, once 32 MiB came out: `N`")
}

// platformForm is OS/ARCH, or OS/ARCH/VARIANT.
var platformForm = lazyregexp.New(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)?$`)

// request is what the flags ask of a walk, and whether in a sandbox.
func (u *unpackFlags) request(timeout time.Duration) (walkRequest, bool, error) {
	total, err := parseSize(u.totalBytes)
	if err != nil {
		return walkRequest{}, false, fmt.Errorf("--max-total-size: %w", err)
	}
	file, err := parseSize(u.fileBytes)
	if err != nil {
		return walkRequest{}, false, fmt.Errorf("--max-file-size: %w", err)
	}
	if u.entries <= 0 || u.depth <= 0 || u.ratio <= 0 || timeout <= 0 {
		return walkRequest{}, false, errors.New("--max-entries, --max-depth, --max-ratio and --timeout take a number above 0")
	}
	if u.platform != "" && !platformForm().MatchString(u.platform) {
		return walkRequest{}, false, fmt.Errorf("--platform: %q is not OS/ARCH such as linux/arm64", u.platform)
	}
	cache, err := cacheDir(u.cache)
	if err != nil {
		return walkRequest{}, false, fmt.Errorf("--cache: %w", err)
	}
	q := walkRequest{
		Timeout: timeout,
		Unpack: unpack.Options{
			Name: u.name, Platform: u.platform, Layers: u.layers,
			Remote: remote.Options{Insecure: u.insecure, Endpoint: u.endpoint},
			Limits: unpack.Limits{TotalBytes: total, FileBytes: file, Entries: u.entries, Depth: u.depth, Ratio: u.ratio},
		},
	}
	if cache != "" {
		q.Key = installationKey()
		q.keeper = &scan.Sealed{Key: layerKey(q.Key), Place: scan.Directory(cache)}
	}
	return q, u.sandbox, nil
}

func (c *cli) scanCommand() *cobra.Command {
	var flags scanFlags
	cmd := &cobra.Command{
		Use:   "scan TARGET...",
		Short: "Unpack, inventory, match, look for secrets, judge, report",
		Long: `Scan opens each TARGET once, in memory, and says in one verdict whether it may go up.

TARGET is a zip, jar or war, a tar (plain or compressed), a directory, a docker save
archive, an OCI layout (directory or tar), an SBOM (CycloneDX, SPDX: matching only), a
template (SAM, CloudFormation, serverless.yml, Terraform and others), or
- for standard input. What it is gets found from its bytes. It may be on a network too: an
image in a registry (registry.example/app:tag, registry.example/app@sha256:…, docker://…
for any other reference), s3://BUCKET/KEY, or a deployed function, lambda:NAME[:QUALIFIER].

Exit status: 0 the gate passes; 1 it fails; 2 usage or configuration error, or the scan
could not run; 3 incomplete: something could not be looked at and nothing found blocks.`,
		Example: `  fnvet scan orders.zip
  fnvet scan --format json --format sarif=out.sarif --fail-on high image.tar
  docker save app | fnvet scan --name app -
  fnvet scan --platform linux/arm64 registry.example/app:1.2
  fnvet scan --layer deps-layer.zip orders.zip
  fnvet scan --template template.yaml orders.zip`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return hinted{errors.New("scan wants a target: a zip, an image archive, a directory or -"), "fnvet scan orders.zip"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			flags.set = cmd.Flags().Changed
			return c.scan(cmd.Context(), &flags, args)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringArrayVarP(&flags.formats, "format", "f", nil, "`FMT[=FILE]`, repeatable: "+strings.Join(allFormats(), ", ")+" (default table)")
	f.StringVar(&flags.failOn, "fail-on", "high", "`LEVEL` from which a finding blocks: critical, high, medium, low, any, never; with ,reachable vulnerabilities that the handler cannot load do not")
	flags.policy.add(f)
	f.StringSliceVar(&flags.only, "only", nil, "only these `KIND`s of finding: "+kindList())
	f.StringSliceVar(&flags.skip, "skip", nil, "all but these `KIND`s")
	f.BoolVar(&flags.allowIncomplete, "allow-incomplete", false, "exit 0 where 3 would be said; the gaps are still reported")
	f.StringVar(&flags.baseline, "baseline", "", "a former JSON report `FILE`; only what is new is judged")
	f.StringVar(&flags.secretRules, "secret-rules", "", "more rules for secrets, and changes to the built-in ones: `FILE` in gitleaks' form")
	f.StringVar(&flags.injectRules, "inject-rules", "", "more sources, sinks and sanitisers of event data: YAML `FILE` (docs/injection.md)")
	f.StringArrayVar(&flags.vex, "vex", nil, "VEX `FILE`, repeatable: OpenVEX, CycloneDX or CSAF 2.0; what it says is not affected or fixed does not count")
	f.StringVar(&flags.now, "now", "", "the `TIME` (RFC 3339) to judge ages by, for reproducible runs")
	f.StringVar(&flags.handler, "handler", "", "the function's `HANDLER` (src/index.handler), for reachability; default: as stated, else by convention")
	f.StringArrayVar(&flags.templates, "template", nil, "template `FILE` or directory outside the target, repeatable: SAM, CloudFormation, serverless.yml, Terraform, IAM policy, function configuration, Azure and Google function files")
	f.StringVar(&flags.priceFile, "price-file", "", "prices for the worst-case bill, from `FILE`: lines of region, architecture, price of a GB-second, price of a request; default: AWS's list prices")
	f.DurationVar(&flags.timeout, "timeout", 5*time.Minute, "time limit of one target; reaching it is a gap")
	flags.db.add(f)
	flags.unpack.add(f)
	return cmd
}

func kindList() string {
	names := make([]string, len(fnvet.Kinds))
	for i, k := range fnvet.Kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}

// wanted turns --only and --skip into the question a scan asks.
func wanted(only, skip []string) (func(fnvet.Kind) bool, error) {
	for _, k := range append(slices.Clone(only), skip...) {
		if !slices.Contains(fnvet.Kinds[:], fnvet.Kind(k)) {
			return nil, fmt.Errorf("unknown kind %q: want one of %s", k, kindList())
		}
	}
	return func(k fnvet.Kind) bool {
		return (len(only) == 0 || slices.Contains(only, string(k))) && !slices.Contains(skip, string(k))
	}, nil
}

// A scanRun is what the flags of one scan come to.
type scanRun struct {
	outs      []output
	policy    policy.Policy
	baseline  *fnvet.Report
	vex       []*vex.Document
	now       time.Time
	stamp     time.Time   // of documents: SOURCE_DATE_EPOCH, else --now; zero: the scan's own
	request   walkRequest // all but the target
	sandboxed bool
	several   bool                     // targets were given
	typed     map[*fnvet.Report]string // the target of each report, as it was typed
	config    scan.Config              // of what follows the walk, but for its secret search
	finder    func() (*secrets.Scanner, error)
	matcher   *matcher
}

func (c *cli) plan(flags *scanFlags, targets []string) (*scanRun, error) {
	var err error
	run := &scanRun{now: time.Now().UTC()}
	if flags.now != "" {
		if run.now, err = time.Parse(time.RFC3339, flags.now); err != nil {
			return nil, fmt.Errorf("--now: %q is not an RFC 3339 time such as 2026-01-31T12:00:00Z", flags.now)
		}
	}
	if flags.now != "" {
		run.stamp = run.now
	} else if run.stamp, err = documentTime(time.Time{}); err != nil {
		return nil, err
	}
	if run.outs, err = parseOutputs(flags.formats); err != nil {
		return nil, err
	}
	if run.policy, err = c.gate(flags, targets); err != nil {
		return nil, err
	}
	if flags.baseline != "" {
		if run.baseline, err = c.readReport(flags.baseline); err != nil {
			return nil, fmt.Errorf("--baseline: %w", err)
		}
	}
	if run.vex, err = readVEX(flags.vex); err != nil {
		return nil, err
	}
	if run.matcher, err = flags.db.matcher(c, run.now); err != nil {
		return nil, err
	}
	run.request, run.sandboxed, err = flags.unpack.request(flags.timeout)
	if err != nil {
		return nil, err
	}
	run.request.Only, run.request.Skip, run.request.Handler = flags.only, flags.skip, flags.handler
	if err := checkTemplates(flags.templates); err != nil {
		return nil, err
	}
	for _, p := range flags.templates {
		run.request.Templates = append(run.request.Templates, givenTemplate{Path: p})
	}
	run.request.Now = run.now
	if run.request.Prices, err = readPrices(flags.priceFile); err != nil {
		return nil, err
	}
	run.request.Key, run.request.Offline = installationKey(), flags.db.offline
	run.request.Day = run.now.UTC().Truncate(24 * time.Hour)
	if flags.secretRules != "" {
		text, err := os.ReadFile(flags.secretRules)
		if err != nil {
			return nil, fmt.Errorf("--secret-rules: %w", err)
		}
		run.request.SecretRules = string(text)
	}
	if flags.injectRules != "" {
		text, err := os.ReadFile(flags.injectRules)
		if err != nil {
			return nil, fmt.Errorf("--inject-rules: %w", err)
		}
		run.request.InjectRules = string(text)
	}
	if run.config, err = run.request.judging(); err != nil {
		return nil, err
	}
	run.finder = run.request.startFinder()
	if flags.secretRules != "" {
		if _, err := run.finder(); err != nil {
			return nil, err
		}
	}
	run.config.Matcher, run.config.Version, run.config.Rules = run.matcher, version(), rulesVersion()
	return run, nil
}

// gate is the policy of the file with what the flags replace in it.
func (c *cli) gate(flags *scanFlags, targets []string) (policy.Policy, error) {
	level, reachable, err := policy.ParseFailOn(flags.failOn)
	if err != nil {
		return policy.Policy{}, fmt.Errorf("--fail-on: %w", err)
	}
	p, err := flags.policy.load(c, targets)
	if err != nil {
		return policy.Policy{}, err
	}
	if flags.set("fail-on") {
		if level != "" {
			p = p.At(level)
		}
		if reachable {
			p.OnlyReachable = max(p.OnlyReachable, policy.ReachNotNo)
		}
	}
	switch {
	case flags.set("max-db-age"):
		p.MaxDatabaseAge = flags.db.maxAge
	case p.MaxDatabaseAge > 0:
		flags.db.maxAge = p.MaxDatabaseAge
	}
	p.AllowIncomplete = flags.allowIncomplete
	return p, nil
}

// maxReport bounds a saved report that is read back.
const maxReport = 1 << 30

// scan runs every target and writes every format. A target that cannot be
// scanned does not stop the others.
func (c *cli) scan(ctx context.Context, flags *scanFlags, targets []string) error {
	run, err := c.plan(flags, targets)
	if err != nil {
		return err
	}
	defer run.matcher.Close()
	if err := run.sensible(flags, targets); err != nil {
		return err
	}
	run.several = len(targets) > 1
	var reports []*fnvet.Report
	run.typed = map[*fnvet.Report]string{}
	failed := false
	c.targets = len(targets)
	for i, target := range targets {
		c.target = i + 1
		r, err := c.scanOne(ctx, run, target)
		if err != nil {
			if ctx.Err() != nil {
				return hinted{errors.New("interrupted"), ""}
			}
			c.complain(targetError(target, err))
			failed = true
			continue
		}
		reports = append(reports, r)
		run.typed[r] = target
	}
	if len(reports) > 0 {
		if err := c.write(run, reports); err != nil {
			return err
		}
	}
	c.code = exitCode(reports, failed)
	return nil
}

// sensible refuses what could only mislead: a scan in which nothing looks, and
// reports written over each other or over what they are about.
func (r *scanRun) sensible(flags *scanFlags, targets []string) error {
	if !slices.ContainsFunc(fnvet.Kinds[:], r.config.Wants) {
		return hinted{errors.New("--only and --skip leave no kind of finding that this version looks for"), "fnvet rules"}
	}
	if len(targets) > 1 && flags.unpack.name != "" {
		return hinted{errors.New("--name is for one target"), "fnvet scan --name NAME TARGET"}
	}
	if flags.db.maxAge < 0 {
		return errors.New("--max-db-age takes a duration of 0 or more")
	}
	written := map[string]bool{}
	for _, out := range r.outs {
		if out.file == "" {
			if slices.Contains(sbom.Formats(), out.format) && len(targets) > 1 {
				return fmt.Errorf("%s holds one target; %d were given", out.format, len(targets))
			}
			continue
		}
		if written[out.file] {
			return fmt.Errorf("--format: two reports would go to %s", out.file)
		}
		written[out.file] = true
		for _, target := range targets {
			if sameFile(out.file, target) {
				return fmt.Errorf("--format: the report would replace the target %s", target)
			}
		}
	}
	return nil
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && x.Mode().IsRegular() && os.SameFile(x, y)
}

// targetError adds a hint to the errors a newcomer meets first.
func targetError(target string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return hinted{fmt.Errorf("%s: there is no such file or directory", target), "fnvet scan --help"}
	}
	return err
}

// exitCode fails closed: 1 over 2 over 3 over 0.
func exitCode(reports []*fnvet.Report, failed bool) int {
	code := policy.CodePass
	for _, r := range reports {
		if r.Verdict.Code == policy.CodeFail {
			return policy.CodeFail
		}
		code = max(code, r.Verdict.Code)
	}
	if failed {
		return codeError
	}
	return code
}

func (c *cli) scanOne(ctx context.Context, run *scanRun, target string) (*fnvet.Report, error) {
	q := run.request
	q.Target = target
	note := c.limitStdin(q)
	harvest, err := c.sbomTarget(q)
	if err != nil {
		return nil, err
	}
	if harvest == nil {
		if templateTarget(target) {
			q.Templates = append(slices.Clone(q.Templates), givenTemplate{Path: target, Self: true})
		}
		if harvest, err = c.collect(ctx, q, run.sandboxed); err != nil {
			return nil, err
		}
		c.keep(ctx, harvest, q)
	}
	note(harvest)
	if q.Unpack.Platform != "" && harvest.Artifact.Type != "image" {
		c.note("--platform says nothing about %s, which is no image", target)
	}
	config := run.config
	config.Settings = lateFinder(run.finder)
	r := scan.Complete(ctx, harvest, config)
	if _, err := run.finder(); err != nil {
		return nil, err
	}
	vex.Apply(r, run.vex)
	err = policy.Enforce(r, run.policy, policy.Options{Now: run.now, Compare: compareVersions, Baseline: run.baseline, Wants: run.config.Wants})
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return r, nil
}

// A lateFinder waits for the secret search when it is first needed. One that could
// not be built finds nothing and masks all; its error ends the run.
type lateFinder func() (*secrets.Scanner, error)

func (l lateFinder) Settings(ctx context.Context, s []fnvet.Setting) []fnvet.Finding {
	finder, err := l()
	if err != nil {
		return nil
	}
	return finder.Settings(ctx, s)
}

func (l lateFinder) Redact(s string) string {
	finder, err := l()
	if err != nil {
		return ""
	}
	return finder.Redact(s)
}
