package interpreter_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/interpreter"
)

func TestParse(t *testing.T) {
	elf := "\x7fELF" + strings.Repeat("\x00", 80)
	for _, tt := range []struct{ why, name, data, want string }{
		{"node", "usr/local/bin/node", elf + "https://nodejs.org/download/release/v20.11.1/node-v20.11.1.tar.gz\x00", "pkg:generic/node@20.11.1"},
		{"node by its user agent", "usr/bin/node", elf + "\x00node.js/v18.19.0\x00", "pkg:generic/node@18.19.0"},
		{"a script called node", "bin/node", "#!/bin/sh\nnode-v20.11.1.tar.gz /node-v20.11.1.tar.gz", ""},
		{"libpython", "usr/local/lib/libpython3.12.so.1.0", elf + "\x003.12.1.3\x003.12\x003.12.1\x00", "pkg:generic/python@3.12.1"},
		{"python, a candidate", "usr/bin/python3.14", elf + "\x003.14.0rc2\x00", "pkg:generic/python@3.14.0rc2"},
		{"python's launcher", "usr/local/bin/python3.12", elf, ""},
		{"another release's version", "usr/local/lib/libpython3.12.so.1.0", elf + "\x003.11.4\x00", ""},
		{"ruby", "usr/local/lib/libruby.so.3.2.2", elf + "\x00ruby 3.2.2 (2023-03-30 revision e51014f9c0) [x86_64-linux]\x00", "pkg:generic/ruby@3.2.2"},
		{"php", "usr/local/bin/php", elf + "\x00X-Powered-By: PHP/8.2.1\x00", "pkg:generic/php@8.2.1"},
		{"java", "opt/jdk/release", "IMPLEMENTOR=\"X\"\nJAVA_VERSION=\"17.0.15\"\n", "pkg:generic/java@17.0.15"},
		{"another release file", "etc/release", "VERSION=1\n", ""},
		{"go", "usr/local/go/VERSION", "go1.26.8\ntime 2026-08-28T16:20:06Z\n", "pkg:golang/toolchain@v1.26.8"},
		{"another VERSION", "app/VERSION", "go1.26.8\n", ""},
	} {
		f := &fnvet.File{Name: tt.name, Data: []byte(tt.data), Size: int64(len(tt.data))}
		got := ""
		if interpreter.Want(f) {
			for _, p := range interpreter.Parse(f.Name, f.Data) {
				got += p.PURL
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.why, got, tt.want)
		}
	}
}

// TestInstalled reads the interpreters of this machine and compares with what
// they say of themselves.
func TestInstalled(t *testing.T) {
	for _, name := range []string{"node", "ruby", "php"} {
		at, err := exec.LookPath(name)
		if err != nil {
			t.Logf("there is no %s", name)
			continue
		}
		if at, err = filepath.EvalSymlinks(at); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(at)
		if err != nil {
			t.Fatal(err)
		}
		said, err := exec.CommandContext(t.Context(), at, "--version").Output()
		if err != nil {
			t.Fatal(err)
		}
		got := interpreter.Parse(name, data)
		if !interpreter.Want(&fnvet.File{Name: name, Data: data, Size: int64(len(data))}) {
			t.Logf("%s is no binary", at)
			continue
		}
		if len(got) != 1 || !strings.Contains(string(said), got[0].Version) {
			t.Errorf("%s: %v, and it says %s", at, got, said)
		}
	}
}

// FuzzParse: what is read is a version of plain text, whatever the file is.
func FuzzParse(f *testing.F) {
	f.Add("libpython3.12.so", []byte("\x7fELF\x003.12.1\x00"))
	f.Add("release", []byte("JAVA_VERSION=\"17\"\n"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		for _, p := range interpreter.Parse(name, data) {
			if p.Version == "" || strings.ContainsAny(p.Version, " \n\x00") {
				t.Fatalf("%q", p.Version)
			}
		}
	})
}
