package secrets

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
)

// newScanner returns a scanner with a fixed key.
func newScanner(t testing.TB) *Scanner {
	t.Helper()
	s, err := New(Options{Key: bytes.Repeat([]byte{7}, KeySize)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func file(name, data string) *fnvet.File {
	return &fnvet.File{Path: name, Name: name, Size: int64(len(data)), Mode: fs.FileMode(0o644), Data: []byte(data)}
}

// find returns the findings of one file.
func find(t testing.TB, s *Scanner, f *fnvet.File) []fnvet.Finding {
	t.Helper()
	facts, err := s.Detect(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range facts.Gaps {
		t.Errorf("gap: %+v", g)
	}
	return facts.Findings
}

// ids lists the rules of the findings, in order.
func ids(found []fnvet.Finding) string {
	var out []string
	for _, f := range found {
		out = append(out, strings.TrimPrefix(f.ID, idPrefix))
	}
	return strings.Join(out, " ")
}

// Credentials that were never issued; put together here so that no scanner of
// this repository takes them for real ones.
var (
	awsKey   = "AKIA" + "Q3EGRZT5PLMN7VWB"
	ghToken  = "ghp_" + "9aLkQ2xZ7vBn4TyR8mWc5JdH3sFgP6uE1oKi"
	npmToken = "npm_" + "x8Kd72LmQp0VbN4sTzR6yWcE1HgJ5fUa3oXi"
	generic  = "q7Zt9Xw2Lk4Vb8Nc3Rm5"
)

func TestDetect(t *testing.T) {
	s := newScanner(t)
	for _, tt := range []struct{ name, data, want, why string }{
		{"a.js", "k = '" + awsKey + "'", "aws-access-token", "a format"},
		{"a.js", "k='" + awsKey + "',b=1", "aws-access-token", "minified, no space after the quote"},
		{"a.js", "k = 'AKIA" + "IOSFODNN7EXAMPLE'", "", "the example of the documentation"},
		{"a.js", "k = 'x" + awsKey + "'", "", "part of a longer word"},
		{"a.js", "secretKey = \"" + generic + "\"", "generic-api-key", "a name"},
		{"a.js", "secretKey = \"aaaaaaaaaaaaaaaaaaaa\"", "", "low entropy"},
		{"a.js", "secretKey = \"processEnvironment1\"", "", "stop word"},
		{"a.js", "public_key = \"" + generic + "\"", "", "allowlist of the match"},
		{"a.js", "api_key = \"" + ghToken + "\"", "github-pat", "generic and specific: the specific one"},
		{"a.js", "token = \"xfalse" + generic + "\"", "generic-api-key", "a secret with false in it, which gitleaks drops"},
		{"a.js", "token = \"false\"", "", "false"},
		{"node_modules/x/i.js", "k = '" + awsKey + "'", "aws-access-token", "node_modules is searched"},
		{"vendor/github.com/x/i.go", "k = `" + awsKey + "`", "aws-access-token", "vendor is searched"},
		{"package-lock.json", `"token": "` + generic + `"`, "", "a name in a lockfile"},
		{"package-lock.json", `"resolved": "https://x/?t=` + npmToken + `"`, "npm-access-token", "a format in a lockfile"},
		{"node_modules/@octokit/auth-token/README.md", "auth('" + ghToken + "')", "", "path allowlist of a rule"},
		{"a.tf", "admin_password = \"Hq7xP2mZ9w\"", "hashicorp-tf-password", "a rule for some paths"},
		{"a.js", "admin_password = \"Hq7xP2mZ9w\";", "", "the same in another file"},
		{"a.pem", "-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat("MIIEpAIBAAKCAQEA7bq\n", 8) + "-----END RSA PRIVATE KEY-----\n", "private-key", "several lines"},
		{"a.pem", "-----BEGIN PUBLIC KEY-----\n" + strings.Repeat("MIIEpAIBAAKCAQEA7bq\n", 8) + "-----END PUBLIC KEY-----\n", "", "a public key"},
		{"a.pem", "-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat("MIIEpAIBAAKCAQEA7bq\n", 8), "", "cut off: no end"},
		{"id.p12", "\x30\x82\x01\x02", "pkcs12-file", "by its name and first byte"},
		{"id.p12", "not a key store", "", "by its name alone it is nothing"},
	} {
		if got := ids(find(t, s, file(tt.name, tt.data))); got != tt.want {
			t.Errorf("%s: %.60q: %q, want %q (%s)", tt.name, tt.data, got, tt.want, tt.why)
		}
	}
}

func TestFinding(t *testing.T) {
	s := newScanner(t)
	f := file("src/app.js", "// é\n  const awsKey = '"+awsKey+"';\n")
	f.Path, f.Layer = "fn.zip!/src/app.js", "sha256:1"
	got := find(t, s, f)
	want := []fnvet.Finding{{
		ID: "secret/aws-access-token", Kind: fnvet.SecretKind, Severity: fnvet.High, Title: "AWS access token of account 058264243450",
		Path: "fn.zip!/src/app.js", Line: 2, Column: 19, Layer: "sha256:1",
		Evidence: awsKey[:6] + "…(20 chars)", Salt: salt([]byte(awsKey)),
		Secret: &fnvet.Secret{
			Rule: "aws-access-token", Hash: s.hash([]byte(awsKey)), Start: 24, End: 44, Name: "awsKey",
			Confidence: fnvet.ConfidenceHigh, Source: "file",
		},
		Remediation: remediation(&rule{}),
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(got[0].Secret.Hash) != 16 || len(got[0].Salt) != 4 {
		t.Errorf("hash %q, salt %q", got[0].Secret.Hash, got[0].Salt)
	}
	other, err := New(Options{Key: bytes.Repeat([]byte{8}, KeySize)})
	if err != nil {
		t.Fatal(err)
	}
	again := find(t, other, f)
	if again[0].Secret.Hash == got[0].Secret.Hash || again[0].Salt != got[0].Salt {
		t.Error("the hash must depend on the key, the salt must not")
	}
}

// wide encodes text as UTF-16.
func wide(text string, order binary.ByteOrder, mark bool) string {
	var b bytes.Buffer
	if mark {
		text = "\ufeff" + text
	}
	if err := binary.Write(&b, order, utf16.Encode([]rune(text))); err != nil {
		panic(err)
	}
	return b.String()
}

func TestEncodings(t *testing.T) {
	s := newScanner(t)
	text := "first 𝄞 line\r\npassword=1\nkey = \"" + awsKey + "\"\n"
	elf := "\x7fELF\x02\x01\x00\x00" + strings.Repeat("\x00\x01", 50)
	for _, tt := range []struct {
		why, data    string
		start, width int
		line, column int
	}{
		{"UTF-8", text, strings.Index(text, awsKey), 20, 3, 8},
		{"UTF-8 with a mark", "\ufeff" + text, 3 + strings.Index(text, awsKey), 20, 3, 8},
		{"UTF-16 LE, mark", wide(text, binary.LittleEndian, true), 2 + 2*33, 40, 3, 8},
		{"UTF-16 BE, mark", wide(text, binary.BigEndian, true), 2 + 2*33, 40, 3, 8},
		{"UTF-16 LE", wide(text, binary.LittleEndian, false), 2 * 33, 40, 3, 8},
		{"UTF-16 BE", wide(text, binary.BigEndian, false), 2 * 33, 40, 3, 8},
		{"a string of a binary", elf + awsKey + "\x00", len(elf), 20, 0, 0},
		{"a wide string of a binary", elf + wide(awsKey, binary.LittleEndian, false) + "\xff\xff", len(elf), 40, 0, 0},
	} {
		got := find(t, s, file("a.bin", tt.data))
		if len(got) != 1 {
			t.Errorf("%s: %s", tt.why, ids(got))
			continue
		}
		f := got[0]
		at := [4]int{f.Secret.Start, f.Secret.End - f.Secret.Start, f.Line, f.Column}
		if want := [4]int{tt.start, tt.width, tt.line, tt.column}; at != want {
			t.Errorf("%s: start, width, line, column %v, want %v", tt.why, at, want)
		}
	}
}

// TestNothingLeaks plants a secret of 20 rules and more and searches everything
// a finding says for them.
func TestNothingLeaks(t *testing.T) {
	s := newScanner(t)
	r := rand.New(rand.NewPCG(9, 9))
	var all []string
	for _, rule := range s.set.rules {
		if rule.regexText == "" {
			continue
		}
		name, data := sample(t, rule, r)
		w := newWorker(s)
		w.reset(t.Context(), file(name, data))
		w.reads = spareReads
		w.mark([]byte(data))
		for _, i := range w.order {
			w.search(s.set.rules[i], &text{data: []byte(data)})
		}
		for _, c := range w.drafts {
			all = append(all, string(c.secret()))
		}
		found := find(t, s, file(name, data))
		found = append(found, s.Settings(t.Context(), []fnvet.Setting{{Name: "A_PASSWORD", Value: data, Path: "image-config"}})...)
		out, err := json.Marshal(found)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range w.drafts {
			secret := string(c.secret())
			quoted, _ := json.Marshal(secret)
			if len(secret) >= 8 && (bytes.Contains(out, []byte(secret)) || bytes.Contains(out, bytes.Trim(quoted, `"`))) {
				t.Errorf("%s: its secret is in %s", rule.id, out)
			}
		}
		for _, f := range found {
			checkEvidence(t, &f, data)
		}
	}
	if len(all) < 200 {
		t.Errorf("only %d secrets planted", len(all))
	}
}

// checkEvidence holds an excerpt to a prefix the rule fixes and two characters.
func checkEvidence(t *testing.T, f *fnvet.Finding, data string) {
	t.Helper()
	shown, _, ok := strings.Cut(f.Evidence, "…(")
	if !ok || strings.ContainsFunc(f.Evidence, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		t.Errorf("%s: evidence %q", f.ID, f.Evidence)
	}
	if f.Secret.Source != "file" {
		return
	}
	secret := data[f.Secret.Start:f.Secret.End]
	if hidden := len(secret) - len(shown); hidden < minHidden && len(shown) > 0 {
		t.Errorf("%s: %q hides %d bytes of %d", f.ID, f.Evidence, hidden, len(secret))
	}
}

func TestNew(t *testing.T) {
	key := make([]byte, KeySize)
	for _, tt := range []struct{ rules, want, why string }{
		{"", "", "no more rules"},
		{"[[rules]]\nid='x'\nregex='a(b'\n", "missing closing )", "an expression that does not parse"},
		{"[[rules]]\nid='x'\n", "neither a regex nor a path", "a rule of nothing"},
		{"[[rules]]\nregex='x'\n", "without an id", "no id"},
		{"[extend]\npath='/etc/passwd'\n", "not followed", "a path to follow"},
		{"[[allowlists]]\nregexes=['(']\n", "missing", "an allowlist that does not parse"},
		{"[[allowlists]]\ndescription='x'\n", "checks nothing", "an empty allowlist"},
		{"[[allowlists]]\ntargetRules=['nope']\npaths=['x']\n", `no rule "nope"`, "a target that is not there"},
		{"[[rules]]\nid='x'\nregex='x'\n[[rules.allowlists]]\ncondition='NOR'\npaths=['x']", "condition", "an unknown condition"},
		{"[[rules]]\nid='x'\nregex='x'\n[[rules.required]]\nid='y'", `no rule "y"`, "a required rule that is not there"},
		{"rules = 1", "", "not a list of rules"},
	} {
		s, err := New(Options{Key: key, Rules: tt.rules})
		switch {
		case tt.rules == "rules = 1":
			if err == nil {
				t.Error("rules = 1 is taken")
			}
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.why, err)
		case tt.want != "" && (err == nil || s != nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %v, want %q", tt.why, err, tt.want)
		}
	}
	if _, err := New(Options{}); err == nil {
		t.Error("no key is taken")
	}
}

func TestAddedRules(t *testing.T) {
	s, err := New(Options{Key: make([]byte, KeySize), Rules: `
[extend]
useDefault = true
disabledRules = ["npm-access-token"]
[[rules]]
id = "acme-key"
description = "Acme."
regex = '''acme_([a-z]{10})'''
keywords = ["ACME_"]
[[rules]]
id = "no-keyword"
regex = '''\bQ[0-9]{9}Q\b'''
[[rules]]
id = "github-pat"
keywords = ["ghx_"]
regex = '''gh[px]_[0-9a-zA-Z]{36}'''
[[rules]]
id = "wide-part"
regex = '''part[0-9]{6}'''
keywords = ["part"]
skipReport = true
[[allowlists]]
paths = ['''^skip/''']
[[allowlists]]
condition = "AND"
regexTarget = "line"
regexes = ['''nothing here''']
paths = ['''\.txt$''']
`})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, data, want, why string }{
		{"a", "x acme_abcdefghij", "acme-key", "an added rule"},
		{"a", "x Q123456789Q", "no-keyword", "a rule without keywords"},
		{"a", "x " + npmToken, "", "a disabled rule"},
		{"a", "ghx_" + ghToken[4:], "github-pat", "a changed rule"},
		{"skip/a", "x acme_abcdefghij", "", "a path for all rules"},
		{"a.txt", "x acme_abcdefghij nothing here", "", "both conditions"},
		{"a.md", "x acme_abcdefghij nothing here", "acme-key", "one of two conditions"},
		{"a", "part123456", "", "a rule that is not reported"},
	} {
		if got := ids(find(t, s, file(tt.name, tt.data))); got != tt.want {
			t.Errorf("%s %q: %q, want %q (%s)", tt.name, tt.data, got, tt.want, tt.why)
		}
	}
}

func TestRules(t *testing.T) {
	list, err := Rules()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 222 {
		t.Errorf("%d rules", len(list))
	}
	if !slices.IsSortedFunc(list, func(a, b fnvet.Rule) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("not sorted")
	}
	for _, r := range list {
		if r.Title == "" || len(r.Help) < 40 || r.Severity.Rank() == 0 || !strings.HasPrefix(r.ID, "secret/") || strings.ContainsRune(r.Title, '\n') {
			t.Errorf("%+v", r)
		}
	}
	if v := Version(); !strings.Contains(v, gitleaksVersion) {
		t.Errorf("version %q", v)
	}
}

func TestWant(t *testing.T) {
	s := newScanner(t)
	png := "\x89PNG\r\n\x1a\n\x00\x00"
	for _, tt := range []struct {
		file *fnvet.File
		want bool
		why  string
	}{
		{file("a.js", "x"), true, "text"},
		{file("a.js", ""), false, "empty"},
		{file("a.png", png), false, "a picture"},
		{file("a.png", "TOKEN=1"), true, "text under a picture's name"},
		{file("lib.so", "\x7fELF\x00"), true, "a binary"},
		{&fnvet.File{Name: "l", Mode: fs.ModeSymlink, Link: "x", Size: 1}, false, "a link"},
		{&fnvet.File{Name: "a.zip", Archive: true, Size: 1, Data: []byte("P")}, false, "an archive: its entries come one by one"},
		{file(".gitleaks.toml", "x"), false, "gitleaks' own rules"},
	} {
		if got := s.Want(tt.file); got != tt.want {
			t.Errorf("%s: %v", tt.why, got)
		}
	}
}

// TestConcurrent checks that the findings are the same however many search at once.
func TestConcurrent(t *testing.T) {
	s := newScanner(t)
	r := rand.New(rand.NewPCG(1, 1))
	var files []*fnvet.File
	var want [][]fnvet.Finding
	for _, rule := range s.set.rules[:60] {
		if rule.regexText != "" {
			name, data := sample(t, rule, r)
			files = append(files, file(name, data+generateCode(2000)))
			want = append(want, find(t, newScanner(t), files[len(files)-1]))
		}
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i, f := range files {
				facts, err := s.Detect(t.Context(), f)
				if d := cmp.Diff(want[i], facts.Findings); err != nil || d != "" {
					t.Errorf("%v %s", err, d)
				}
			}
		})
	}
	group.Wait()
}

func TestLimits(t *testing.T) {
	s := newScanner(t)
	var b strings.Builder
	r := rand.New(rand.NewPCG(4, 4))
	for range maxFindings + 10 {
		b.WriteString("k = 'AKIA")
		for range 16 {
			b.WriteByte("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[r.IntN(32)])
		}
		b.WriteString("'\n")
	}
	facts, err := s.Detect(t.Context(), file("a.js", b.String()))
	if err != nil || len(facts.Findings) != maxFindings || len(facts.Gaps) != 1 || facts.Gaps[0].Reason != fnvet.GapLimit {
		t.Errorf("%v, %d findings, %+v", err, len(facts.Findings), facts.Gaps)
	}
}

// hostileUnits are repeated to texts that were slow once: each took time in the
// square of its length when something in the engine was quadratic.
var hostileUnits = []string{
	"key=", "keykey", "key=" + generic + ";", "ey", "-eyJ", "curl ", "curl -u a:b ", "-----BEGIN PRIVATE KEY-----",
	"AKIA", "Q~", "T3BlbkFJ", "secret data: ", "kind: secret ", "facebook 123456789012345|", "https://a.webhook.office.com/webhookb2/",
	"a", "\n", "\x00abcdefg", "sk-ant-api03-", ".atlasv1.", "xoxb-1111111111-", "token:\n\n\n", "_mmk",
	`"a"+`, "%41", `\u0041`, "QUJD", "reverse'abcdefghijklmnop'", "'x',join", "- a\n", "{", "://a:bcd@e ", "&#65;", `"`, `\`,
}

// TestHostile searches them: a search ends without an error, and one that was
// capped says so.
func TestHostile(t *testing.T) {
	s := newScanner(t)
	for _, unit := range hostileUnits {
		data := strings.Repeat(unit, 1<<16/len(unit))
		facts, err := s.Detect(t.Context(), file("a.yaml", data))
		if err != nil {
			t.Errorf("%q: %v", unit, err)
		}
		for _, g := range facts.Gaps {
			if g.Reason != fnvet.GapLimit {
				t.Errorf("%q: gap %+v", unit, g)
			}
		}
	}
}
