package platform_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/platform"
)

func TestHost(t *testing.T) {
	zip, image := fnvet.Artifact{Type: "zip"}, fnvet.Artifact{Type: "image"}
	const al2023 = "NAME=\"Amazon Linux\"\nVERSION=\"2023\"\nID=\"amzn\"\nVERSION_ID=\"2023\"\n"
	function := func(runtime string, sure bool) fnvet.Function { return fnvet.Function{Runtime: runtime, Sure: sure} }
	lambda := map[string]string{"LAMBDA_RUNTIME_DIR": "/var/runtime", "LAMBDA_TASK_ROOT": "/var/task"}
	for _, tt := range []struct {
		why       string
		artifact  fnvet.Artifact
		settings  map[string]string
		files     map[string]string
		functions []fnvet.Function
		want      string // runtime|from|base
	}{
		{"nothing", zip, nil, nil, nil, "||"},
		{"what the API states", fnvet.Artifact{Type: "zip", Config: fnvet.Config{Runtime: "nodejs22.x"}}, nil, map[string]string{"bootstrap": "x"}, []fnvet.Function{function("python3.13", true)}, "nodejs22.x|api|"},
		{"a template", zip, nil, map[string]string{"bootstrap": "x"}, []fnvet.Function{function("python3.13", true), function("python3.13", true)}, "python3.13|template|"},
		{"two runtimes", zip, nil, nil, []fnvet.Function{function("python3.13", true), function("nodejs22.x", true)}, "||"},
		{"a template of other code", zip, nil, nil, []fnvet.Function{function("python3.13", false)}, "||"},
		{"a bootstrap", zip, nil, map[string]string{"bootstrap": "\x7fELF"}, nil, "provided|bootstrap|"},
		{"a bootstrap that is gone", zip, nil, map[string]string{"bootstrap": "removed"}, nil, "||"},
		{"AWS's Python", image, lambda, map[string]string{"etc/os-release": al2023, "var/lang/bin/python3.12": "x"}, nil, "python3.12|image|aws-lambda python3.12 amzn 2023"},
		{"AWS's Node.js", image, lambda, map[string]string{"etc/os-release": al2023, "var/lang/bin/node": "x", "var/lang/include/node/node_version.h": "#define NODE_MAJOR_VERSION 22\n"}, nil, "nodejs22.x|image|aws-lambda nodejs22.x amzn 2023"},
		{"AWS's Java", image, lambda, map[string]string{"etc/os-release": al2023, "var/lang/release": "JAVA_VERSION=\"21.0.5\"\n"}, nil, "java21|image|aws-lambda java21 amzn 2023"},
		{"AWS's own runtimes", image, lambda, map[string]string{"etc/os-release": al2023}, nil, "provided.al2023|image|aws-lambda provided.al2023 amzn 2023"},
		{"by the environment", image, map[string]string{"AWS_EXECUTION_ENV": "AWS_Lambda_python3.11"}, nil, nil, "python3.11|image|scratch"},
		{"Azure", image, map[string]string{"FUNCTIONS_WORKER_RUNTIME": "node", "AzureWebJobsScriptRoot": "/home/site/wwwroot"}, nil, nil, "azure-functions node|image|azure-functions node"},
		{"Google", image, map[string]string{"GOOGLE_RUNTIME": "nodejs22", "io.buildpacks.stack.id": "google.gae.22"}, nil, nil, "nodejs22|image|buildpacks google.gae.22"},
		{"distroless", image, nil, map[string]string{"etc/os-release": "PRETTY_NAME=\"Distroless\"\nID=\"debian\"\nVERSION_ID=\"12\"\n"}, nil, "||distroless debian 12"},
		{"a label names the base", image, map[string]string{"org.opencontainers.image.base.name": "registry.example/base:1", "org.opencontainers.image.base.digest": "sha256:aa"}, map[string]string{"etc/os-release": al2023}, nil, "||registry.example/base:1@sha256:aa"},
		{"a distribution", image, nil, map[string]string{"usr/lib/os-release": "ID=alpine\nVERSION_ID=3.20.1\n"}, nil, "||alpine 3.20.1"},
		{"nothing below", image, nil, nil, nil, "||scratch"},
		{"text that drives a terminal", image, map[string]string{"org.opencontainers.image.base.name": "a\x1b[31m" + strings.Repeat("b", 1000)}, nil, nil, "||a[31m" + strings.Repeat("b", 250)},
	} {
		d := platform.New()
		for _, name := range slices.Sorted(maps.Keys(tt.files)) {
			f := &fnvet.File{Path: name + tt.files[name][:min(7, len(tt.files[name]))], Name: name, Data: []byte(tt.files[name])}
			if !d.Want(f) {
				t.Errorf("%s: %s is not wanted", tt.why, name)
				continue
			}
			if _, err := d.Detect(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
		var settings []fnvet.Setting
		for name, value := range tt.settings {
			settings = append(settings, fnvet.Setting{Source: "image-config", Name: name, Value: value})
		}
		d.Situate(tt.artifact, settings, true)
		d.Inform(tt.functions)
		facts, err := d.Finish(t.Context(), func(path, _ string) bool { return strings.HasSuffix(path, "removed") })
		if err != nil {
			t.Fatal(err)
		}
		got := "||"
		if h := facts.Host; h != nil {
			got = h.Runtime + "|" + h.From + "|" + h.Base
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.why, got, tt.want)
		}
	}
}

func TestProvides(t *testing.T) {
	for _, tt := range []struct {
		runtime, name string
		want          bool
	}{
		{"nodejs22.x", "@aws-sdk/client-s3", true}, {"nodejs22.x", "aws-sdk", false}, {"nodejs16.x", "aws-sdk", true}, {"nodejs16.x", "@aws-sdk/client-s3", false},
		{"python3.13", "boto3", true}, {"python3.13", "requests", false}, {"provided.al2023", "boto3", false}, {"java21", "aws-sdk", false},
	} {
		if got := platform.Provides(tt.runtime, tt.name); got != tt.want {
			t.Errorf("%s %s: %v", tt.runtime, tt.name, got)
		}
	}
}

// FuzzHost: whatever the marks hold, what is said is one short line.
func FuzzHost(f *testing.F) {
	f.Add("etc/os-release", []byte("ID=x\nVERSION_ID=\"1\"\n"), "LAMBDA_RUNTIME_DIR", "x")
	f.Add("var/lang/release", []byte("JAVA_VERSION=1"), "org.opencontainers.image.base.name", "a\nb")
	f.Fuzz(func(t *testing.T, name string, data []byte, key, value string) {
		d := platform.New()
		file := &fnvet.File{Path: name, Name: name, Data: data}
		if d.Want(file) {
			if _, err := d.Detect(t.Context(), file); err != nil {
				t.Fatal(err)
			}
		}
		d.Situate(fnvet.Artifact{Type: "image"}, []fnvet.Setting{{Source: "env", Name: key, Value: value}}, true)
		facts, err := d.Finish(t.Context(), func(string, string) bool { return false })
		if err != nil {
			t.Fatal(err)
		}
		if h := facts.Host; h != nil && (len(h.Base) > 300 || len(h.Runtime) > 300 || strings.ContainsAny(h.Base+h.Runtime, "\n\x1b")) {
			t.Fatalf("%q %q", h.Runtime, h.Base)
		}
	})
}
