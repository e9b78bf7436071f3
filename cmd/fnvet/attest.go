package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/attest"
	"github.com/fnvet/fnvet/policy"
	"github.com/fnvet/fnvet/sbom"
	"github.com/fnvet/fnvet/unpack"
	"github.com/fnvet/fnvet/unpack/remote"
)

// Bounds on files that are read whole, in bytes.
const (
	maxKey         = 1 << 20
	maxAttestation = 512 << 20
)

// statements are what attest can say, by the name of --type.
var statements = []string{"verdict", "vulnerability", "sbom"}

type attestFlags struct {
	key, out, push string
	artifact       string
	types, attach  []string
	insecure       bool
	about          sbomFacts
}

// What attestations are put beside, by the name of --attach.
const (
	besideImage = "image"
	besideIndex = "index"
)

func (c *cli) attestCommand() *cobra.Command {
	var flags attestFlags
	cmd := &cobra.Command{
		Use:   "attest REPORT.json --key KEY",
		Short: "Sign what a report says of an artifact",
		Long: `Attest writes in-toto statements about the artifact of a saved JSON report, signed with a
private key (PEM: Ed25519, ECDSA or RSA) as DSSE envelopes, one a line: the verdict bound to the
artifact's SHA-256 and Lambda's CodeSha256, its vulnerabilities, its SBOM.

Exit status: 0 written; 2 the report or the key cannot be used, or the registry refuses.`,
		Example: "  fnvet scan --format json=report.json orders.zip\n" +
			"  fnvet attest report.json --artifact orders.zip --key key.pem --out orders.intoto.jsonl\n" +
			"  fnvet attest report.json --key key.pem --push registry.example/orders:1.2",
		Args: wants(1, "attest", "a saved JSON report", "fnvet attest report.json --key key.pem"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.attest(cmd.Context(), &flags, args[0]) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&flags.key, "key", "", "private key `FILE` in PEM, not encrypted")
	f.StringSliceVar(&flags.types, "type", statements, "what to state: "+strings.Join(statements, ", "))
	f.StringVar(&flags.artifact, "artifact", "", "make sure that the report is of this `FILE`")
	f.StringVarP(&flags.out, "out", "o", "", "`FILE` to write (default: standard output)")
	f.StringVar(&flags.push, "push", "", "put the attestations beside the image `REFERENCE` in its registry")
	f.StringSliceVar(&flags.attach, "attach", []string{besideImage}, "with --push, beside what: image, index (that the image was chosen from), or both; the statements are about the image either way")
	f.BoolVar(&flags.insecure, "insecure-registry", false, "allow plain http to the registry")
	flags.about.add(f)
	_ = cmd.MarkFlagRequired("key")
	return cmd
}

func (c *cli) attest(ctx context.Context, flags *attestFlags, file string) error {
	key, err := readKey(flags.key)
	if err != nil {
		return err
	}
	if !key.Private() {
		return hinted{fmt.Errorf("--key: %s is a public key; attest signs with the private one", flags.key), "fnvet verify ARTIFACT --attestation FILE --key " + flags.key}
	}
	r, err := c.readReport(file)
	if err != nil {
		return err
	}
	if flags.artifact != "" {
		digest, err := fileDigest(flags.artifact)
		if err != nil {
			return fmt.Errorf("--artifact: %w", err)
		}
		if digest != r.Artifact.Digest {
			return hinted{fmt.Errorf("%s is a report of other bytes than %s", file, flags.artifact), "fnvet scan --format json=" + file + " " + flags.artifact}
		}
	}
	beside, err := flags.beside(&r.Artifact)
	if err != nil {
		return err
	}
	var lines []byte
	for _, typ := range flags.types {
		s, err := flags.statement(typ, r)
		if err != nil {
			return fmt.Errorf("%s: %w", typ, err)
		}
		line, err := attest.Sign(ctx, s, key)
		if err != nil {
			return err
		}
		lines = append(append(lines, line...), '\n')
		for _, digest := range beside {
			stop := c.busy("pushing %s to %s", typ, flags.push)
			at, err := attest.Registry{Insecure: flags.insecure}.Push(ctx, flags.push, digest, line, s.PredicateType)
			stop()
			if err != nil {
				return fmt.Errorf("--push: %w", err)
			}
			c.note("%s attested: %s, beside %s", typ, at, digest)
		}
	}
	switch {
	case flags.out != "":
		return writeFile(flags.out, func(w io.Writer) error { _, err := w.Write(lines); return err })
	case flags.push == "":
		_, err = c.stdout.Write(lines)
	}
	return err
}

// beside lists the digests of what attestations are pushed beside.
func (flags *attestFlags) beside(a *fnvet.Artifact) ([]string, error) {
	if flags.push == "" {
		return nil, nil
	}
	var out []string
	for _, what := range flags.attach {
		switch what {
		case besideImage:
			out = append(out, a.Digest)
		case besideIndex:
			if a.IndexDigest == "" {
				return nil, errors.New("--attach index: the report is of an image that was not chosen from an index of its registry")
			}
			out = append(out, a.IndexDigest)
		default:
			return nil, fmt.Errorf("--attach: %q is neither image nor index", what)
		}
	}
	return out, nil
}

// statement makes one of the statements of a report.
func (flags *attestFlags) statement(typ string, r *fnvet.Report) (*attest.Statement, error) {
	switch typ {
	case "verdict":
		return attest.VerdictOf(r)
	case "vulnerability":
		return attest.VulnerabilitiesOf(r)
	case "sbom":
		o, err := flags.about.options(r.Scan.Started)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := sbom.Write(&b, "cyclonedx-json", r, o); err != nil {
			return nil, err
		}
		return attest.NewStatement(&r.Artifact, attest.CycloneDXType, json.RawMessage(b.Bytes()))
	}
	return nil, fmt.Errorf("--type: want some of %s", strings.Join(statements, ", "))
}

func readKey(file string) (*attest.Key, error) {
	data, err := readBounded(file, maxKey)
	if err != nil {
		return nil, fmt.Errorf("--key: %w", err)
	}
	key, err := attest.ParseKey(data)
	if err != nil {
		return nil, fmt.Errorf("--key: %s: %w", file, err)
	}
	return key, nil
}

// fileDigest is the SHA-256 of a file as reports state it.
func fileDigest(file string) (string, error) {
	f, err := os.Open(file) // #nosec G304 -- the user names the file
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

type verifyFlags struct {
	key, attestation, now string
	maxAge, timeout       time.Duration
	unpack                unpackFlags
}

func (c *cli) verifyCommand() *cobra.Command {
	var flags verifyFlags
	cmd := &cobra.Command{
		Use:   "verify ARTIFACT --key KEY",
		Short: "Check before a deploy that an artifact passed the gate",
		Long: `Verify checks that a verdict signed by KEY is about exactly these bytes, and that it passes.
The latest verdict by the time of its scan counts. For images in a registry the attestations
beside the image (and beside the index it is chosen from) are taken, unless --attestation names a
file. ARTIFACT may also be a digest alone: sha256:…, or the CodeSha256 that Lambda states.

Exit status: 0 the verdict passes; 1 it fails, or there is none that may be relied on;
2 usage error, or something cannot be read; 3 the verdict is of an incomplete scan.`,
		Example: "  fnvet verify orders.zip --attestation orders.intoto.jsonl --key key.pub\n" +
			"  fnvet verify registry.example/orders@sha256:… --key key.pub --max-age 168h",
		Args: wants(1, "verify", "one artifact", "fnvet verify orders.zip --attestation orders.intoto.jsonl --key key.pub"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.verify(cmd.Context(), &flags, args[0]) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&flags.key, "key", "", "public key `FILE` in PEM")
	f.StringVar(&flags.attestation, "attestation", "", "`FILE` of attestations (DSSE envelopes)")
	f.DurationVar(&flags.maxAge, "max-age", 0, "a verdict of an older scan does not count; 0: any age will do")
	f.StringVar(&flags.now, "now", "", "the `TIME` (RFC 3339) to judge ages by")
	f.DurationVar(&flags.timeout, "timeout", 5*time.Minute, "time limit")
	flags.unpack.add(f)
	_ = cmd.MarkFlagRequired("key")
	return cmd
}

func (c *cli) verify(ctx context.Context, flags *verifyFlags, target string) error {
	now := time.Now()
	if flags.now != "" {
		var err error
		if now, err = time.Parse(time.RFC3339, flags.now); err != nil {
			return fmt.Errorf("--now: %q is not an RFC 3339 time such as 2026-01-31T12:00:00Z", flags.now)
		}
	}
	key, err := readKey(flags.key)
	if err != nil {
		return err
	}
	digests, err := c.digests(ctx, flags, target)
	if err != nil {
		return targetError(target, err)
	}
	stop := c.busy("fetching the attestations of %s", target)
	envelopes, err := flags.envelopes(ctx, target, digests)
	stop()
	if err != nil {
		return err
	}
	res, err := attest.Check(ctx, envelopes, key, digests, attest.Options{Now: now, MaxAge: flags.maxAge})
	if err != nil {
		c.code = policy.CodeFail
		for _, why := range res.Refused {
			c.note("%s", why)
		}
		_, err := fmt.Fprintf(c.stdout, "NOT VERIFIED  %s: %v\n", printable(target), err)
		return err
	}
	v := res.Verdict
	c.code = v.Verdict.Code
	status := map[int]string{policy.CodePass: "VERIFIED", policy.CodeIncomplete: "INCOMPLETE"}[v.Verdict.Code]
	if status == "" {
		status, c.code = "FAIL", policy.CodeFail
	}
	_, err = fmt.Fprintf(c.stdout, "%s  %s %s: scanned %s by fnvet %s, advisories of %s%s\n", status, printable(target), printable(v.Artifact.Digest),
		v.Scan.Started.UTC().Format(time.RFC3339), printable(v.Scan.Version), printable(orNone(v.Scan.Database.Modified)), printable(because(v.Verdict.Reasons)))
	return err
}

func orNone(s string) string {
	if s == "" {
		return "no date"
	}
	return s
}

func because(reasons []string) string {
	if len(reasons) == 0 {
		return ""
	}
	return ": " + strings.Join(reasons, "; ")
}

// inRegistry tells image references from other targets.
func inRegistry(target string) bool {
	if !unpack.Remote(target) {
		return false
	}
	_, err := remote.ParseReference(target)
	return err == nil
}

// envelopes reads the attestations: of the file, or beside the image.
func (flags *verifyFlags) envelopes(ctx context.Context, target string, digests []string) ([]attest.Envelope, error) {
	if flags.attestation == "" {
		if !inRegistry(target) {
			return nil, hinted{errors.New("verify wants the attestations of what is in no registry"), "fnvet verify " + target + " --attestation FILE --key " + flags.key}
		}
		return attest.Registry{Insecure: flags.unpack.insecure}.Fetch(ctx, plainReference(target), digests)
	}
	data, err := readBounded(flags.attestation, maxAttestation)
	if err != nil {
		return nil, fmt.Errorf("--attestation: %w", err)
	}
	envelopes, err := attest.ReadEnvelopes(data)
	if err != nil {
		return nil, fmt.Errorf("--attestation: %s: %w", flags.attestation, err)
	}
	return envelopes, nil
}

func plainReference(target string) string { return strings.TrimPrefix(target, "docker://") }

// digests are those that a scan of the target would state: of the image in the
// registry; of the bytes of a file; for layouts and directories, what the walk
// finds, provided that it could read and check everything.
func (c *cli) digests(ctx context.Context, flags *verifyFlags, target string) ([]string, error) {
	if digest := statedDigest(target); digest != "" {
		return []string{digest}, nil
	}
	if inRegistry(target) {
		return attest.Registry{Insecure: flags.unpack.insecure}.Digests(ctx, plainReference(target), flags.unpack.platform)
	}
	var out []string
	info, err := os.Stat(target)
	switch {
	case err == nil && info.Mode().IsRegular():
		digest, err := fileDigest(target)
		if err != nil {
			return nil, err
		}
		if out = append(out, digest); !tarLike(target) {
			return out, nil
		}
	case err != nil && !unpack.Remote(target):
		return nil, err
	}
	q, sandboxed, err := flags.unpack.request(flags.timeout)
	if err != nil {
		return nil, err
	}
	q.Target, q.Inventory = target, true
	harvest, err := c.collect(ctx, q, sandboxed)
	if err != nil {
		return nil, err
	}
	whole := !slices.ContainsFunc(harvest.Gaps, func(g fnvet.Gap) bool {
		return g.Reason == fnvet.GapDigest || g.Reason == fnvet.GapUnreadable || g.Reason == fnvet.GapLimit || g.Reason == fnvet.GapFailed
	})
	if whole && harvest.Artifact.Digest != "" {
		out = append(out, harvest.Artifact.Digest)
	}
	return out, nil
}

// statedDigest reads an ARTIFACT that is no file but a digest: sha256:HEX, or the
// CodeSha256 that Lambda states of a function (base64). It is "" for all else.
func statedDigest(target string) string {
	if _, err := os.Lstat(target); err == nil {
		return ""
	}
	if sum, ok := strings.CutPrefix(target, "sha256:"); ok {
		if raw, err := hex.DecodeString(sum); err == nil && len(raw) == sha256.Size {
			return "sha256:" + hex.EncodeToString(raw)
		}
	}
	if raw, err := base64.StdEncoding.DecodeString(target); err == nil && len(raw) == sha256.Size {
		return "sha256:" + hex.EncodeToString(raw)
	}
	return ""
}

// tarLike tells the files whose digest in a report may be that of an image
// inside: a tar, plain or compressed.
func tarLike(file string) bool {
	f, err := os.Open(file) // #nosec G304 -- the user names the file
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 262)
	n, _ := io.ReadFull(f, head)
	head = head[:n]
	return bytes.HasSuffix(head, []byte("ustar")) || bytes.HasPrefix(head, []byte{0x1f, 0x8b}) || bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd})
}
