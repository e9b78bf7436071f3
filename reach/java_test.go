package reach

import (
	"encoding/binary"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
)

// class makes a class file that names others, and implements an interface.
func class(name, implements string, names ...string) string {
	var pool []byte
	n := uint16(1)
	add := func(name string) uint16 {
		pool = binary.BigEndian.AppendUint16(append(pool, 1), uint16(len(name))) // #nosec G115 -- short
		pool = append(pool, name...)
		pool = binary.BigEndian.AppendUint16(append(pool, 7), n)
		n += 2
		return n - 1
	}
	this, super, face := add(name), add("java/lang/Object"), add(implements)
	for _, other := range names {
		add(other)
	}
	out := binary.BigEndian.AppendUint32(nil, 0xCAFEBABE)
	out = binary.BigEndian.AppendUint16(append(out, 0, 0, 0, 52), n)
	out = append(out, pool...)
	for _, v := range []uint16{0x21, this, super, 1, face, 0, 0, 0} {
		out = binary.BigEndian.AppendUint16(out, v)
	}
	return string(out)
}

const lambdaHandler = "com/amazonaws/services/lambda/runtime/RequestHandler"

// askJava gives files of the artifact and of jars in it ("lib/a.jar!/x") to a
// detector, and returns "container reach" of what is known.
func askJava(t *testing.T, o Options, a fnvet.Artifact, functions []fnvet.Function, files map[string]string) []string {
	t.Helper()
	d := New(o)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := &fnvet.File{Path: name, Name: name, Data: []byte(files[name]), Size: int64(len(files[name]))}
		for i := len(name) - 2; i > 0; i-- {
			if name[i:i+2] == "!/" {
				f.Container, f.Name, f.Depth = name[:i], name[i+2:], 1
				break
			}
		}
		if !d.Want(f) {
			continue
		}
		if _, err := d.Detect(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	d.Inform(functions)
	d.Situate(a, nil, true)
	facts, err := d.Finish(t.Context(), func(string, string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, f := range facts.Reach {
		if path.Base(f.Path) == "MANIFEST.MF" || strings.HasSuffix(f.Path, ".js") {
			continue // beside the archive or package itself
		}
		got = append(got, f.Ecosystem+" "+f.Path+" "+string(f.Reach))
	}
	slices.Sort(got)
	return got
}

func TestJavaStart(t *testing.T) {
	files := map[string]string{
		"com/acme/Handler.class":        class("com/acme/Handler", lambdaHandler, "org/a/A"),
		"com/acme/Other.class":          class("com/acme/Other", "java/lang/Runnable", "org/z/Z"),
		"lib/a.jar!/org/a/A.class":      class("org/a/A", "java/lang/Runnable"),
		"lib/z.jar!/org/z/Z.class":      class("org/z/Z", "java/lang/Runnable"),
		"app.jar!/com/m/Main.class":     class("com/m/Main", "java/lang/Runnable", "org/z/Z"),
		"app.jar!/META-INF/MANIFEST.MF": "Manifest-Version: 1.0\r\nMain-Class: com.m\r\n .Main\r\n\r\n",
	}
	used := []string{"Maven app.jar no", "Maven lib/a.jar yes", "Maven lib/z.jar no"}
	zip := fnvet.Artifact{Type: "zip"}
	function := func(handler, runtime string, sure bool) fnvet.Function {
		return fnvet.Function{Name: "F", Handler: handler, Runtime: runtime, Sure: sure}
	}
	for _, tt := range []struct {
		why       string
		options   Options
		artifact  fnvet.Artifact
		functions []fnvet.Function
		want      []string
	}{
		{"handler given", Options{Handler: "com.acme.Handler::handleRequest"}, zip, nil, used},
		{"class given", Options{Handler: "com.acme.Handler"}, zip, nil, used},
		{"handler of the configuration", Options{}, fnvet.Artifact{Type: "zip", Config: fnvet.Config{Handler: "com.acme.Handler::h", Runtime: "java21"}}, nil, used},
		{"handler not there", Options{Handler: "com.acme.Gone::h"}, zip, nil, []string{}},
		{"handler of another runtime", Options{Handler: "index.handler"}, zip, nil, []string{}},
		{"another runtime", Options{}, fnvet.Artifact{Type: "zip", Config: fnvet.Config{Runtime: "nodejs22.x"}}, nil, []string{}},
		{"by the interface; other own classes may be it", Options{}, zip, nil, []string{"Maven app.jar no", "Maven lib/a.jar yes"}},
		{"of a template", Options{}, zip, []fnvet.Function{function("com.acme.Handler::h", "java21", true)}, used},
		{"of a template that may mean another artifact", Options{}, zip, []fnvet.Function{function("com.acme.Handler::h", "java21", false)}, []string{"Maven lib/a.jar yes"}},
		{"two functions", Options{}, zip, []fnvet.Function{function("com.acme.Handler::h", "java21", true), function("com.acme.Other::h", "java17", true)},
			[]string{"Maven app.jar no", "Maven lib/a.jar yes", "Maven lib/z.jar yes"}},
		{"one of them leaves its handler open", Options{}, zip, []fnvet.Function{function("com.acme.Handler::h", "java21", true), function("", "java17", true)}, []string{"Maven lib/a.jar yes"}},
		{"java -jar", Options{}, fnvet.Artifact{Type: "image", Config: fnvet.Config{Entrypoint: []string{"java", "-Xmx1g", "-jar", "/app.jar"}}}, nil,
			[]string{"Maven app.jar yes", "Maven lib/a.jar no", "Maven lib/z.jar yes"}},
		{"java -cp", Options{}, fnvet.Artifact{Type: "image", Config: fnvet.Config{Cmd: []string{"sh", "-c", "exec java -cp /x:lib com.acme.Handler"}}}, nil, used},
		{"an agent", Options{}, fnvet.Artifact{Type: "image", Config: fnvet.Config{Cmd: []string{"java", "-javaagent:/x.jar", "-jar", "/app.jar"}}}, nil, []string{"Maven app.jar yes", "Maven lib/z.jar yes"}},
		{"handler as command", Options{}, fnvet.Artifact{Type: "image", Config: fnvet.Config{Entrypoint: []string{"/lambda-entrypoint.sh"}, Cmd: []string{"com.acme.Handler::h"}}}, nil, used},
		{"a module", Options{}, fnvet.Artifact{Type: "image", Config: fnvet.Config{Cmd: []string{"java", "-m", "m/com.m.Main"}}}, nil, []string{}},
		{"something else", Options{}, fnvet.Artifact{Type: "image", Config: fnvet.Config{Cmd: []string{"catalina.sh", "run"}}}, nil, []string{}},
	} {
		if diff := cmp.Diff(tt.want, askJava(t, tt.options, tt.artifact, tt.functions, files)); diff != "" {
			t.Errorf("%s: %s", tt.why, diff)
		}
	}
}

// TestFunctions: handlers of templates are entries of Node.js and Python as well.
func TestFunctions(t *testing.T) {
	files := tree(map[string]string{"jobs/nightly.js": "require('z')"})
	function := func(handler, root string, sure bool) fnvet.Function {
		return fnvet.Function{Handler: handler, Runtime: "nodejs22.x", Root: root, Sure: sure}
	}
	for _, tt := range []struct {
		why       string
		functions []fnvet.Function
		want      []string
	}{
		{"one", []fnvet.Function{function("nightly.handler", "jobs", true)}, []string{"npm node_modules/a/package.json no", "npm node_modules/z/package.json yes"}},
		{"two", []fnvet.Function{function("jobs/nightly.handler", "", true), function("index.handler", "", true)}, []string{"npm node_modules/a/package.json yes", "npm node_modules/z/package.json yes"}},
		{"not sure", []fnvet.Function{function("index.handler", "", false)}, []string{"npm node_modules/a/package.json yes"}},
		{"of another runtime", []fnvet.Function{{Handler: "app.handler", Runtime: "python3.13", Sure: true}}, []string{"npm node_modules/a/package.json yes"}},
	} {
		got := askJava(t, Options{}, fnvet.Artifact{Type: "zip"}, tt.functions, files)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.why, diff)
		}
	}
}
