package secrets

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
)

// overflowing is an SQLite database of 512-byte pages with one row whose value
// goes on on overflow pages, with the token across the edge of the first page.
func overflowing(token string) []byte {
	const size = 512
	least := (size-12)*32/255 - 23
	value := strings.Repeat("x", least-20) + " '" + token + "' " + strings.Repeat("y", 1200)
	kind := 13 + 2*len(value)
	head := []byte{0, byte(kind>>7) | 0x80, byte(kind & 0x7f)} // of three bytes: its length, a type of two
	head[0] = byte(len(head))
	record := append(head, value...)
	n := len(record)
	local := least + (n-least)%(size-4)
	if local > size-35 {
		local = least
	}
	page := make([]byte, size)
	copy(page, sqliteMagic)
	binary.BigEndian.PutUint16(page[16:], size)
	page[100] = sqliteLeafTable
	binary.BigEndian.PutUint16(page[103:], 1)
	cell := append([]byte{byte(n>>7) | 0x80, byte(n & 0x7f), 1}, record[:local]...)
	cell = binary.BigEndian.AppendUint32(cell, 2)
	at := size - len(cell)
	copy(page[at:], cell)
	binary.BigEndian.PutUint16(page[108:], uint16(at))
	db := page
	for rest, next := record[local:], uint32(3); len(rest) > 0; next++ {
		part := rest[:min(len(rest), size-4)]
		rest = rest[len(part):]
		if len(rest) == 0 {
			next = 0
		}
		p := binary.BigEndian.AppendUint32(nil, next)
		p = append(p, part...)
		db = append(db, append(p, make([]byte, size-len(p))...)...)
		if next == 0 {
			break
		}
	}
	return db
}

// pdf is a document whose page shows the token in two parts and whose title is key.
func pdf(token, key string, deflated bool) string {
	content := "BT /F1 12 Tf [(" + token[:10] + ") -20 (" + token[10:] + ")] TJ ET\n"
	filter := ""
	if deflated {
		content, filter = zlibbed(content), " /Filter /FlateDecode"
	}
	title := "\xfe\xff"
	for _, c := range key {
		title += "\x00" + string(c)
	}
	return "%PDF-1.4\n1 0 obj\n<< /Title <" + hex.EncodeToString([]byte(title)) + "> /Author (Bob \\(B\\)) >>\nendobj\n2 0 obj\n<<" + filter +
		" >>\nstream\n" + content + "\nendstream\nendobj\ntrailer << /Info 1 0 R >>\n%%EOF\n"
}

// TestInsides: what formats keep in a form of their own.
func TestInsides(t *testing.T) {
	s := newScanner(t)
	for _, tt := range []struct{ container, name, data, want, why string }{
		{"", "a.db", string(overflowing(ghToken)), "github-pat", "a value on overflow pages"},
		{"", "a.pdf", pdf(ghToken, awsKey, false), "aws-access-token github-pat", "a PDF's title, and its page"},
		{"", "a.pdf", pdf(ghToken, awsKey, true), "aws-access-token github-pat", "the same, deflated"},
		{"", "a.pdf", "%PDF-1.4\nstream\n" + zlibbed("x")[:4], "", "cut off"},
		{"a.docx", "word/document.xml", "<w:p><w:r><w:t>" + ghToken[:9] + "</w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>" + ghToken[9:] + "</w:t></w:r></w:p>", "github-pat", "a token in two runs"},
		{"a.xlsx", "xl/sharedStrings.xml", "<si><t>" + ghToken + "</t></si>", "github-pat", "a cell, once"},
		{"a.docx", "docProps/core.xml", "<cp:coreProperties><dc:title>" + awsKey + "</dc:title></cp:coreProperties>", "aws-access-token", "a property"},
		{"a.docx", "word/document.xml", "<w:p><w:r><w:t>" + ghToken[:9] + "</w:t></w:r></w:p><w:p><w:r><w:t>" + ghToken[9:] + "</w:t></w:r></w:p>", "", "two paragraphs"},
		{"", "profile/logins.json", `{"logins":[{"hostname":"https://x.test","encryptedPassword":"` + strings.Repeat("MDIEEPgA", 8) + `"}]}`, "firefox-logins", "Firefox"},
		{"", "profile/logins.json", `{"logins":[]}`, "", "no login"},
	} {
		f := file(tt.name, tt.data)
		f.Container = tt.container
		var got []string
		for _, x := range find(t, s, f) {
			if x.Secret.Confidence != fnvet.ConfidenceLow {
				got = append(got, x.Secret.Rule)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %q, want %q", tt.why, got, tt.want)
		}
	}
}

// TestKeystores: those of OpenJDK's keytool, OpenSSL and NSS's certutil (testdata: keys
// made for this test). Certificates alone are no finding, nor is a password of one's own.
func TestKeystores(t *testing.T) {
	s := newScanner(t)
	for _, tt := range []struct {
		name string
		want bool
	}{
		{"changeit.jks", true}, {"changeit.p12", true}, {"strong.p12", false}, {"trust.jks", false},
		{"open-key4.db", true}, {"strong-key4.db", false}, {"empty-key4.db", false},
	} {
		data, err := os.ReadFile(filepath.Join("testdata", tt.name))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Contains(ids(find(t, s, file("conf/"+tt.name, string(data)))), keystoreID)
		if got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
		for i := 0; i < len(data); i += 1 + len(data)>>11*100 { // no cut panics
			opensByDefault(data[:i])
		}
		if strings.HasSuffix(tt.name, "jks") && opensByDefault(append(bytes.Clone(data), 0)) {
			t.Errorf("%s: opens with a byte added", tt.name)
		}
	}
}

// TestELF builds Go programs whose strings touch and looks for tokens in them.
func TestELF(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	dir := t.TempDir()
	source := "package main\n\nimport \"os\"\n\nvar table = []string{\"" + ghToken + "\", \"" + strings.Repeat("abcdefgh", 5) + "\"}\n\n" +
		"func main() {\n\tif len(os.Args) > 3 {\n\t\tprintln(\"" + awsKey + "\", \"QWERTZUIOPASDFGHJKLY\")\n\t}\n\tprintln(table[len(os.Args)%2])\n}\n"
	for name, text := range map[string]string{"main.go": source, "go.mod": "module x\n\ngo 1.26\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := newScanner(t)
	for _, arch := range []string{"amd64", "arm64"} {
		c := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", "out", ".")
		c.Dir, c.Env = dir, append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0", "GOFLAGS=", "GOARCH="+arch)
		if out, err := c.CombinedOutput(); err != nil {
			t.Skipf("go build: %v %s", err, out)
		}
		data, err := os.ReadFile(filepath.Join(dir, "out"))
		if err != nil {
			t.Fatal(err)
		}
		got := ids(find(t, s, file("bootstrap", string(data))))
		for _, want := range []string{"aws-access-token", "github-pat"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q lacks %s", arch, got, want)
			}
		}
	}
}

// FuzzInsides: no document or store panics, and what is found lies in the file.
func FuzzInsides(f *testing.F) {
	f.Add("", "a.pdf", []byte(pdf(ghToken, awsKey, true)))
	f.Add("a.docx", "word/document.xml", []byte("<w:t>a</w:t"))
	f.Add("", "a.db", overflowing(ghToken))
	f.Add("", "a.jks", []byte("\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02"+strings.Repeat("\x00\x01a", 20)))
	f.Add("", "bootstrap", []byte("\x7fELF\x02\x01\x01"+strings.Repeat("\x00", 200)))
	f.Fuzz(func(t *testing.T, container, name string, data []byte) {
		opensByDefault(data)
		inside := func(start, end int) {
			if start < 0 || end < start || end > len(data) {
				t.Errorf("%d..%d of %d", start, end, len(data))
			}
		}
		imageStrings(data, elfImage, inside)
		imageStrings(data, machoImage, inside)
		imageStrings(data, peImage, inside)
		scan := func(_ []byte, start, end int) error {
			inside(start, end)
			return nil
		}
		_ = sqliteOverflow(data, scan)
		_ = documentTexts(container, name, data, scan)
	})
}
