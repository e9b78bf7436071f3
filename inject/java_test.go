package inject

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"
)

var updateJava = flag.Bool("update-java", false, "compile the labelled handlers of Java anew (needs javac 11 or later)")

// prelude stands before each labelled handler, on its first line.
const prelude = "package PACKAGE; import java.io.*; import java.net.*; import java.net.http.*; import java.nio.file.*; import java.sql.*; import java.util.*; " +
	"import java.util.regex.Pattern; import javax.script.*; import javax.naming.*; import javax.naming.directory.*; import javax.xml.parsers.*; " +
	"import javax.xml.xpath.*; import org.xml.sax.InputSource; import com.amazonaws.services.lambda.runtime.*; import com.amazonaws.services.lambda.runtime.Context; import com.amazonaws.services.lambda.runtime.events.*; " +
	"import com.google.cloud.functions.HttpFunction; import com.microsoft.azure.functions.HttpRequestMessage; import com.microsoft.azure.functions.ExecutionContext; import com.microsoft.azure.functions.annotation.*; " +
	"import com.fasterxml.jackson.databind.*; import org.yaml.snakeyaml.Yaml; import org.springframework.jdbc.core.JdbcTemplate; "

func casePackage(src string) string {
	sum := sha256.Sum256([]byte(src))
	return "com/acme/c" + hex.EncodeToString(sum[:5])
}

const compiled = "testdata/java/labelled.zip"

// javaClasses are the compiled handlers by package and name.
var javaClasses = sync.OnceValues(func() (map[string]map[string]string, error) {
	z, err := zip.OpenReader(compiled)
	if err != nil {
		return nil, err
	}
	defer func() { _ = z.Close() }()
	out := map[string]map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		dir := path.Dir(f.Name)
		if out[dir] == nil {
			out[dir] = map[string]string{}
		}
		out[dir][f.Name] = string(data)
	}
	return out, nil
})

// compiledFiles replaces a case's Java source by its classes.
func compiledFiles(t testing.TB, files map[string]string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, text := range files {
		if path.Ext(name) != ".java" {
			out[name] = text
			continue
		}
		all, err := javaClasses()
		if err != nil {
			t.Fatal(err)
		}
		classes := all[casePackage(text)]
		if len(classes) == 0 {
			t.Fatalf("%s is not compiled: go test ./inject -run TestCompileJava -update-java", name)
		}
		maps.Copy(out, classes)
	}
	return out
}

// TestCompileJava makes testdata/java/labelled.zip when it is told to.
func TestCompileJava(t *testing.T) {
	if !*updateJava {
		t.Skip("compiles only with -update-java")
	}
	dir := t.TempDir()
	stubs, err := os.ReadFile("testdata/java/stubs.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var sources []string
	write := func(name, text string) {
		p := filepath.Join(dir, "src", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		sources = append(sources, p)
	}
	for _, f := range txtar.Parse(stubs).Files {
		write(f.Name, string(f.Data))
	}
	for _, c := range slices.Concat(readLabelled(t, "labelled"), readLabelled(t, "heldout")) {
		for name, text := range c.files {
			if path.Ext(name) == ".java" {
				pkg := casePackage(text)
				write(path.Join(pkg, name), strings.Replace(prelude, "PACKAGE", strings.ReplaceAll(pkg, "/", "."), 1)+text)
			}
		}
	}
	cmd := exec.CommandContext(t.Context(), "javac", append([]string{"--release", "11", "-g", "-nowarn", "-d", filepath.Join(dir, "out")}, sources...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var names []string
	root := filepath.Join(dir, "out")
	_ = filepath.WalkDir(filepath.Join(root, "com", "acme"), func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, p)
		}
		return err
	})
	slices.Sort(names)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, p := range names {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		rel, _ := filepath.Rel(root, p)
		w, err := z.Create(filepath.ToSlash(rel))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(data)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(compiled, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Of a shaded jar only the handler's own packages are followed, and a handler that
// is stated is the only one that is entered.
func TestJavaHandlers(t *testing.T) {
	all, err := javaClasses()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, c := range readLabelled(t, "labelled") {
		for name, text := range c.files {
			if path.Ext(name) == ".java" && c.bad && c.class == "injection/xxe" && c.reason == "DocumentBuilder as it comes" {
				maps.Copy(files, all[casePackage(text)])
			}
		}
	}
	if len(files) == 0 {
		t.Fatal("no class")
	}
	var handler string
	for name := range files {
		handler = strings.ReplaceAll(strings.TrimSuffix(name, ".class"), "/", ".")
	}
	for _, row := range []struct {
		handler string
		want    int
		why     string
	}{
		{"", 1, "by the interface"},
		{handler, 1, "as stated"},
		{handler + "::handleRequest", 1, "as stated, with the method"},
		{"com.acme.Other::handleRequest", 1, "not there: by the interface"},
	} {
		facts := scanFiles(t, Options{Handler: row.handler}, files)
		if len(facts.Findings) != row.want {
			t.Errorf("%s (%q): %d findings, want %d%s", row.why, row.handler, len(facts.Findings), row.want, describe(facts))
		}
	}
	moved := map[string]string{}
	for name, data := range files {
		moved[strings.Replace(name, "com/acme", "org/apache", 1)] = data
	}
	if facts := scanFiles(t, Options{}, moved); len(facts.Findings) != 0 {
		t.Errorf("a framework's folder: %s", describe(facts))
	}
	broken := map[string]string{"com/acme/A.class": "\xca\xfe\xba\xbe and no more"}
	if facts := scanFiles(t, Options{}, broken); len(facts.Gaps) != 1 {
		t.Errorf("a broken class is no gap: %s", describe(facts))
	}
}
