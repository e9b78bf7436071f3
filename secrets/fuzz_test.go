package secrets

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
)

// FuzzDetect: no input panics, findings are in order and inside the file, and
// searching again finds the same.
func FuzzDetect(f *testing.F) {
	f.Add("a.js", []byte("key = '"+awsKey+"'"))
	f.Add("a.bin", []byte("\xff\xfek\x00e\x00y\x00"))
	f.Add("a.yaml", []byte("kind: Secret\ndata:\n  a: aGVsbG8gd29ybGQ=\n"))
	f.Add("x.p12", []byte("\x30\x82\x00"))
	f.Add("a.sh", []byte("curl -H 'Authorization: Bearer abcdefgh12' https://x\n"))
	f.Add("bootstrap", []byte(universal(true, "\xcf\xfa\xed\xfe\x07\x00\x00\x01", "")))
	s := newScanner(f)
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		in := file(name, string(data))
		facts, err := s.Detect(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(in.Data, data) {
			t.Fatal("the file was changed")
		}
		for i, x := range facts.Findings {
			if x.Secret.Start < 0 || x.Secret.End < x.Secret.Start || x.Secret.End > len(data) {
				t.Errorf("%s at %d..%d of %d", x.ID, x.Secret.Start, x.Secret.End, len(data))
			}
			if i > 0 && facts.Findings[i-1].Secret.Start > x.Secret.Start {
				t.Errorf("%s out of order", x.ID)
			}
		}
		again, err := s.Detect(t.Context(), in)
		if err != nil || ids(again.Findings) != ids(facts.Findings) {
			t.Errorf("%v, %s, then %s", err, ids(facts.Findings), ids(again.Findings))
		}
	})
}

// FuzzPlanted: a secret is found wherever it stands, in every encoding.
func FuzzPlanted(f *testing.F) {
	f.Add("some text\n", "more\n", uint8(0))
	f.Add("", "", uint8(1))
	f.Add("\x00\x01\x02", "\x00", uint8(2))
	f.Add("\x00", "0", uint8(1)) // begins like UTF-32
	s := newScanner(f)
	f.Fuzz(func(t *testing.T, before, after string, how uint8) {
		data := before + " '" + awsKey + "' " + after
		switch how % 4 {
		case 1:
			data = wide(data, binary.LittleEndian, true)
		case 2:
			data = wide(data, binary.BigEndian, true)
		case 3: // in a binary
			data = "\x7fELF\x00\x00" + strings.ReplaceAll(before, awsKey, "") + "\x00" + wide("'"+awsKey+"'", binary.LittleEndian, false) + "\x00\x00"
		}
		facts, err := s.Detect(t.Context(), file("a", data))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(facts.Findings, func(x fnvet.Finding) bool { return x.ID == "secret/aws-access-token" }) && len(facts.Gaps) == 0 {
			t.Errorf("not found in %q", data)
		}
	})
}

// FuzzRedact: what Settings reports of a text, Redact hides.
func FuzzRedact(f *testing.F) {
	f.Add("ENV TOKEN=" + ghToken)
	f.Add("curl https://u:p@h/ --token x")
	s := newScanner(f)
	f.Fuzz(func(t *testing.T, line string) {
		out := s.Redact(line)
		for _, x := range s.Settings(t.Context(), []fnvet.Setting{{Name: "history", Value: line}}) {
			secret := line[x.Secret.Start:x.Secret.End]
			if len(secret) > 8 && strings.Contains(out, secret) && strings.Count(line, secret) == 1 {
				t.Errorf("%s shown in %q", x.ID, out)
			}
		}
	})
}

// FuzzRules: rules of users do not panic.
func FuzzRules(f *testing.F) {
	f.Add("[[rules]]\nid='x'\nregex='a{2,}(b|c)*$'\nkeywords=['a']\n", []byte("aaaabc"))
	f.Add("[[rules]]\nid='x'\nregex='(ab){2}|q'\nkeywords=['b','']\n[[rules.allowlists]]\nstopwords=['z']", []byte("abab"))
	f.Add("[[rules.allowlists]]", []byte("a"))
	f.Fuzz(func(t *testing.T, rules string, data []byte) {
		s, err := New(Options{Key: make([]byte, KeySize), Rules: rules})
		if err != nil {
			return
		}
		if _, err := s.Detect(t.Context(), file("a", string(data))); err != nil {
			t.Fatal(err)
		}
	})
}
