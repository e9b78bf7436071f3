package hygiene_test

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/hygiene"
	"github.com/google/go-cmp/cmp"
)

// A file is one that a test offers; path holds "!/" for archives in the package.
type file struct{ path, data string }

// run offers files of an artifact and returns "severity id path" of the findings.
func run(t *testing.T, o hygiene.Options, a fnvet.Artifact, layer string, files ...file) []string {
	t.Helper()
	d := hygiene.New(o)
	var all []fnvet.Finding
	for _, f := range files {
		name := strings.TrimPrefix(f.path, a.Name+"!/")
		depth, container := 0, ""
		if i := strings.LastIndex(name, "!/"); i >= 0 {
			container, name, depth = f.path[:len(f.path)-len(name)+i], name[i+2:], 1
		}
		in := &fnvet.File{Path: f.path, Name: name, Container: container, Depth: depth, Size: int64(len(f.data)), Mode: fs.FileMode(0o644), Layer: layer, Data: []byte(f.data)}
		if !d.Want(in) {
			continue
		}
		facts, err := d.Detect(t.Context(), in)
		if err != nil || len(facts.Gaps) > 0 {
			t.Fatalf("%s: %v %v", f.path, err, facts.Gaps)
		}
		all = append(all, facts.Findings...)
	}
	d.Situate(a, nil, true)
	facts, err := d.Finish(t.Context(), func(path, _ string) bool { return strings.Contains(path, "removed") })
	if err != nil || len(facts.Gaps) > 0 {
		t.Fatal(err, facts.Gaps)
	}
	rules := hygiene.Rules()
	var got []string
	for _, f := range append(all, facts.Findings...) {
		if !slices.ContainsFunc(rules, func(r fnvet.Rule) bool { return r.ID == f.ID && r.Title == f.Title && r.Kind == f.Kind }) || f.Remediation == "" || f.Evidence == "" {
			t.Errorf("incomplete: %+v", f)
		}
		got = append(got, fmt.Sprintf("%s %s %s", f.Severity, strings.TrimPrefix(f.ID, "hygiene/"), strings.TrimPrefix(f.Path, a.Name+"!/")))
	}
	slices.Sort(got)
	return got
}

var zipped = fnvet.Artifact{Name: "fn.zip", Type: "zip"}

const pemKey = "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n"

func TestFiles(t *testing.T) {
	for _, c := range []struct {
		why   string
		files []file
		want  []string
	}{
		{"ordinary code", []file{{"index.js", "x"}, {"package.json", "{}"}, {"lib/env.js", "x"}, {".gitignore", "x"}, {"src/contest.py", "x"}}, nil},
		{"values in .env", []file{{".env", "A=1\n"}, {"config/.env.production", "export B='x'\n"}}, []string{"medium env-file .env", "medium env-file config/.env.production"}},
		{"no values in .env", []file{{".env", "# A=1\nB=\nC=\"\"\n"}}, nil},
		{"templates", []file{{".env.example", "A=1"}, {".env.local.sample", "A=1"}, {".environment", "A=1"}, {".env.d.ts", "A=1"}}, nil},
		{"environment of a library", []file{{"node_modules/x/.env", "A=1"}}, []string{"low env-file node_modules/x/.env"}},
		{"repository", []file{{".git/HEAD", "ref"}, {".git/objects/00/11", "x"}, {".git/config", "x"}}, []string{"medium version-control .git"}},
		{"repository of a library", []file{{"node_modules/x/.git/HEAD", "ref"}}, []string{"low version-control node_modules/x/.git"}},
		{"a folder that is none", []file{{"node_modules/x/.git/hooks/pre-commit", "x"}}, nil},
		{"removed repository", []file{{"removed/.git/HEAD", "ref"}}, nil},
		{"PEM keys", []file{{"key.pem", pemKey}, {"id_rsa", pemKey}, {"ca.pem", "-----BEGIN CERTIFICATE-----"}, {"a.key", "key=value"}}, []string{"medium private-key id_rsa", "medium private-key key.pem"}},
		{"key in source code is for the secret rules", []file{{"a.js", pemKey}}, nil},
		{"key of a test", []file{{"lib/tests/key.pem", pemKey}}, []string{"info test-files lib/tests", "low private-key lib/tests/key.pem"}},
		{"key stores", []file{{"a.p12", "\x30\x82\x01\x02"}, {"b.jks", "\xfe\xed\xfe\xed...."}, {"cacerts.jks", "\xfe\xed\xfe\xed"}, {"c.p12", "text"}}, []string{"medium private-key a.p12", "medium private-key b.jks"}},
		{"credentials", []file{{".npmrc", "//r/:_authToken=x"}, {"home/.aws/credentials", "aws_secret_access_key=x"}, {".docker/config.json", `{"auths":{"a":{"auth":"x"}}}`}},
			[]string{"medium credential-file .docker/config.json", "medium credential-file .npmrc", "medium credential-file home/.aws/credentials"}},
		{"settings without credentials", []file{{".npmrc", "save-exact=true"}, {".docker/config.json", "{}"}, {"config.json", `{"auth":1}`}}, nil},
		{"Azure settings", []file{{"local.settings.json", `{"Values":{"FUNCTIONS_WORKER_RUNTIME":"node","C":"Endpoint=sb://x"}}`}}, []string{"medium local-settings local.settings.json"}},
		{"Azure settings with nothing", []file{{"local.settings.json", `{"Values":{"FUNCTIONS_WORKER_RUNTIME":"node","AzureWebJobsStorage":"UseDevelopmentStorage=true"}}`}}, []string{"low local-settings local.settings.json"}},
		{"tests, once", []file{{"test/a.js", "x"}, {"test/b/c.js", "x"}, {"src/a.test.ts", "x"}, {"src/test_b.py", "x"}, {"node_modules/x/test/y.js", "x"}}, []string{"info test-files src/a.test.ts"}},
		{"caches, own and of libraries", []file{{"src/__pycache__/a.pyc", "x"}, {".pytest_cache/README", "x"}, {"node_modules/.cache/b", "x"}}, []string{"info cache-files .pytest_cache", "info cache-files node_modules/.cache"}},
		{"editors", []file{{".DS_Store", "x"}, {"__MACOSX/a/._b", "x"}, {".idea/x.xml", "x"}, {".vscode/settings.json", "x"}}, []string{"info editor-files .DS_Store"}},
		{"tools", []file{{"node_modules/jest/package.json", "{}"}, {"node_modules/typescript/package.json", "{}"}, {"node_modules/x/lib/jest/package.json", "{}"}, {"pytest-7.0.dist-info/METADATA", "x"}},
			[]string{"low dev-tooling node_modules/jest"}},
	} {
		var files []file
		for _, f := range c.files {
			files = append(files, file{"fn.zip!/" + f.path, f.data})
		}
		if diff := cmp.Diff(c.want, run(t, hygiene.Options{}, zipped, "", files...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.why, diff)
		}
	}
}

// TestImage: what belongs to the distribution is not reported.
func TestImage(t *testing.T) {
	image := fnvet.Artifact{Name: "i.tar", Type: "image"}
	got := run(t, hygiene.Options{}, image, "sha256:1",
		file{"usr/lib/python3/dist-packages/x/__pycache__/a.pyc", "x"}, file{"etc/ssl/private/snake.key", pemKey}, file{"usr/share/doc/x/tests/a", "x"},
		file{"var/lib/x/.git/HEAD", "x"}, file{"var/task/.env", "A=1"}, file{"app/.git/HEAD", "x"}, file{"usr/src/app/test/a.js", "x"}, file{"root/.ssh/id_rsa", pemKey},
		file{"usr/lib/x86_64-linux-gnu/libc.so.6", elf(62)}, file{"app/a.node", elf(183)}, file{"app/b.node", elf(62)})
	want := []string{"info test-files usr/src/app/test", "medium env-file var/task/.env", "medium native-architecture app/a.node", "medium private-key root/.ssh/id_rsa", "medium version-control app/.git"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// elf is the header of a library for that machine.
func elf(machine uint16) string {
	b := make([]byte, 64)
	copy(b, "\x7fELF\x02\x01\x01")
	binary.LittleEndian.PutUint16(b[16:], 3)
	binary.LittleEndian.PutUint16(b[18:], machine)
	return string(b)
}

func macho(cpu uint32) string {
	b := make([]byte, 64)
	binary.LittleEndian.PutUint32(b, 0xfeedfacf)
	binary.LittleEndian.PutUint32(b[4:], cpu)
	binary.LittleEndian.PutUint32(b[12:], 6)
	return string(b)
}

// pe is a library for 64-bit Windows; a managed one is a .NET assembly.
func pe(managed bool) string {
	b := make([]byte, 400)
	copy(b, "MZ")
	b[60] = 64
	copy(b[64:], "PE\x00\x00")
	binary.LittleEndian.PutUint16(b[68:], 0x8664) // AMD64
	binary.LittleEndian.PutUint16(b[88:], 0x20b)
	if managed {
		b[88+112+8*14] = 1
	}
	return string(b)
}

func TestNative(t *testing.T) {
	const x86, arm = 62, 183
	const darwinARM = 0x0100000c
	for _, c := range []struct {
		why, arch string
		files     []file
		want      []string
	}{
		{"nothing known, one architecture", "", []file{{"numpy/a.so", elf(x86)}, {"cryptography/b.so", elf(x86)}}, nil},
		{"nothing known, two", "", []file{{"numpy/a.so", elf(x86)}, {"cryptography/b.so", elf(arm)}, {"lxml/c.so", elf(x86)}}, []string{"medium mixed-architectures cryptography/b.so"}},
		{"two in a layer", "", []file{{"python/numpy/a.so", elf(x86)}, {"python/cryptography/b.so", elf(arm)}}, []string{"medium mixed-architectures python/cryptography/b.so"}},
		{"a package with editions for both", "", []file{{"node_modules/x/prebuilds/linux-x64/a.node", elf(x86)}, {"node_modules/x/prebuilds/linux-arm64/a.node", elf(arm)}, {"node_modules/y/a.node", elf(x86)}}, nil},
		{"editions as packages", "arm64", []file{{"node_modules/@esbuild/linux-x64/bin/esbuild", elf(x86)}, {"node_modules/@esbuild/linux-arm64/bin/esbuild", elf(arm)}}, nil},
		{"as wanted", "arm64", []file{{"numpy/a.so", elf(arm)}}, nil},
		{"not as wanted", "arm64", []file{{"numpy/a.so", elf(x86)}, {"numpy/b.so", elf(x86)}}, []string{"medium native-architecture numpy/a.so"}},
		{"not as wanted, in Lambda's words", "x86_64", []file{{"bootstrap", elf(arm)}}, []string{"medium native-architecture bootstrap"}},
		{"built on a Mac", "", []file{{"node_modules/sharp/build/sharp.node", macho(darwinARM)}}, []string{"medium native-architecture node_modules/sharp/build/sharp.node"}},
		{"a package for Macs only", "", []file{{"node_modules/fsevents/fsevents.node", macho(darwinARM)}}, []string{"low native-architecture node_modules/fsevents/fsevents.node"}},
		{"a library of a jar for every system", "", []file{{"lib/snappy.jar!/a/Linux/x.so", elf(x86)}, {"lib/snappy.jar!/a/Mac/x.dylib", macho(darwinARM)}}, nil},
		{"class files are not Mach-O", "", []file{{"a.class", "\xca\xfe\xba\xbe\x00\x00\x00\x34" + strings.Repeat("\x00", 60)}}, nil},
		{".NET assemblies run anywhere", "x86_64", []file{{"a.dll", pe(true)}}, nil},
		{"Windows library on Linux", "x86_64", []file{{"x/a.dll", pe(false)}}, []string{"medium native-architecture x/a.dll"}},
		{"Windows, perhaps as wanted", "", []file{{"x/a.dll", pe(false)}}, nil},
		{"launchers for Windows", "x86_64", []file{{"pip/_vendor/distlib/t64.exe", pe(false)}}, nil},
		{"removed", "arm64", []file{{"removed/a.so", elf(x86)}}, nil},
		{"object file", "arm64", []file{{"a.o", strings.Replace(elf(x86), "\x03\x00\x3e", "\x01\x00\x3e", 1)}}, nil},
		{"cut off", "arm64", []file{{"a.so", elf(x86)[:40]}}, nil},
	} {
		var files []file
		for _, f := range c.files {
			files = append(files, file{"fn.zip!/" + f.path, f.data})
		}
		if diff := cmp.Diff(c.want, run(t, hygiene.Options{Architecture: c.arch}, zipped, "", files...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.why, diff)
		}
	}
	a := zipped
	a.Config.Architectures = []string{"arm64"}
	if got := run(t, hygiene.Options{}, a, "", file{"fn.zip!/x/a.so", elf(x86)}); len(got) != 1 {
		t.Errorf("architecture of the configuration: %v", got)
	}
}

func TestHandler(t *testing.T) {
	for _, c := range []struct {
		handler, runtime string
		files            []string
		missing          bool
	}{
		{"index.handler", "nodejs22.x", []string{"index.mjs"}, false},
		{"index.handler", "nodejs22.x", []string{"index.py"}, true},
		{"index.handler", "", []string{"index.py"}, false},
		{"src/api/index.handler", "nodejs20.x", []string{"src/api/index.js"}, false},
		{"src/api/index.handler", "nodejs20.x", []string{"index.js"}, true},
		{"app.lambda_handler", "python3.12", []string{"app.py"}, false},
		{"pkg.app.lambda_handler", "python3.12", []string{"pkg/app.py"}, false},
		{"pkg/app.lambda_handler", "python3.12", []string{"pkg/app.py"}, false},
		{"pkg.lambda_handler", "python3.12", []string{"pkg/__init__.py"}, false},
		{"app.lambda_handler", "python3.12", []string{"lib/app.py"}, true},
		{"com.x.Fn::handleRequest", "java21", []string{"lib/fn.jar!/com/x/Fn.class"}, false},
		{"com.x.Fn::handleRequest", "java21", []string{"com/x/Other.class"}, true},
		{"com.x.Fn", "java21", []string{"com/x/Fn.class"}, false},
		{"Fn::Fn.Function::Handle", "dotnet8", []string{"Fn.dll"}, false},
		{"Fn::Fn.Function::Handle", "dotnet8", []string{"Other.dll"}, true},
		{"anything", "provided.al2023", []string{"bootstrap"}, false},
		{"anything", "provided.al2023", []string{"main"}, true},
		{"", "", []string{"main"}, false},
		{"no-dot", "", []string{"main"}, false},
	} {
		a := zipped
		a.Config.Handler, a.Config.Runtime = c.handler, c.runtime
		var files []file
		for _, name := range c.files {
			files = append(files, file{"fn.zip!/" + name, "x"})
		}
		if got := run(t, hygiene.Options{}, a, "", files...); (len(got) > 0) != c.missing {
			t.Errorf("%s on %s with %v: %v, want missing %v", c.handler, c.runtime, c.files, got, c.missing)
		}
	}
	a := zipped
	a.Type = "image"
	if got := run(t, hygiene.Options{Handler: "index.handler"}, a, ""); got != nil {
		t.Errorf("images: %v", got)
	}
}

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		why      string
		artifact fnvet.Artifact
		unpacked int64
		want     []string
	}{
		{"small", fnvet.Artifact{Type: "zip", Size: 1 << 20}, 1 << 20, nil},
		{"just as large as may be", fnvet.Artifact{Type: "zip", Size: 50 << 20}, 250 << 20, nil},
		{"zipped", fnvet.Artifact{Type: "zip", Size: 50<<20 + 1}, 1, []string{"51 MB zipped, the limit is 50 MB"}},
		{"unzipped", fnvet.Artifact{Type: "jar", Size: 1}, 250<<20 + 1, []string{"251 MB unzipped, the limit is 250 MB"}},
		{"directory", fnvet.Artifact{Type: "directory", Size: 300 << 20}, 300 << 20, []string{"300 MB, the limit is 250 MB"}},
		{"image", fnvet.Artifact{Type: "image", Size: 1}, 10<<30 + 1, []string{"10241 MB uncompressed, the limit is 10 GB"}},
		{"large image", fnvet.Artifact{Type: "image", Size: 1}, 9 << 30, nil},
		{"plain file", fnvet.Artifact{Type: "file", Size: 1 << 40}, 1 << 40, nil},
	} {
		var got []string
		for _, f := range hygiene.Sizes(c.artifact, c.unpacked) {
			got = append(got, f.Evidence)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.why, diff)
		}
	}
}

// FuzzDetect: no file makes the detector fail, and what it says of one does not
// depend on others.
func FuzzDetect(f *testing.F) {
	f.Add("app/.env", []byte("A=1"))
	f.Add("a.pem", []byte(pemKey))
	f.Add("a.so", []byte(elf(62)))
	f.Add("a.dll", []byte(pe(true)))
	f.Add("a.dylib", []byte("\xca\xfe\xba\xbe\x00\x00\x00\x02"+strings.Repeat("\x01\x00\x00\x07", 20)))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		detect := func(d *hygiene.Detector) []fnvet.Finding {
			in := &fnvet.File{Path: "x!/" + name, Name: name, Size: int64(len(data)), Mode: 0o644, Data: data}
			facts, err := d.Detect(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			d.Situate(fnvet.Artifact{Name: "x", Type: "zip"}, nil, true)
			if _, err := d.Finish(t.Context(), func(string, string) bool { return false }); err != nil {
				t.Fatal(err)
			}
			return facts.Findings
		}
		d := hygiene.New(hygiene.Options{Architecture: "arm64", Handler: name})
		first, again := detect(d), detect(d)
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestInform(t *testing.T) {
	elfARM := []byte("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9) + "\x03\x00\xb7\x00" + strings.Repeat("\x00", 60))
	node := fnvet.Function{Name: "Orders", Path: "template.yaml", Line: 7, Cloud: "aws", Runtime: "nodejs22.x", Handler: "index.handler", Sure: true}
	with := func(change func(*fnvet.Function)) []fnvet.Function {
		f := node
		change(&f)
		return []fnvet.Function{f}
	}
	for _, c := range []struct {
		why       string
		functions []fnvet.Function
		files     []string
		want      []string
	}{
		{"the handler is there", with(func(*fnvet.Function) {}), []string{"index.js"}, nil},
		{"in the folder of its code", with(func(f *fnvet.Function) { f.Root = "src" }), []string{"src/index.mjs"}, nil},
		{"before its build", with(func(*fnvet.Function) {}), []string{"index.ts"}, nil},
		{"missing", with(func(*fnvet.Function) {}), []string{"app.js"}, []string{"hygiene/missing-handler template.yaml:7 Orders"}},
		{"in another folder", with(func(f *fnvet.Function) { f.Root = "src" }), []string{"index.js"}, []string{"hygiene/missing-handler template.yaml:7 Orders"}},
		{"maybe of another artifact", with(func(f *fnvet.Function) { f.Sure = false }), []string{"app.js"}, nil},
		{"a native library of the wrong processor", with(func(f *fnvet.Function) { f.Architectures = []string{"x86_64"} }), []string{"index.js", "lib/x.so"}, []string{"hygiene/native-architecture fn.zip!/lib/x.so:0 "}},
		{"of the right one", with(func(f *fnvet.Function) { f.Architectures = []string{"arm64"} }), []string{"index.js", "lib/x.so"}, nil},
	} {
		d := hygiene.New(hygiene.Options{})
		for _, name := range c.files {
			data := []byte("x")
			if strings.HasSuffix(name, ".so") {
				data = elfARM
			}
			if _, err := d.Detect(t.Context(), &fnvet.File{Path: "fn.zip!/" + name, Name: name, Size: int64(len(data)), Data: data}); err != nil {
				t.Fatal(err)
			}
		}
		d.Situate(zipped, nil, true)
		d.Inform(c.functions)
		facts, err := d.Finish(t.Context(), func(string, string) bool { return false })
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range facts.Findings {
			got = append(got, fmt.Sprintf("%s %s:%d %s", f.ID, f.Path, f.Line, f.Resource))
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.why, d)
		}
	}
}
