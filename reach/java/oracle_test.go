package java_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/reach/java"
)

// sources are a function and libraries, by jar and path; "app" is the function.
var sources = map[string]map[string]string{
	"app": {
		"com/acme/fn/Handler.java": `package com.acme.fn;
public class Handler implements com.amazonaws.services.lambda.runtime.RequestHandler {
  public Object handleRequest(Object in) throws Exception {
    Class.forName("org.byname.Driver");
    new org.direct.Used().work();
    if (System.getenv("NEVER_SET") != null) { new org.branch.Rare(); }
    for (org.spi.Plugin p : java.util.ServiceLoader.load(org.spi.Plugin.class)) { p.run(); }
    org.computes.Loader.load("x");
    java.util.function.Supplier<Object> s = org.ref.Maker::make;
    s.get();
    return null;
  }
  public static void main(String[] args) throws Exception { new Handler().handleRequest(null); }
}`,
	},
	"core":   {"com/amazonaws/services/lambda/runtime/RequestHandler.java": `package com.amazonaws.services.lambda.runtime; public interface RequestHandler { Object handleRequest(Object in) throws Exception; }`},
	"byname": {"org/byname/Driver.java": `package org.byname; public class Driver { static { System.setProperty("driver", "1"); } }`},
	"direct": {"org/direct/Used.java": `package org.direct; public class Used extends org.parent.Base { public org.typed.Only field; public void work() {} }`},
	"parent": {"org/parent/Base.java": `package org.parent; public class Base {}`},
	"typed":  {"org/typed/Only.java": `package org.typed; public class Only {}`},
	"branch": {"org/branch/Rare.java": `package org.branch; public class Rare {}`},
	"spi":    {"org/spi/Plugin.java": `package org.spi; public interface Plugin { void run(); }`},
	"provider": {
		"org/provider/Impl.java":           `package org.provider; public class Impl implements org.spi.Plugin { public void run() {} }`,
		"META-INF/services/org.spi.Plugin": "# a comment\norg.provider.Impl # another\n",
	},
	"computes": {
		"org/computes/Loader.java": `package org.computes;
public class Loader {
  public static void load(String n) throws Exception {
    java.util.Properties p = new java.util.Properties();
    p.load(Loader.class.getResourceAsStream("/loader.properties"));
    Class.forName(p.getProperty("impl")).getDeclaredConstructor().newInstance();
    Class.forName("org.prefixed." + n.toUpperCase() + "Impl").getDeclaredConstructor().newInstance();
    String pkg = "org.packaged";
    Class.forName(pkg + "." + "Thing").getDeclaredConstructor().newInstance();
  }
}`,
	},
	"config":   {"loader.properties": "impl = org.configured.Impl\n"},
	"configed": {"org/configured/Impl.java": `package org.configured; public class Impl {}`},
	"prefixed": {"org/prefixed/XImpl.java": `package org.prefixed; public class XImpl {}`},
	"packaged": {"org/packaged/Thing.java": `package org.packaged; public class Thing {}`},
	"ref":      {"org/ref/Maker.java": `package org.ref; public class Maker { public static Object make() { return new org.viaref.Made(); } }`},
	"viaref":   {"org/viaref/Made.java": `package org.viaref; public class Made {}`},
	"unused":   {"org/unused/Never.java": `package org.unused; public class Never { Object o = new org.behind.Unused(); }`},
	"behind":   {"org/behind/Unused.java": `package org.behind; public class Unused {}`},
}

// compile makes jars of the sources by javac, and skips where there is none.
func compile(t *testing.T, sources map[string]map[string]string) map[string][]byte {
	t.Helper()
	if _, err := exec.LookPath("javac"); err != nil {
		t.Skip("there is no javac")
	}
	src, out := t.TempDir(), t.TempDir()
	args := []string{"-proc:none", "-d", out}
	home := map[string]string{} // of packages
	for jar, files := range sources {
		for name, text := range files {
			if !strings.HasSuffix(name, ".java") {
				continue
			}
			at := filepath.Join(src, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
			args = append(args, at)
			home[filepath.ToSlash(filepath.Dir(name))] = jar
		}
	}
	if text, err := exec.CommandContext(t.Context(), "javac", args...).CombinedOutput(); err != nil {
		t.Skipf("javac: %v\n%s", err, text)
	}
	content := map[string]map[string][]byte{}
	put := func(jar, name string, data []byte) {
		if content[jar] == nil {
			content[jar] = map[string][]byte{}
		}
		content[jar][name] = data
	}
	err := filepath.WalkDir(out, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(out, at)
		data, err := os.ReadFile(at)
		put(home[filepath.ToSlash(filepath.Dir(name))], filepath.ToSlash(name), data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	jars := map[string][]byte{}
	for jar, files := range sources {
		for name, text := range files {
			if !strings.HasSuffix(name, ".java") {
				put(jar, name, []byte(text))
			}
		}
		jars[jar] = zipped(t, content[jar])
	}
	return jars
}

func zipped(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(files[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// read reads the files of jars as a walk would offer them.
func read(t *testing.T, jars map[string][]byte) []java.File {
	t.Helper()
	var files []java.File
	for _, jar := range slices.Sorted(maps.Keys(jars)) {
		z, err := zip.NewReader(bytes.NewReader(jars[jar]), int64(len(jars[jar])))
		if err != nil {
			t.Fatal(err)
		}
		container := "lib/" + jar + ".jar"
		for _, e := range z.File {
			data, err := fs.ReadFile(z, e.Name)
			if err != nil || strings.HasSuffix(e.Name, "/") || !java.Wants(e.Name, container, int64(len(data))) {
				continue
			}
			f := java.Read(e.Name, data)
			f.Container = container
			files = append(files, f)
		}
	}
	return files
}

// answers are those for jars, by name.
func answers(t *testing.T, files []java.File, p java.Program) map[string]java.Answer {
	t.Helper()
	list, ok, err := java.Reach(context.Background(), files, p)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	out := map[string]java.Answer{}
	for _, a := range list {
		if a.File < 0 {
			out[strings.TrimSuffix(strings.TrimPrefix(a.Container, "lib/"), ".jar")] = a
		}
	}
	return out
}

// loaded runs a main class and lists the jars of which the JVM loads a class.
func loaded(t *testing.T, jars map[string][]byte, main string) map[string]string {
	t.Helper()
	if _, err := exec.LookPath("java"); err != nil {
		t.Skip("there is no java")
	}
	dir := t.TempDir()
	for name, data := range jars {
		if err := os.WriteFile(filepath.Join(dir, name+".jar"), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log := filepath.Join(dir, "load.log")
	cmd := exec.CommandContext(t.Context(), "java", "-Xshare:auto", "-Xlog:class+load=info:file="+log+":none", "-cp", filepath.Join(dir, "*"), main)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("java: %v\n%s", err, text)
	}
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.SplitSeq(string(data), "\n") {
		class, source, ok := strings.Cut(line, " source: file:")
		if jar, is := strings.CutSuffix(filepath.Base(strings.TrimSpace(source)), ".jar"); ok && is {
			out[jar] = class
		}
	}
	return out
}

// TestAgainstJVM holds the answers against what a real JVM loads.
func TestAgainstJVM(t *testing.T) {
	jars := compile(t, sources)
	got := answers(t, read(t, jars), java.Program{Entries: []string{"com/acme/fn/Handler"}})
	for jar, class := range loaded(t, jars, "com.acme.fn.Handler") {
		if got[jar].Reach == fnvet.ReachNo {
			t.Errorf("%s is a no, and the JVM loads %s of it", jar, class)
		}
	}
	want := map[string]fnvet.Reach{
		"app": fnvet.ReachYes, "core": fnvet.ReachYes, "byname": fnvet.ReachYes, "direct": fnvet.ReachYes, "parent": fnvet.ReachYes,
		"typed":  fnvet.ReachUnknown, // only the type of a field
		"branch": fnvet.ReachYes, "spi": fnvet.ReachYes, "provider": fnvet.ReachUnknown, "computes": fnvet.ReachYes,
		"configed": fnvet.ReachUnknown, "prefixed": fnvet.ReachUnknown, "packaged": fnvet.ReachUnknown,
		"ref": fnvet.ReachYes, "viaref": fnvet.ReachYes, "unused": fnvet.ReachNo, "behind": fnvet.ReachNo,
	}
	for jar, reach := range want {
		if got[jar].Reach != reach {
			t.Errorf("%s: %s, want %s", jar, got[jar].Reach, reach)
		}
	}
	if diff := cmp.Diff([]string{"com.acme.fn.Handler", "org.ref.Maker", "org.viaref.Made", "viaref"}, got["viaref"].Via); diff != "" {
		t.Error(diff)
	}
}

// TestOpen: what may load anything leaves no answer but yes and unknown.
func TestOpen(t *testing.T) {
	cases := map[string]string{
		"own code computes a name":     `Class.forName(System.getenv("X"));`,
		"own code hands forName on":    `java.util.function.Function<String,Object> f = n -> { try { return Class.forName(n); } catch (Exception e) { return null; } }; f.apply("x");`,
		"it reads objects":             `new java.io.ObjectInputStream(System.in).readObject();`,
		"it starts a program":          `new ProcessBuilder("java").start();`,
		"it makes a class loader":      `new java.net.URLClassLoader(new java.net.URL[0]).loadClass(System.getenv("X"));`,
		"it lists a jar":               `new java.util.jar.JarFile("x").entries();`,
		"it uses a scanning framework": `new org.springframework.context.Scanner();`,
		"it has native methods":        `nat(); } static native void nat(); static void x() {`,
	}
	src := map[string]map[string]string{
		"spring": {"org/springframework/context/Scanner.java": "package org.springframework.context; public class Scanner {}"},
		"unused": {"org/unused/Never.java": "package org.unused; public class Never {}"},
	}
	whys := slices.Sorted(maps.Keys(cases))
	for i, why := range whys {
		pkg := fmt.Sprintf("com/acme%d", i)
		src[why] = map[string]string{pkg + "/Main.java": "package " + strings.ReplaceAll(pkg, "/", ".") + "; public class Main { public static void main(String[] a) throws Exception {" + cases[why] + "} }"}
	}
	jars := compile(t, src)
	for i, why := range whys {
		some := map[string][]byte{why: jars[why], "spring": jars["spring"], "unused": jars["unused"]}
		got := answers(t, read(t, some), java.Program{Entries: []string{fmt.Sprintf("com/acme%d/Main", i)}})
		if got["unused"].Reach != fnvet.ReachUnknown || got[why].Reach != fnvet.ReachYes {
			t.Errorf("%s: %v", why, got)
		}
	}
}

// TestShaded: in one jar the coordinates of each artifact have their own answer,
// relocated or not, and none is a no while something reached may be anybody's.
func TestShaded(t *testing.T) {
	files := map[string]string{
		"com/acme/fn/Main.java":                                   "package com.acme.fn; public class Main { public static void main(String[] a) { new com.google.gson.Gson(); SOMETHING } }",
		"com/google/gson/Gson.java":                               "package com.google.gson; public class Gson {}",
		"com/acme/shaded/org/yaml/snakeyaml/Dump.java":            "package com.acme.shaded.org.yaml.snakeyaml; public class Dump {}",
		"net/other/Thing.java":                                    "package net.other; public class Thing {}",
		"META-INF/maven/com.google.code.gson/gson/pom.properties": "groupId=com.google.code.gson\nartifactId=gson\nversion=2.8.0\n",
		"META-INF/maven/org.yaml/snakeyaml/pom.properties":        "groupId=org.yaml\nartifactId=snakeyaml\nversion=1.26\n",
		"META-INF/maven/com.acme/fn/pom.properties":               "groupId=com.acme\nartifactId=fn\nversion=1\n",
		"META-INF/maven/net.weird/package/pom.properties":         "groupId=net.weird\nartifactId=package\nversion=1\n",
	}
	for _, tt := range []struct {
		why, code string
		want      map[string]fnvet.Reach
	}{
		{"one is used", "", map[string]fnvet.Reach{"gson": fnvet.ReachYes, "snakeyaml": fnvet.ReachNo, "package": fnvet.ReachUnknown}},
		{"both", "new com.acme.shaded.org.yaml.snakeyaml.Dump();", map[string]fnvet.Reach{"gson": fnvet.ReachYes, "snakeyaml": fnvet.ReachYes}},
		{"and a class that is anybody's", "new net.other.Thing();", map[string]fnvet.Reach{"gson": fnvet.ReachYes, "snakeyaml": fnvet.ReachUnknown}},
	} {
		src := map[string]string{}
		for name, text := range files {
			src[name] = strings.ReplaceAll(text, "SOMETHING", tt.code)
		}
		read := read(t, map[string][]byte{"all": compileOne(t, src)})
		list, ok, err := java.Reach(t.Context(), read, java.Program{Entries: []string{"com/acme/fn/Main"}})
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		got := map[string]fnvet.Reach{}
		for _, a := range list {
			if a.File >= 0 {
				got[filepath.Base(filepath.Dir(read[a.File].Name))] = a.Reach
			}
		}
		for name, reach := range tt.want {
			if got[name] != reach {
				t.Errorf("%s: %s is %s, want %s", tt.why, name, got[name], reach)
			}
		}
	}
}

// compileOne makes one jar of sources of several packages.
func compileOne(t *testing.T, files map[string]string) []byte {
	t.Helper()
	one := map[string]map[string]string{"all": files}
	return compile(t, one)["all"]
}

// FuzzRead: no class, manifest or resource makes reading fail, and all that is
// read of one is in order.
func FuzzRead(f *testing.F) {
	f.Add("A.class", []byte("\xca\xfe\xba\xbe\x00\x00\x00\x34\x00\x03\x01\x00\x01A\x07\x00\x01\x00\x21\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add("META-INF/MANIFEST.MF", []byte("Main-Class: com.acme.Main\r\n\r\n"))
	f.Add("META-INF/services/x.Y", []byte("a.B # c\n"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		file := java.Read(name, data)
		entry := strings.TrimSuffix(name, ".class")
		list, _, err := java.Reach(t.Context(), []java.File{file, file}, java.Program{Entries: []string{entry}, Guessed: true, Manifest: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list {
			if a.Reach == fnvet.ReachYes && len(a.Via) == 0 {
				t.Fatal("a yes without a chain")
			}
		}
	})
}
