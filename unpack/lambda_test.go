package unpack_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/unpack"
	"github.com/fnvet/fnvet/unpack/remote"
	"github.com/google/go-cmp/cmp"
)

// removals maps each removed path to the base name of what removed it.
func (w walked) removals() map[string]string {
	names := map[string]string{}
	for _, l := range w.Artifact.Layers {
		names[l.Digest] = l.Name
	}
	removed := map[string]string{}
	for _, f := range w.files {
		if by, gone := w.Removed(f.Path, f.Layer); gone {
			removed[f.Path] = names[by]
		}
	}
	return removed
}

func TestLambdaLayers(t *testing.T) {
	nested := zipOf(t, file{"n.txt", "nested"})
	first := writeFile(t, "deps.zip", zipOf(t, file{"python/a.py", "old"}, file{"python/keep.py", "k"}, file{"lib/n.zip", string(nested)}))
	second := writeFile(t, "deps.zip", zipOf(t, file{"python/a.py", "new"}, file{"lib/n.zip", "x"}, file{"bin", "file"}))
	function := zipOf(t, file{"python/a.py", "own"}, file{"app.py", "f"})
	target := writeFile(t, "fn.zip", function)
	got := walk(t, target, unpack.Options{Layers: []string{first, second, first}})
	want := map[string]string{
		"fn.zip!/python/a.py": "own", "fn.zip!/app.py": "f",
		"deps.zip!/python/a.py": "old", "deps.zip!/python/keep.py": "k", "deps.zip!/lib/n.zip": string(nested), "deps.zip!/lib/n.zip!/n.txt": "nested",
		"deps.zip#2!/python/a.py": "new", "deps.zip#2!/lib/n.zip": "x", "deps.zip#2!/bin": "file",
	}
	if diff := cmp.Diff(want, got.contents()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for _, f := range got.files {
		if fromLayer := strings.HasPrefix(f.Path, "deps"); fromLayer != (f.Layer != "") {
			t.Errorf("%s is of layer %q", f.Path, f.Layer)
		}
	}
	// The first layer is given again on top of the second.
	wantRemoved := map[string]string{"deps.zip#2!/python/a.py": "deps.zip", "deps.zip#2!/lib/n.zip": "deps.zip"}
	if diff := cmp.Diff(wantRemoved, got.removals()); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	got = walk(t, target, unpack.Options{Layers: []string{first, second}})
	wantRemoved = map[string]string{"deps.zip!/python/a.py": "deps.zip", "deps.zip!/lib/n.zip": "deps.zip", "deps.zip!/lib/n.zip!/n.txt": "deps.zip"}
	if diff := cmp.Diff(wantRemoved, got.removals()); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	if got.Artifact.Digest != sha(function) || len(got.Artifact.Layers) != 2 || got.Artifact.Layers[1].Index != 1 || got.Artifact.Layers[0].Name != "deps.zip" {
		t.Errorf("artifact: %+v", got.Artifact)
	}
	if _, network := unpack.Needs(target, unpack.Options{Layers: []string{first}}); network {
		t.Error("files need the network")
	}
}

func TestLambdaLayersRefused(t *testing.T) {
	fn := writeFile(t, "fn.zip", zipOf(t, file{"a", "1"}))
	if err := walkError(t, fn, unpack.Options{Layers: []string{"nowhere.zip"}}); !strings.Contains(err, "nowhere.zip") {
		t.Errorf("a layer that is not there: %s", err)
	}
	im := testImage{layers: [][]file{{{"a", "1"}}}}
	image := writeFile(t, "i.tar", tarOf(t, im.saved(t)...))
	if diff := cmp.Diff([]string{"unsupported"}, walk(t, image, unpack.Options{Layers: []string{fn}}).reasons()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"unsupported"}, walk(t, fn, unpack.Options{Layers: []string{image}}).reasons()); diff != "" {
		t.Error(diff)
	}
}

// A fakeAWS speaks as much of the Lambda and S3 APIs as a scan needs.
type fakeAWS struct {
	*httptest.Server
	files     map[string][]byte // by path of the download
	functions map[string]any    // by name and qualifier: what GetFunction answers
	layers    map[string]any    // by ARN
	mu        sync.Mutex
	odd       []string // requests that should not have been made
}

func startAWS(t *testing.T) *fakeAWS {
	t.Helper()
	noCredentials(t)
	a := &fakeAWS{files: map[string][]byte{}, functions: map[string]any{}, layers: map[string]any{}}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDOFTHETEST", "AWS_SECRET_ACCESS_KEY": "secret-of-the-test", "AWS_SESSION_TOKEN": "",
		"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": a.URL, "AWS_PROFILE": "", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	return a
}

func (a *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	api := strings.HasPrefix(r.URL.Path, "/20")
	signed := strings.Contains(r.Header.Get("Authorization"), "Credential=AKIDOFTHETEST/") && strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/lambda/")
	if api != signed || !api && r.URL.Query().Get("X-Amz-Signature") == "" {
		a.mu.Lock()
		a.odd = append(a.odd, r.URL.Path)
		a.mu.Unlock()
	}
	var answer any
	if name, found := strings.CutPrefix(r.URL.Path, "/2015-03-31/functions/"); found {
		answer = a.functions[strings.TrimPrefix(name, strings.TrimSuffix(fnARN, "orders"))+":"+r.URL.Query().Get("Qualifier")]
	} else if r.URL.Path == "/2018-10-31/layers" && r.URL.Query().Get("find") == "LayerVersion" {
		answer = a.layers[r.URL.Query().Get("Arn")]
	} else if data, found := a.files[r.URL.Path]; found {
		_, _ = w.Write(data)
		return
	}
	switch {
	case answer != nil:
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "%s", answer)
	case api:
		w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"Type":"User","Message":"Function not found"}`)
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>gone</Message></Error>`)
	}
}

// put stores a file and returns its signed address and its digest.
func (a *fakeAWS) put(path string, data []byte) (location, digest string) {
	a.files[path] = data
	sum := sha256.Sum256(data)
	return a.URL + path + "?X-Amz-Signature=hidden", base64.StdEncoding.EncodeToString(sum[:])
}

func commented(tb testing.TB, comment string, files ...file) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		e, err := w.Create(f.name)
		if err == nil {
			_, err = e.Write([]byte(f.data))
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.SetComment(comment); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

const (
	fnARN    = "arn:aws:lambda:eu-west-1:123456789012:function:orders"
	layerARN = "arn:aws:lambda:eu-west-1:123456789012:layer:deps:7"
	lostARN  = "arn:aws:lambda:eu-west-1:210987654321:layer:lost:1"
)

func TestLambdaFunction(t *testing.T) {
	a := startAWS(t)
	code := commented(t, "hello", file{"app.py", "f"})
	location, digest := a.put("/code", code)
	layerLocation, layerDigest := a.put("/layer", zipOf(t, file{"python/x.py", "x"}))
	answer := func(code, digest string) []byte {
		return jsonOf(t, map[string]any{
			"Code": map[string]any{"Location": code, "RepositoryType": "S3"},
			"Tags": map[string]string{"team": "a"},
			"Configuration": map[string]any{
				"FunctionName": "orders", "FunctionArn": fnARN, "Runtime": "python3.13", "Handler": "app.handler", "CodeSha256": digest,
				"CodeSize": 1, "MemorySize": 256, "Timeout": 30, "Role": "arn:aws:iam::123456789012:role/r", "Architectures": []string{"arm64"},
				"PackageType": "Zip", "Version": "$LATEST", "Environment": map[string]any{"Variables": map[string]string{"TOKEN": "t", "A": "1"}},
				"EphemeralStorage": map[string]any{"Size": 512}, "TracingConfig": map[string]any{"Mode": "Active"},
				"Layers": []any{map[string]any{"Arn": layerARN}, map[string]any{"Arn": lostARN}},
			},
		})
	}
	a.functions["orders:"] = answer(location, digest)
	a.functions["orders:live"] = answer(location, layerDigest)
	a.functions["evil:"] = answer("http://169.254.169.254/latest", digest)
	a.functions["gone:"] = answer(a.URL+"/gone?X-Amz-Signature=hidden", digest)
	a.layers[layerARN] = jsonOf(t, map[string]any{"Content": map[string]any{"Location": layerLocation, "CodeSha256": layerDigest, "CodeSize": 1}})

	got := walk(t, "lambda:orders", unpack.Options{})
	if diff := cmp.Diff(map[string]string{"orders!/app.py": "f", "deps:7!/python/x.py": "x"}, got.contents()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	want := fnvet.Config{
		Function: fnARN, Version: "$LATEST", PackageType: "Zip", Runtime: "python3.13", Handler: "app.handler", Architectures: []string{"arm64"},
		MemoryMB: 256, TimeoutS: 30, EphemeralMB: 512, Role: "arn:aws:iam::123456789012:role/r", Tracing: "Active",
		EnvNames: []string{"A", "TOKEN"}, LayerARNs: []string{layerARN, lostARN},
	}
	if diff := cmp.Diff(want, got.Artifact.Config); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if got.Artifact.CodeSHA256 != digest || got.Artifact.Type != "zip" || len(got.Artifact.Layers) != 1 || got.Artifact.Layers[0].Name != "deps:7" {
		t.Errorf("artifact %+v", got.Artifact)
	}
	wantSettings := []fnvet.Setting{
		{Path: "orders", Source: "env", Name: "A", Value: "1"}, {Path: "orders", Source: "env", Name: "TOKEN", Value: "t"},
		{Path: "orders", Source: "metadata", Name: "team", Value: "a"}, {Path: "orders", Source: "metadata", Name: "comment", Value: "hello"},
	}
	if diff := cmp.Diff(wantSettings, got.Settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if len(got.Gaps) != 1 || got.Gaps[0].Path != "lost:1" || got.Gaps[0].Reason != "unreadable" {
		t.Errorf("gaps %v, want the layer that cannot be had", got.Gaps)
	}
	if got := walk(t, "lambda:"+fnARN+":live", unpack.Options{}); !strings.Contains(fmt.Sprint(got.reasons()), "digest") {
		t.Errorf("other code than the API states: gaps %v", got.Gaps)
	}
	for target, want := range map[string]string{
		"lambda:nothere":   "ResourceNotFoundException",
		"lambda:evil":      "169.254.169.254",
		"lambda:gone":      "404 Not Found: NoSuchKey",
		"lambda:a/b:c":     "is not lambda:NAME",
		"s3://bucket/":     "is not s3://BUCKET/KEY",
		"s3://bucket/none": "404 Not Found: NoSuchKey",
	} {
		if err := walkError(t, target, unpack.Options{}); !strings.Contains(err, want) || strings.Contains(err, "hidden") || strings.Contains(err, "Signature") {
			t.Errorf("%s: %s, want %q and no signature", target, err, want)
		}
	}
	if len(a.odd) > 1 || len(a.odd) == 1 && a.odd[0] != "/latest" {
		t.Errorf("requests with the wrong signature: %v", a.odd)
	}
}

func TestS3Object(t *testing.T) {
	a := startAWS(t)
	fn := zipOf(t, file{"a", "1"})
	a.put("/bucket/path/fn v1.zip", fn)
	a.put("/bucket/big.zip", make([]byte, 5000))
	got := walk(t, "s3://bucket/path/fn v1.zip", unpack.Options{})
	if diff := cmp.Diff(map[string]string{"fn v1.zip!/a": "1"}, got.contents()); diff != "" || got.Artifact.Digest != sha(fn) || len(got.Gaps) > 0 {
		t.Errorf("gaps %v, digest %s, files:\n%s", got.Gaps, got.Artifact.Digest, diff)
	}
	// What was downloaded up to the limit is looked at.
	if diff := cmp.Diff([]string{"limit", "unreadable"}, walk(t, "s3://bucket/big.zip", unpack.Options{Limits: unpack.Limits{Nested: 4096}}).reasons()); diff != "" {
		t.Error(diff)
	}
	if len(a.odd) > 0 {
		t.Errorf("unsigned requests: %v", a.odd)
	}
	t.Setenv("AWS_ENDPOINT_URL", "")
	if got := walk(t, "s3://bucket/path/fn v1.zip", unpack.Options{Remote: remote.Options{Endpoint: a.URL}}); len(got.files) != 1 {
		t.Errorf("with the endpoint as an option: %v", got.contents())
	}
	t.Setenv("AWS_REGION", "")
	if err := walkError(t, "s3://bucket/x", unpack.Options{Remote: remote.Options{Endpoint: a.URL}}); !strings.Contains(err, "AWS_REGION") {
		t.Errorf("without a region: %s", err)
	}
}

// TestLambdaImage: a function that is an image is read from its registry.
func TestLambdaImage(t *testing.T) {
	a := startAWS(t)
	host := startRegistry(t, nil)
	im := testImage{layers: [][]file{{{"app.py", "f"}}}, env: []string{"B=2"}, arch: "arm64"}
	p := push(t, host, "fn:1", im)
	a.functions["img:"] = jsonOf(t, map[string]any{
		"Code": map[string]any{"ImageUri": p.tag, "ResolvedImageUri": p.digest, "RepositoryType": "ECR"},
		"Configuration": map[string]any{
			"FunctionArn": fnARN, "PackageType": "Image", "Architectures": []string{"arm64"},
			"Environment":         map[string]any{"Variables": map[string]string{"A": "1"}},
			"ImageConfigResponse": map[string]any{"ImageConfig": map[string]any{"Command": []string{"app.handler"}}},
		},
	})
	got := walk(t, "lambda:img", insecure)
	if diff := cmp.Diff(map[string]string{"app.py": "f"}, got.contents()); diff != "" {
		t.Error(diff)
	}
	want := fnvet.Config{
		OS: "linux", Architecture: "arm64", User: "1000", WorkingDir: "/w", Cmd: []string{"app.handler"}, EnvNames: []string{"A", "B"}, LabelNames: []string{},
		Function: fnARN, PackageType: "Image", Architectures: []string{"arm64"},
	}
	if diff := cmp.Diff(want, got.Artifact.Config, cmp.Transformer("empty", func(s []string) []string { return append([]string{}, s...) })); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if got.Artifact.Type != "image" || got.Artifact.Digest != p.manifest || got.Artifact.Name != "img" {
		t.Errorf("artifact %+v", got.Artifact)
	}
}
