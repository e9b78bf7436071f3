// Package platform tells what a function runs on from what its artifact shows:
// the provider's runtime by the settings and files of an image or the bootstrap
// of a package, and the image that an image was made from.
//
// It reads marks that base images leave on purpose: labels of the OCI annotation
// names, environment, well-known files. It compares no layer with a list of
// published digests, which would be old the day after.
package platform

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/lazyregexp"
)

// A Detector gathers marks over one scan.
type Detector struct {
	mu       sync.Mutex
	seen     map[string]string // mark → what its file says, or "there"
	places   []place
	artifact fnvet.Artifact
	settings map[string]string // environment and labels
	told     []fnvet.Function
}

// A place is where a mark was seen; a later layer may have taken it away.
type place struct{ mark, value, path, layer string }

// New returns a detector for one scan.
func New() *Detector {
	return &Detector{seen: make(map[string]string), settings: make(map[string]string)}
}

// maxMark bounds the files whose content is read.
const maxMark = 64 << 10

// marks are files that tell, by path; "" content is not read.
var marks = map[string]string{
	"etc/os-release":                  "os-release",
	"usr/lib/os-release":              "os-release",
	"lambda-entrypoint.sh":            "aws",
	"var/runtime/bootstrap":           "aws-runtime",
	"azure-functions-host/startup.sh": "azure",
	"azure-functions-host/Microsoft.Azure.WebJobs.Script.WebHost.dll": "azure",
	"usr/local/bin/functions-framework":                               "google",
	"var/lang/bin/node":                                               "aws-node",
	"var/lang/include/node/node_version.h":                            "node-header",
	"var/lang/bin/dotnet":                                             "aws-dotnet",
	"var/lang/release":                                                "aws-java",
	"bin/busybox":                                                     "busybox",
	"bootstrap":                                                       "bootstrap",
}

var langPython = lazyregexp.New(`^var/lang/bin/python(3\.\d+)$`)
var langRuby = lazyregexp.New(`^var/lang/lib/ruby/(\d+\.\d+)\.\d+/`)

// Want takes the marks, by name.
func (d *Detector) Want(f *fnvet.File) bool {
	if f.Depth > 0 {
		return false
	}
	return marks[f.Name] != "" || langPython().MatchString(f.Name) || langRuby().MatchString(f.Name) || strings.HasPrefix(f.Name, "var/lib/dpkg/status.d/")
}

// Detect notes a mark.
func (d *Detector) Detect(_ context.Context, f *fnvet.File) (fnvet.Facts, error) {
	p := place{mark: marks[f.Name], value: "there", path: f.Path, layer: f.Layer}
	switch {
	case p.mark == "bootstrap" && f.Layer != "":
		return fnvet.Facts{}, nil // of a layer or an image
	case p.mark == "os-release" || p.mark == "aws-java" || p.mark == "node-header":
		p.value = string(f.Data[:min(len(f.Data), maxMark)])
	case langPython().MatchString(f.Name):
		p.mark, p.value = "aws-python", langPython().FindStringSubmatch(f.Name)[1]
	case langRuby().MatchString(f.Name):
		p.mark, p.value = "aws-ruby", langRuby().FindStringSubmatch(f.Name)[1]
	case p.mark == "":
		p.mark = "dpkg-parts"
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if (p.mark == "aws-ruby" || p.mark == "dpkg-parts") && slices.ContainsFunc(d.places, func(q place) bool { return q.mark == p.mark && q.layer == p.layer }) {
		return fnvet.Facts{}, nil // one is enough
	}
	p.path, p.value = strings.Clone(p.path), strings.Clone(p.value)
	d.places = append(d.places, p)
	return fnvet.Facts{}, nil
}

// Situate tells the configuration of the artifact, before Finish.
func (d *Detector) Situate(a fnvet.Artifact, settings []fnvet.Setting, _ bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.artifact = a
	for _, s := range settings {
		if s.Source == "env" || s.Source == "image-config" {
			d.settings[s.Name] = s.Value
		}
	}
}

// Inform tells which functions templates state, before Finish.
func (d *Detector) Inform(functions []fnvet.Function) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = slices.Clone(functions)
}

// Finish returns what the function runs on, if anything shows it.
func (d *Detector) Finish(_ context.Context, removed func(path, layer string) bool) (fnvet.Facts, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	slices.SortFunc(d.places, func(a, b place) int {
		return strings.Compare(a.mark+"\x00"+a.path+"\x00"+a.layer, b.mark+"\x00"+b.path+"\x00"+b.layer)
	})
	for _, p := range d.places {
		if d.seen[p.mark] == "" && !removed(p.path, p.layer) {
			d.seen[p.mark] = p.value
		}
	}
	h := fnvet.Host{}
	h.Runtime, h.From = d.runtime()
	if d.artifact.Type == "image" {
		h.Base = d.base(h.Runtime)
	}
	if h.Runtime == "" && h.Base == "" {
		return fnvet.Facts{}, nil
	}
	return fnvet.Facts{Host: &h}, nil
}

// runtime is what the artifact's own configuration, a template, the image or a
// bootstrap says, in this order.
func (d *Detector) runtime() (name, from string) {
	if r := d.artifact.Config.Runtime; r != "" {
		return r, fnvet.RuntimeAPI
	}
	if d.artifact.Type == "image" {
		if name = d.ofImage(); name != "" {
			from = fnvet.RuntimeImage
		}
		return name, from
	}
	for i, f := range d.told {
		if !f.Sure || f.Runtime == "" || i > 0 && f.Runtime != d.told[0].Runtime {
			name = ""
			break
		}
		name = f.Runtime
	}
	if name != "" {
		return name, fnvet.RuntimeTemplate
	}
	if d.seen["bootstrap"] != "" {
		return "provided", fnvet.RuntimeBootstrap
	}
	return "", ""
}

// ofImage goes by the environment that providers set and the places of their
// interpreters.
func (d *Detector) ofImage() string {
	if env := d.settings["AWS_EXECUTION_ENV"]; strings.HasPrefix(env, "AWS_Lambda_") {
		return bounded(strings.TrimPrefix(env, "AWS_Lambda_"))
	}
	if d.settings["LAMBDA_RUNTIME_DIR"] != "" || d.seen["aws"] != "" {
		return d.ofLambda()
	}
	if worker := d.settings["FUNCTIONS_WORKER_RUNTIME"]; worker != "" {
		return bounded("azure-functions " + worker)
	}
	if d.seen["azure"] != "" || d.settings["AzureWebJobsScriptRoot"] != "" {
		return "azure-functions"
	}
	if r := d.settings["GOOGLE_RUNTIME"]; r != "" {
		return bounded(r) // "nodejs22"
	}
	return ""
}

var (
	javaVersion = lazyregexp.New(`(?m)^JAVA_VERSION="?(\d+)`)
	nodeMajor   = lazyregexp.New(`(?m)^#define NODE_MAJOR_VERSION (\d+)`)
)

// ofLambda names the runtime of one of AWS's base images by what lies in
// /var/lang. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
func (d *Detector) ofLambda() string {
	switch {
	case d.seen["aws-python"] != "":
		return "python" + d.seen["aws-python"]
	case d.seen["aws-node"] != "":
		if m := nodeMajor().FindStringSubmatch(d.seen["node-header"]); m != nil {
			return "nodejs" + m[1] + ".x"
		}
		return "nodejs"
	case d.seen["aws-ruby"] != "":
		return "ruby" + d.seen["aws-ruby"]
	case d.seen["aws-java"] != "":
		if m := javaVersion().FindStringSubmatch(d.seen["aws-java"]); m != nil {
			return "java" + m[1]
		}
		return "java"
	case d.seen["aws-dotnet"] != "":
		return "dotnet"
	}
	switch r := release(d.seen["os-release"]); {
	case r["ID"] == "amzn" && r["VERSION_ID"] == "2":
		return "provided.al2"
	case r["ID"] == "amzn":
		return "provided.al" + bounded(r["VERSION_ID"])
	}
	return "provided"
}

// base names the image that this one was made from: by label, else by its kind.
func (d *Detector) base(runtime string) string {
	if name := d.settings["org.opencontainers.image.base.name"]; name != "" {
		if digest := d.settings["org.opencontainers.image.base.digest"]; digest != "" && !strings.Contains(name, "@") {
			name += "@" + digest
		}
		return bounded(name)
	}
	r := release(d.seen["os-release"])
	system := strings.TrimSpace(r["ID"] + " " + r["VERSION_ID"])
	kind := ""
	switch {
	case d.settings["LAMBDA_RUNTIME_DIR"] != "" || d.seen["aws"] != "":
		kind = strings.TrimSpace("aws-lambda " + runtime)
	case strings.HasPrefix(runtime, "azure-functions"):
		kind = runtime
	case d.settings["GOOGLE_RUNTIME"] != "" || d.settings["io.buildpacks.stack.id"] != "":
		kind = strings.TrimSpace("buildpacks " + d.settings["io.buildpacks.stack.id"])
	case strings.Contains(r["PRETTY_NAME"], "Distroless"), d.seen["dpkg-parts"] != "":
		kind = "distroless"
	case strings.HasPrefix(d.settings["name"], "ubi") && d.settings["vendor"] != "":
		kind = d.settings["name"]
	case d.settings["com.vmware.cp.artifact.flavor"] != "" || strings.HasPrefix(d.settings["org.opencontainers.image.vendor"], "Broadcom"):
		kind = "bitnami"
	case system == "" && d.seen["busybox"] != "":
		kind = "busybox"
	case system == "" && len(d.places) == 0:
		kind = "scratch"
	}
	return bounded(strings.TrimSpace(kind + " " + system))
}

// release reads the NAME="value" lines of os-release.
func release(text string) map[string]string {
	out := make(map[string]string)
	for line := range bytes.SplitSeq([]byte(text), []byte("\n")) {
		if key, value, ok := strings.Cut(strings.TrimSpace(string(line)), "="); ok {
			out[key] = strings.Trim(value, `"'`)
		}
	}
	return out
}

// maxField bounds what is taken over from an image, in bytes.
const maxField = 256

func bounded(s string) string {
	if len(s) > maxField {
		s = s[:maxField]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return -1
		}
		return r
	}, s)
}

// Provides says whether a managed runtime brings a package of an ecosystem, by
// the name that code imports: AWS's SDK for Node.js, Python and Ruby.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
func Provides(runtime, name string) bool {
	switch {
	case strings.HasPrefix(runtime, "nodejs"):
		old := slices.Contains([]string{"nodejs", "nodejs4.3", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x", "nodejs16.x"}, runtime)
		if old {
			return name == "aws-sdk"
		}
		return strings.HasPrefix(name, "@aws-sdk/") || strings.HasPrefix(name, "@smithy/")
	case strings.HasPrefix(runtime, "python"):
		return name == "boto3" || name == "botocore" || name == "s3transfer"
	case strings.HasPrefix(runtime, "ruby"):
		return name == "aws-sdk" || strings.HasPrefix(name, "aws-sdk-")
	}
	return false
}
