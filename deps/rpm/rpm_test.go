package rpm

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// blob makes a package header of texts by tag.
func blob(texts map[uint32]string) []byte {
	var index, store []byte
	for _, tag := range []uint32{tagName, tagVersion, tagRelease, tagLicense, tagArch, tagSource} {
		if text, ok := texts[tag]; ok {
			for _, n := range []uint32{tag, typeString, uint32(len(store)), 1} {
				index = binary.BigEndian.AppendUint32(index, n)
			}
			store = append(append(store, text...), 0)
		}
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(len(index)/16))
	head = binary.BigEndian.AppendUint32(head, uint32(len(store)))
	return append(append(head, index...), store...)
}

var openssl = map[uint32]string{
	tagName: "openssl-libs", tagVersion: "3.0.7", tagRelease: "1.el9", tagArch: "x86_64",
	tagLicense: "Apache-2.0", tagSource: "openssl-3.0.7-1.el9.src.rpm",
}

// ndbFile makes an NDB database of one package.
func ndbFile(b []byte) []byte {
	le := binary.LittleEndian
	data := make([]byte, ndbPage)
	copy(data, "RpmP")
	le.PutUint32(data[12:], 1)
	copy(data[32:], "Slot")
	le.PutUint32(data[36:], 1)
	le.PutUint32(data[40:], ndbPage/ndbUnit)
	for at := 48; at+16 <= ndbPage; at += 16 {
		copy(data[at:], "Slot")
	}
	head := make([]byte, 16)
	copy(head, "BlbS")
	le.PutUint32(head[4:], 1)
	le.PutUint32(head[12:], uint32(len(b)))
	return append(append(data, head...), b...)
}

func TestNDB(t *testing.T) {
	pkgs, err := Parse(ndbFile(blob(openssl)))
	if err != nil || len(pkgs) != 1 {
		t.Fatalf("%v, %v", pkgs, err)
	}
	p := pkgs[0]
	if p.PURL != "pkg:rpm/openssl-libs@3.0.7-1.el9?arch=x86_64" || p.Source.Name != "openssl" || p.Source.Version != "3.0.7-1.el9" || p.Licenses[0] != "Apache-2.0" {
		t.Errorf("%+v of %+v", p, p.Source)
	}
	if _, err := Parse(ndbFile(blob(openssl))[:ndbPage+40]); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("cut off: %v", err)
	}
}

// TestSQLite reads a database that sqlite3 writes, with small rows, rows on
// overflow pages and a tree of more than one level.
func TestSQLite(t *testing.T) {
	if _, err := exec.LookPath("sqlite3"); err != nil {
		t.Skip("no sqlite3 command to write a database with")
	}
	file := filepath.Join(t.TempDir(), "rpmdb.sqlite")
	var sql strings.Builder
	sql.WriteString("CREATE TABLE Other(a); CREATE TABLE IF NOT EXISTS 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL);")
	const rows = 3000
	for i := range rows {
		h := map[uint32]string{tagName: "p", tagVersion: "1", tagRelease: "1", tagArch: strings.Repeat("x", i*7%9000)}
		sql.WriteString("INSERT INTO Packages(blob) VALUES (x'")
		for _, c := range blob(h) {
			sql.WriteString(string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15]))
		}
		sql.WriteString("');")
	}
	cmd := exec.CommandContext(t.Context(), "sqlite3", file)
	cmd.Stdin = strings.NewReader("BEGIN;" + sql.String() + "COMMIT;")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pkgs, err := Parse(data)
	if err != nil || len(pkgs) != rows {
		t.Fatalf("%d packages, want %d: %v", len(pkgs), rows, err)
	}
	if _, err := Parse(data[:len(data)/2]); err == nil {
		t.Error("half a database is no error")
	}
}

func TestNotADatabase(t *testing.T) {
	for _, in := range []string{"", "x", "SQLite format 3\x00", "RpmP", strings.Repeat("x", 5000)} {
		if pkgs, err := Parse([]byte(in)); err == nil || len(pkgs) > 0 {
			t.Errorf("%.20q: %v, %v", in, pkgs, err)
		}
	}
}

// FuzzParse: no panic, and never more bytes of headers than the file has.
func FuzzParse(f *testing.F) {
	f.Add(ndbFile(blob(openssl)))
	f.Add([]byte(sqliteMagic + strings.Repeat("\x10", 600)))
	bdb := make([]byte, 2048)
	binary.LittleEndian.PutUint32(bdb[12:], bdbMagic)
	binary.LittleEndian.PutUint32(bdb[20:], 512)
	binary.LittleEndian.PutUint32(bdb[32:], 3)
	bdb[512+25], bdb[512+20], bdb[512+26+2] = bdbHash, 2, 100
	bdb[612], bdb[616], bdb[620] = bdbOffPage, 2, 60
	bdb[1024+25], bdb[1024+22] = bdbOverflow, 60
	f.Add(bdb)
	f.Fuzz(func(t *testing.T, data []byte) {
		total := 0
		count := func(b []byte) error { total += len(b); return nil }
		for _, read := range []func([]byte, func([]byte) error) error{readBDB, readNDB, readSQLite} {
			total = 0
			_ = read(data, count) // the error is not the question here
			if total > len(data) {
				t.Fatalf("%d bytes of headers from %d", total, len(data))
			}
		}
		pkgs, _ := Parse(data)
		for _, p := range pkgs {
			if p.Name == "" || p.Version == "" || p.PURL == "" {
				t.Fatalf("incomplete: %+v", p)
			}
		}
	})
}
