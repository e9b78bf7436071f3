package reach

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
)

// ask gives files to a detector and returns its answers as "path reach via…".
func ask(t *testing.T, o Options, a fnvet.Artifact, env map[string]string, whole bool, files map[string]string) []string {
	t.Helper()
	d := New(o)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := &fnvet.File{Path: a.Name + name, Name: name, Data: []byte(files[name])}
		if link, ok := strings.CutPrefix(files[name], "->"); ok {
			f.Link, f.Data = link, nil
		}
		if layer, rest, ok := strings.Cut(name, "::"); ok {
			f.Layer, f.Name = layer, rest
		}
		if !d.Want(f) {
			continue
		}
		if facts, err := d.Detect(t.Context(), f); err != nil || len(facts.Reach) > 0 {
			t.Fatalf("%s: %v %v", name, facts, err)
		}
	}
	var settings []fnvet.Setting
	for k, v := range env {
		settings = append(settings, fnvet.Setting{Source: "image-config", Name: k, Value: v})
	}
	d.Situate(a, settings, whole)
	facts, err := d.Finish(t.Context(), func(path, _ string) bool { return strings.Contains(path, "removed") })
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, f := range facts.Reach {
		if want := map[bool]string{true: "PyPI", false: "npm"}[strings.Contains(f.Path, ".dist-info")]; f.Ecosystem != want {
			t.Errorf("%s speaks of %q", f.Path, f.Ecosystem)
		}
		if name, ok := strings.CutSuffix(f.Path, "/package.json"); ok || strings.HasSuffix(f.Path, "/METADATA") {
			got = append(got, strings.TrimSpace(strings.TrimPrefix(name, a.Name)+" "+string(f.Reach)+" "+strings.Join(f.Via, ">")))
		}
	}
	slices.Sort(got)
	return got
}

// tree is a function with packages a (used) and z (not), and more files.
func tree(more map[string]string) map[string]string {
	files := map[string]string{
		"index.js":                    "require('a'); exports.handler = 1",
		"node_modules/a/package.json": `{"name":"a"}`, "node_modules/a/index.js": "",
		"node_modules/z/package.json": `{"name":"z"}`, "node_modules/z/index.js": "",
	}
	maps.Copy(files, more)
	for name, content := range files {
		if content == "-" {
			delete(files, name)
		}
	}
	return files
}

// app is the same below app/ of an image.
func app(more map[string]string) map[string]string {
	files := make(map[string]string)
	for name, content := range tree(nil) {
		files["app/"+name] = content
	}
	maps.Copy(files, more)
	return files
}

var (
	both    = []string{"node_modules/a yes index.js>a", "node_modules/z no"}
	bothApp = []string{"app/node_modules/a yes app/index.js>a", "app/node_modules/z no"}
)

func image(words ...string) fnvet.Artifact {
	return fnvet.Artifact{Type: "image", Config: fnvet.Config{WorkingDir: "/app", Cmd: words}}
}

func TestStart(t *testing.T) {
	zip := fnvet.Artifact{Type: "zip", Name: "fn.zip!/"}
	for _, tt := range []struct {
		why      string
		artifact fnvet.Artifact
		options  Options
		env      map[string]string
		files    map[string]string
		want     []string
	}{
		{"convention", zip, Options{}, nil, tree(nil), both},
		{"no entry", zip, Options{}, nil, tree(map[string]string{"index.js": "-"}), nil},
		{"main of package.json", zip, Options{}, nil, tree(map[string]string{"index.js": "-", "lib/x.js": "require('z')", "package.json": `{"main":"lib/x"}`}), []string{"node_modules/a no", "node_modules/z yes lib/x.js>z"}},
		{"another file may be the handler", zip, Options{}, nil, tree(map[string]string{"jobs/nightly.js": "exports.handler = () => require('z')"}), both[:1]},
		{"a test is none", zip, Options{}, nil, tree(map[string]string{"test/x.test.js": "exports.x = require('z')"}), both},
		{"handler given", zip, Options{Handler: "jobs/nightly.handler"}, nil, tree(map[string]string{"jobs/nightly.js": "require('z')"}), []string{"node_modules/a no", "node_modules/z yes jobs/nightly.js>z"}},
		{"handler not there", zip, Options{Handler: "gone.handler"}, nil, tree(nil), nil},
		{"handler of the configuration", fnvet.Artifact{Type: "zip", Name: "fn.zip!/", Config: fnvet.Config{Handler: "index.handler", Runtime: "nodejs22.x"}}, Options{}, nil, tree(nil), both},
		{"another runtime", fnvet.Artifact{Type: "zip", Config: fnvet.Config{Handler: "index.handler", Runtime: "python3.13"}}, Options{}, nil, tree(nil), nil},
		{"preloaded", zip, Options{}, map[string]string{"NODE_OPTIONS": "--require z"}, tree(nil), []string{both[0], "node_modules/z yes node_modules/z/index.js>z"}},
		{"a loader", zip, Options{}, map[string]string{"NODE_OPTIONS": "--loader ts-node/esm"}, tree(nil), both[:1]},
		{"a wrapper", zip, Options{}, map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/opt/x"}, tree(nil), both[:1]},
		{"a layer", zip, Options{}, nil, tree(map[string]string{"index.js": "require('l')", "L::nodejs/node_modules/l/package.json": `{"name":"l"}`, "L::nodejs/node_modules/l/index.js": ""}),
			[]string{"L::nodejs/node_modules/l unknown", "node_modules/a no", "node_modules/z no"}[1:]},
		{"removed by a later layer", image("node", "index.js"), Options{}, nil, app(map[string]string{"app/removed.js": "require('z')", "app/index.js": "require('a'); require('./removed')"}), bothApp},
		{"node", image("node", "--enable-source-maps", "index.js"), Options{}, nil, app(nil), bothApp},
		{"node with options that load", image("node", "-r", "z", "index"), Options{}, nil, app(nil), []string{bothApp[0], "app/node_modules/z yes app/node_modules/z/index.js>z"}},
		{"node with code", image("node", "-e", "x"), Options{}, nil, app(nil), nil},
		{"shell form", image("/bin/sh", "-c", "exec node ./index.js"), Options{}, nil, app(nil), bothApp},
		{"shell with more", image("/bin/sh", "-c", "x && node index.js"), Options{}, nil, app(nil), nil},
		{"npm start", image("npm", "start"), Options{}, nil, app(map[string]string{"app/package.json": `{"scripts":{"start":"NODE_OPTIONSX=1 node index.js"}}`}), bothApp[:0]},
		{"npm start, plain", image("npm", "run", "start"), Options{}, nil, app(map[string]string{"app/package.json": `{"scripts":{"start":"node index.js"}}`}), bothApp},
		{"script of the image that passes on", image("docker-entrypoint.sh", "node", "index.js"), Options{}, nil, app(map[string]string{"usr/local/bin/docker-entrypoint.sh": "#!/bin/sh\nset -e\nif true; then\n  set -- node \"$@\"\nfi\nexec \"$@\"\n"}), bothApp},
		{"script that does more", image("docker-entrypoint.sh", "node", "index.js"), Options{}, nil, app(map[string]string{"usr/local/bin/docker-entrypoint.sh": "node migrate.js\nexec \"$@\"\n"}), nil},
		{"script that is not there", image("docker-entrypoint.sh", "node", "index.js"), Options{}, nil, app(nil), nil},
		{"handler as command", image("index.handler"), Options{}, nil, app(nil), bothApp},
		{"something else", image("nginx"), Options{}, nil, app(nil), nil},
	} {
		t.Run(tt.why, func(t *testing.T) {
			want := append([]string{}, tt.want...)
			if diff := cmp.Diff(want, ask(t, tt.options, tt.artifact, tt.env, true, tt.files)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNothingIsRuledOutOfWhatWasNotSeen(t *testing.T) {
	got := ask(t, Options{}, fnvet.Artifact{Type: "zip"}, nil, false, tree(nil))
	if diff := cmp.Diff(both[:1], got); diff != "" {
		t.Error(diff)
	}
}

func TestPythonStart(t *testing.T) {
	files := map[string]string{
		"app.py": "import a\ndef handler(e, c): pass", "a.py": "", "z.py": "",
		"a-1.dist-info/METADATA": "Name: a", "a-1.dist-info/RECORD": "a.py,,", "z-1.dist-info/METADATA": "Name: z", "z-1.dist-info/RECORD": "z.py,,",
	}
	want := []string{"a-1.dist-info/METADATA yes app.py>a", "z-1.dist-info/METADATA no"}
	for _, tt := range []struct {
		why string
		a   fnvet.Artifact
		o   Options
	}{
		{"convention", fnvet.Artifact{Type: "zip"}, Options{}},
		{"handler", fnvet.Artifact{Type: "zip"}, Options{Handler: "app.handler"}},
		{"configuration", fnvet.Artifact{Type: "zip", Config: fnvet.Config{Handler: "app.handler", Runtime: "python3.13"}}, Options{}},
		{"script", fnvet.Artifact{Type: "image", Config: fnvet.Config{Cmd: []string{"python3", "-u", "app.py"}}}, Options{}},
		{"module", fnvet.Artifact{Type: "image", Config: fnvet.Config{WorkingDir: "/", Cmd: []string{"python3", "-m", "app"}}}, Options{}},
	} {
		if diff := cmp.Diff(want, ask(t, tt.o, tt.a, nil, true, files)); diff != "" {
			t.Errorf("%s: %s", tt.why, diff)
		}
	}
	files["vendored"] = "->lib/vendored"
	files["lib/vendored/m.py"] = ""
	if diff := cmp.Diff(want[:1], ask(t, Options{}, fnvet.Artifact{Type: "zip"}, nil, true, files)); diff != "" {
		t.Errorf("modules behind a link: %s", diff)
	}
	delete(files, "vendored")
	files["index.js"] = "x"
	if diff := cmp.Diff(want[:1], ask(t, Options{}, fnvet.Artifact{Type: "zip"}, nil, true, files)); diff != "" {
		t.Errorf("two runtimes: %s", diff)
	}
}
