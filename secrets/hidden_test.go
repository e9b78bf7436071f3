package secrets

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/fnvet/fnvet"
)

func escapeAll(format, s string) string {
	var b strings.Builder
	for _, c := range s {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func zlibbed(s string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func backwards(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// classFile is a Java class file with one string constant.
func classFile(s string) string {
	b := []byte("\xca\xfe\xba\xbe\x00\x00\x00\x34\x00\x04\x05\x00\x00\x00\x00\x00\x00\x00\x01\x01")
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	b = append(b, s...)
	return string(b) + "\x00\x21\x00\x00"
}

func utf16Text(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

func utf32Text(s string, order binary.AppendByteOrder) string {
	b := order.AppendUint32(nil, 0xfeff)
	for _, r := range s {
		b = order.AppendUint32(b, uint32(r))
	}
	return string(b)
}

func TestHidden(t *testing.T) {
	s := newScanner(t)
	std, url := base64.StdEncoding, base64.RawURLEncoding
	pat := "github_pat_" + strings.Repeat("9aLkQ2xZ7v", 8) + "Bn" // 93 bytes: its length byte is printable
	line := "token = '" + ghToken + "'\n"
	for _, tt := range []struct{ name, data, want, why string }{
		{"a.js", "x = '" + std.EncodeToString([]byte(awsKey)) + "'", "aws-access-token", "base64"},
		{"a.js", "x = '" + url.EncodeToString([]byte(line+"??>>")) + "'", "github-pat", "base64url"},
		{"a.yaml", "data:\n  x: " + std.EncodeToString([]byte(line)) + "\n", "github-pat", "base64 in YAML"},
		{"a.js", "x = '" + std.EncodeToString([]byte(std.EncodeToString([]byte(line)))) + "'", "github-pat", "base64 twice"},
		{"a.js", "x = '" + hex.EncodeToString([]byte(awsKey)) + "'", "aws-access-token", "hex"},
		{"a.js", "x = '" + escapeAll("%%%02X", awsKey) + "'", "aws-access-token", "percent"},
		{"a.js", "x = '" + escapeAll(`\x%02x`, awsKey) + "'", "aws-access-token", "escapes of bytes"},
		{"a.js", "x = '" + escapeAll(`\u%04x`, awsKey) + "'", "aws-access-token", "escapes of runes"},
		{"a.xml", "<x>" + escapeAll("&#%d;", awsKey) + "</x>", "aws-access-token", "character references"},
		{"a.js", `x = "` + awsKey[:6] + `\u00` + hex.EncodeToString([]byte(awsKey[6:7])) + `\x` + hex.EncodeToString([]byte(awsKey[7:8])) + awsKey[8:] + `"`, "aws-access-token", "escapes here and there"},
		{"a.js", "x = '" + std.EncodeToString([]byte(gzipped(line))) + "'", "github-pat", "gzip in base64"},
		{"a.js", "x = '" + std.EncodeToString([]byte(zlibbed(line))) + "'", "github-pat", "zlib in base64"},
		{"a.ps1", "powershell -EncodedCommand " + std.EncodeToString([]byte(utf16Text(line))) + "\n", "github-pat", "UTF-16 in base64"},
		{"a.txt", utf32Text(line, binary.LittleEndian), "github-pat", "UTF-32"},
		{"a.txt", utf32Text(line, binary.BigEndian), "github-pat", "UTF-32, big-endian"},
		{"a.js", `x = "` + awsKey[:4] + `" + "` + awsKey[4:] + `"`, "aws-access-token", "two parts"},
		{"a.js", `x="` + awsKey[:4] + `"+"` + awsKey[4:9] + `"+'` + awsKey[9:] + `'`, "aws-access-token", "three parts, minified"},
		{"a.py", "x = ('" + awsKey[:9] + "'\n     '" + awsKey[9:] + "')", "aws-access-token", "adjacent literals"},
		{"A.java", `String x = "` + awsKey[:9] + "\"\n\t\t\t+ \"" + awsKey[9:] + `";`, "aws-access-token", "over two lines"},
		{"a.php", `$x = '` + awsKey[:9] + `' . '` + awsKey[9:] + `';`, "aws-access-token", "PHP's dot"},
		{"a.js", `x = ['` + awsKey[:9] + `', '` + awsKey[9:] + `'].join('')`, "aws-access-token", "a list that is joined"},
		{"A.java", `new String(new char[]{` + strings.TrimSuffix(escapeAll("'%c', ", awsKey), ", ") + `})`, "aws-access-token", "an array of characters"},
		{"a.js", `x = '` + backwards(awsKey) + `'.split('').reverse().join('')`, "aws-access-token", "backwards"},
		{"a.py", `x = '` + backwards(awsKey) + `'[::-1]`, "aws-access-token", "backwards in Python"},
		{"a.js", `x = ['` + awsKey[:9] + `', '` + awsKey[9:] + `']`, "", "a list that is not joined"},
		{"A.class", classFile(pat), "github-fine-grained-pat", "a constant pool"},
		{"a.pyc", "\xcb\x0d\x0d\x0a\x00\x00\x00\x00\xda" + string(rune(len(pat))) + pat + "\xa9\x00", "github-fine-grained-pat", "marshalled"},
		{"a.js.map", `{"version":3,"sources":["a.ts"],"sourcesContent":["const k = \"` + awsKey + `\";\nmore();\n"]}`, "aws-access-token", "a source map"},
		{".git/objects/0a/1b2c", zlibbed("blob 60\x00" + line), "github-pat", "a loose git object"},
		{"a.js", "img = 'data:image/png;base64," + std.EncodeToString(bytes.Repeat([]byte{0x89, 1, 2, 0xfe, 200}, 100)) + "'", "", "a picture"},
	} {
		got := find(t, s, file(tt.name, tt.data))
		if ids(got) != tt.want {
			t.Errorf("%s: %q, want %q", tt.why, ids(got), tt.want)
			continue
		}
		for _, f := range got {
			if !strings.Contains(tt.why, "UTF") && isTextName(tt.name) && f.Line == 0 {
				t.Errorf("%s: no line", tt.why)
			}
		}
	}
}

func isTextName(name string) bool { return !strings.Contains(name, ".git/") && codeFile(name) }

// TestHiddenWhere checks that a decoded finding points at its encoded form.
func TestHiddenWhere(t *testing.T) {
	s := newScanner(t)
	enc := base64.StdEncoding.EncodeToString([]byte(ghToken))
	data := "\n\n  key: " + enc + "\n"
	f := find(t, s, file("a.txt", data))
	if len(f) != 1 || f[0].Line != 3 {
		t.Fatalf("%+v", f)
	}
	if start, end := f[0].Secret.Start, f[0].Secret.End; start < 8 || end > len(data)-1 || end <= start {
		t.Errorf("at %d..%d", start, end)
	}
}

// TestGitPack packs a repository with git and searches the pack.
func TestGitPack(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), git, args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@x", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@x", "GIT_CONFIG_NOSYSTEM=1", "HOME="+dir)
		if out, err := c.CombinedOutput(); err != nil {
			t.Skipf("git %v: %v %s", args, err, out)
		}
	}
	run("init", "-q")
	for i, text := range []string{"first\n", "token = '" + ghToken + "'\n" + generateCode(5000), generateCode(5000)} {
		if err := os.WriteFile(filepath.Join(dir, "a.js"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		run("add", ".")
		run("commit", "-q", "-m", fmt.Sprint(i))
	}
	run("repack", "-q", "-a", "-d")
	packs, err := filepath.Glob(filepath.Join(dir, ".git/objects/pack/*.pack"))
	if err != nil || len(packs) == 0 {
		t.Skipf("no pack: %v", err)
	}
	data, err := os.ReadFile(packs[0])
	if err != nil {
		t.Fatal(err)
	}
	s := newScanner(t)
	got := find(t, s, file(".git/objects/pack/x.pack", string(data)))
	if !slices.ContainsFunc(got, func(f fnvet.Finding) bool { return f.ID == "secret/github-pat" }) {
		t.Errorf("a deleted line in a pack: %s", ids(got))
	}
}

// TestSQLite builds a leaf page by hand: one row of three texts side by side.
func TestSQLite(t *testing.T) {
	page := make([]byte, 1024)
	copy(page, "SQLite format 3\x00")
	binary.BigEndian.PutUint16(page[16:], 1024)
	page[100] = sqliteLeafTable
	binary.BigEndian.PutUint16(page[103:], 1)
	values := []string{"robert-smith", ghToken, "another-value"}
	record := []byte{4}
	for _, v := range values {
		record = append(record, byte(12+2*len(v)+1))
	}
	for _, v := range values {
		record = append(record, v...)
	}
	cell := append([]byte{byte(len(record)), 1}, record...)
	at := 1024 - len(cell)
	copy(page[at:], cell)
	binary.BigEndian.PutUint16(page[108:], uint16(at))
	if got := ids(find(t, newScanner(t), file("a.db", string(page)))); got != "github-pat" {
		t.Errorf("%q", got)
	}
}

// FuzzContainers: no binary panics a reader, and strings are inside it.
func FuzzContainers(f *testing.F) {
	f.Add("A.class", []byte(classFile(awsKey)))
	f.Add("a.pyc", []byte("\xcb\x0d\x0d\x0a\xda\x14"+awsKey))
	f.Add("a.db", []byte("SQLite format 3\x00\x04\x00"+strings.Repeat("\x0d", 600)))
	f.Add(".git/objects/a/b", []byte(zlibbed("blob 3\x00abc")))
	f.Add("x.pack", []byte("PACK\x00\x00\x00\x02\x00\x00\x00\x01\x33"+zlibbed("abc")+strings.Repeat("x", 20)))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		eachString(name, data, func(start, end int) {
			if start < 0 || end < start || end > len(data) {
				t.Errorf("a string at %d..%d of %d", start, end, len(data))
			}
		})
		_ = gitTexts(name, data, func(_ []byte, start, end int) error {
			if start < 0 || end < start || end > len(data) {
				t.Errorf("an object at %d..%d of %d", start, end, len(data))
			}
			return nil
		})
	})
}

// FuzzHidden: a secret is found under any stack of encodings.
func FuzzHidden(f *testing.F) {
	f.Add("x", uint8(1), uint8(2))
	s := newScanner(f)
	f.Fuzz(func(t *testing.T, around string, one, two uint8) {
		text := "k = '" + ghToken + "'"
		if strings.ContainsAny(around, "\x00") || len(around) > 100 {
			return
		}
		for _, how := range []uint8{one, two} {
			switch how % 4 {
			case 1:
				text = base64.StdEncoding.EncodeToString([]byte(text))
			case 2:
				text = hex.EncodeToString([]byte(text))
			case 3:
				text = escapeAll("%%%02x", text)
			}
		}
		data := "start\n x = '" + text + "'\n" + strings.ToValidUTF8(around, "")
		if got := find(t, s, file("a.js", data)); !slices.ContainsFunc(got, func(f fnvet.Finding) bool { return f.ID == "secret/github-pat" }) {
			t.Errorf("%q: %s", data, ids(got))
		}
	})
}
