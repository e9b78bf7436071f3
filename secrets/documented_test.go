package secrets

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
)

// A documented format is a line of testdata/formats.txt.
type documented struct{ rule, name, format string }

func documentedFormats(t testing.TB) []documented {
	t.Helper()
	text, err := os.ReadFile("testdata/formats.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []documented
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.SplitN(strings.TrimSpace(line), " | ", 3)
		if len(parts) != 3 {
			t.Fatalf("formats.txt: %q", line)
		}
		out = append(out, documented{parts[0], parts[1], parts[2]})
	}
	return out
}

const (
	lowerLetters = "abcdefghijklmnopqrstuvwxyz"
	upperLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits       = "0123456789"
)

// alphabets are the classes of formats.txt.
func alphabets() map[string]string {
	return map[string]string{
		"hex": digits + "abcdef", "HEX": digits + "ABCDEF", "dig": digits, "alpha": lowerLetters + upperLetters,
		"low": digits + lowerLetters, "UP": digits + upperLetters, "b62": base62, "url": base62 + "_-", "b64": base62 + "+/",
		"b32": upperLetters + "234567", "b32l": lowerLetters + "234567", "bech32": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
		"b58": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
	}
}

// value makes a random value of a format.
func (d documented) value(t testing.TB, r *rand.Rand) string {
	t.Helper()
	var b strings.Builder
	draw := func(n int, class string) {
		alphabet, ok := alphabets()[class]
		if !ok || n == 0 {
			t.Fatalf("%s: class %q", d.rule, class)
		}
		for range n {
			b.WriteByte(alphabet[r.IntN(len(alphabet))])
		}
	}
	for rest := d.format; rest != ""; {
		text, field, ok := strings.Cut(rest, "{")
		b.WriteString(text)
		if !ok {
			break
		}
		field, rest, _ = strings.Cut(field, "}")
		switch field {
		case "uuid":
			for i, n := range []int{8, 4, 4, 4, 12} {
				if i > 0 {
					b.WriteByte('-')
				}
				if i == 2 {
					b.WriteByte('4')
					n--
				}
				draw(n, "hex")
			}
		case "crc62":
			_, random, _ := strings.Cut(b.String(), "_")
			n, sum := crc32.ChecksumIEEE([]byte(random)), [checksumLen]byte{}
			for i := range sum {
				sum[len(sum)-1-i] = base62[n%62]
				n /= 62
			}
			b.Write(sum[:])
		case "crc36":
			fmt.Fprintf(&b, "%07s", strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(b.String()))), 36))
		default:
			count, class, _ := strings.Cut(field, ":")
			n, _ := strconv.Atoi(count)
			draw(n, class)
		}
	}
	return b.String()
}

// A setting is a way in which files state a name and a value.
type written struct{ file, format string }

// ways are files in which functions carry credentials; %[1]s is the name as
// variables of the environment are called, %[2]s as variables of code, %[3]s the value.
func ways() []written {
	return []written{
		{"dist/index.js", `"use strict";var a=require("x"),r={region:"eu-west-1",%[2]s:"%[3]s"};module.exports=function(e,t){return a(r,e)(t)};`},
		{"src/handler.ts", "import {x} from './x';\nconst %[2]s: string = '%[3]s';\nexport const run = () => x(%[2]s);\n"},
		{"app.py", "import os\n\n%[1]s = \"%[3]s\"\n\ndef handler(event, context):\n    return call(%[1]s)\n"},
		{"lambda.py", "client = Client(\n    %[2]s='%[3]s',\n    timeout=3,\n)\n"},
		{".env", "NODE_ENV=production\n%[1]s=%[3]s\nLOG_LEVEL=info\n"},
		{"template.yaml", "Resources:\n  Fn:\n    Type: AWS::Serverless::Function\n    Properties:\n      Environment:\n        Variables:\n          %[1]s: %[3]s\n"},
		{"config/settings.json", "{\n  \"stage\": \"prod\",\n  \"%[2]s\": \"%[3]s\",\n  \"retries\": 3\n}\n"},
		{"Dockerfile", "FROM scratch\nENV STAGE=prod \\\n    %[1]s=%[3]s\nCMD [\"/app\"]\n"},
		{"main.tf", "resource \"aws_lambda_function\" \"f\" {\n  environment {\n    variables = {\n      %[1]s = \"%[3]s\"\n    }\n  }\n}\n"},
		{"deploy.sh", "#!/bin/sh\nset -eu\nexport %[1]s='%[3]s'\nexec ./run\n"},
		{"main.go", "package main\n\nconst %[2]s = \"%[3]s\"\n\nfunc main() { run(%[2]s) }\n"},
		{"Config.java", "class Config {\n  static final String %[1]s = \"%[3]s\";\n}\n"},
		{"config.rb", "Acme.configure do |c|\n  c.%[2]s = '%[3]s'\nend\n"},
		{"application.properties", "server.port=8080\nacme.%[2]s=%[3]s\n"},
	}
}

// camel writes a name of the environment as code does.
func camel(name string) string {
	parts := strings.Split(strings.ToLower(name), "_")
	for i := 1; i < len(parts); i++ {
		if parts[i] != "" {
			parts[i] = strings.ToUpper(parts[i][:1]) + parts[i][1:]
		}
	}
	return strings.Join(parts, "")
}

// A score is what became of the values or lines of one rule.
type score struct{ tries, good int }

func (c score) String() string {
	if c.tries == 0 {
		return "none"
	}
	return fmt.Sprintf("%d of %d", c.good, c.tries)
}

// documentedScores tries four values of every documented format, in files as functions
// have them: how many of each rule's are found, and how many of all by the very rule.
func documentedScores(t *testing.T, s *Scanner) (rules map[string]score, named int) {
	t.Helper()
	r := rand.New(rand.NewPCG(31, 7))
	all, rules := ways(), map[string]score{}
	for _, d := range documentedFormats(t) {
		for range 4 {
			value, way := d.value(t, r), all[r.IntN(len(all))]
			text := fmt.Sprintf(way.format, d.name, camel(d.name), value)
			hits := find(t, s, file(way.file, text))
			at := strings.Index(text, value)
			over := func(f fnvet.Finding) bool {
				return f.Secret.Confidence != fnvet.ConfidenceLow && f.Secret.Start < at+len(value) && at < f.Secret.End
			}
			c := rules[d.rule]
			c.tries++
			if slices.ContainsFunc(hits, over) {
				c.good++
			} else {
				t.Logf("%s: missed in %s: %s", d.rule, way.file, text)
			}
			rules[d.rule] = c
			if slices.ContainsFunc(hits, func(f fnvet.Finding) bool { return over(f) && f.Secret.Rule == d.rule }) {
				named++
			}
		}
	}
	return rules, named
}

// TestDocumented measures recall on values made from what providers say of their
// formats.
func TestDocumented(t *testing.T) {
	rules, named := documentedScores(t, newScanner(t))
	var sum score
	for _, c := range rules {
		sum.tries, sum.good = sum.tries+c.tries, sum.good+c.good
	}
	t.Logf("%d formats of %d rules: %s found, %d by their own rule", len(documentedFormats(t)), len(rules), sum, named)
	if sum.tries < 600 || sum.good*100 < sum.tries*98 {
		t.Error("below what docs/secrets.md states")
	}
}
