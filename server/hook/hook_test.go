package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	sum  = "05b3b3ce8c9bc44a197291b975bc302120e3e215dc7cfa3834ceec5dc40ccf84"
	hash = "sha256:" + sum
)

type row struct {
	source, reason, body string
	header               http.Header
	want                 []Event
	ignored              string // a part of the reason, when there are no events
	err                  string // a part of the error
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func push(media, more string) string {
	return `{"id":"e1","action":"push","target":{"mediaType":"` + media + `","digest":"` + hash + `","repository":"fn/app","tag":"1","url":"http://169.254.169.254/"` + more + `},"request":{"host":"registry.example:5000"}}`
}

const (
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociIndex    = "application/vnd.oci.image.index.v1+json"
	harborMore  = `"resources":[{"digest":"` + hash + `","tag":"v1","resource_url":"harbor.example/library/app:v1"}],"repository":{"name":"app","namespace":"library","repo_full_name":"library/app","repo_type":"public"}`
	githubMore  = `"package_version":{"version":"` + hash + `","package_url":"ghcr.io/octo/app:v2","container_metadata":{"tag":{"name":"v2","digest":"` + hash + `"}}}`
)

var pushed = []Event{{ID: "e1", Registry: "registry.example:5000", Repository: "fn/app", Tag: "1", Digest: hash}}

func rows() []row {
	return []row{
		{source: "distribution", reason: "an image", body: `{"events":[` + push(ociManifest, "") + `]}`, want: pushed},
		{source: "distribution", reason: "an index", body: `{"events":[` + push(ociIndex, `,"references":[{"mediaType":"`+ociManifest+`"}]`) + `]}`, want: pushed},
		{source: "distribution", reason: "a blob", body: `{"events":[` + push("application/octet-stream", "") + `]}`, ignored: "octet-stream"},
		{source: "distribution", reason: "an SBOM beside an image", body: `{"events":[` + push(ociManifest, `,"references":[{"mediaType":"application/vnd.oci.empty.v1+json"}]`) + `]}`, ignored: "no image"},
		{source: "distribution", reason: "a list of referrers", body: strings.Replace(`{"events":[`+push(ociIndex, "")+`]}`, `"tag":"1"`, `"tag":"sha256-`+sum+`"`, 1), ignored: "refers"},
		{source: "distribution", reason: "a pull", body: `{"events":[{"action":"pull"}]}`, ignored: "action pull"},
		{source: "distribution", reason: "a mixture", body: `{"events":[{"action":"delete"},` + push(ociManifest, "") + `]}`, want: pushed},
		{source: "distribution", reason: "no event", body: `{"events":[]}`, ignored: "no event"},
		{source: "distribution", reason: "no envelope", body: push(ociManifest, ""), err: "no events"},
		{source: "distribution", reason: "a path that climbs", body: strings.Replace(`{"events":[`+push(ociManifest, "")+`]}`, "fn/app", "../../etc", 1), err: "repository"},
		{source: "distribution", reason: "a host that is none", body: strings.Replace(`{"events":[`+push(ociManifest, "")+`]}`, "registry.example:5000", "a@b/c", 1), err: "no host"},
		{source: "acr", reason: "a push", body: push("application/vnd.docker.distribution.manifest.v2+json", ""), want: pushed},
		{source: "acr", reason: "a ping", body: `{"id":"x","action":"ping"}`, ignored: "action ping"},
		{source: "acr", reason: "an array", body: `[]`, err: "not a JSON object"},
		{source: "harbor", reason: "the default format", body: `{"type":"PUSH_ARTIFACT","occur_at":1737446601,"operator":"admin","event_data":{` + harborMore + `}}`,
			want: []Event{{ID: "1737446601", Registry: "harbor.example", Repository: "library/app", Tag: "v1", Digest: hash}}},
		{source: "harbor", reason: "CloudEvents", body: `{"specversion":"1.0","id":"e1","source":"/projects/1/webhook/policies/1","type":"harbor.artifact.pushed","data":{` + harborMore + `}}`,
			want: []Event{{ID: "e1", Registry: "harbor.example", Repository: "library/app", Tag: "v1", Digest: hash}}},
		{source: "harbor", reason: "CloudEvents in headers", body: `{` + harborMore + `}`, header: header("Ce-Type", "harbor.artifact.pushed", "Ce-Specversion", "1.0", "Ce-Id", "e2"),
			want: []Event{{ID: "e2", Registry: "harbor.example", Repository: "library/app", Tag: "v1", Digest: hash}}},
		{source: "harbor", reason: "another event", body: `{"type":"SCANNING_COMPLETED"}`, ignored: "SCANNING"},
		{source: "github", reason: "registry_package", header: header("X-Github-Event", "registry_package", "X-Github-Delivery", "d1"),
			body: `{"action":"published","registry_package":{"name":"App","namespace":"Octo","package_type":"CONTAINER",` + githubMore + `}}`,
			want: []Event{{ID: "d1", Registry: "ghcr.io", Repository: "octo/app", Tag: "v2", Digest: hash}}},
		{source: "github", reason: "an npm package", body: `{"action":"published","package":{"package_type":"npm"}}`, ignored: "type npm"},
		{source: "github", reason: "a ping", header: header("X-Github-Event", "ping"), body: `{"zen":"x"}`, ignored: "event ping"},
		{source: "gitea", reason: "a tag", header: header("X-Gitea-Event", "package", "X-Gitea-Delivery", "d1"),
			body: `{"action":"created","package":{"type":"container","name":"app","version":"v1","html_url":"https://git.example/o/-/packages/1","owner":{"login":"O"}}}`,
			want: []Event{{ID: "d1", Registry: "git.example", Repository: "o/app", Tag: "v1"}}},
		{source: "gitea", reason: "a digest", body: `{"action":"created","package":{"type":"container","name":"app","version":"` + hash + `","owner":{"login":"o"}}}`,
			want: []Event{{Repository: "o/app", Digest: hash}}},
		{source: "gitea", reason: "a push of commits", header: header("X-Forgejo-Event", "push"), body: `{}`, ignored: "event push"},
		{source: "dockerhub", reason: "a push", body: `{"callback_url":"https://registry.hub.docker.com/u/o/app/hook/x/","push_data":{"pushed_at":1417566161,"tag":"latest"},"repository":{"repo_name":"o/app"}}`,
			want: []Event{{ID: "1417566161", Registry: "index.docker.io", Repository: "o/app", Tag: "latest", Callback: "https://registry.hub.docker.com/u/o/app/hook/x/"}}},
		{source: "dockerhub", reason: "no tag", body: `{"repository":{"repo_name":"o/app"}}`, err: "no tag"},
		{source: "quay", reason: "two tags", body: `{"repository":"o/app","docker_url":"quay.io/o/app","updated_tags":["a","b"]}`,
			want: []Event{{Registry: "quay.io", Repository: "o/app", Tag: "a"}, {Registry: "quay.io", Repository: "o/app", Tag: "b"}}},
		{source: "quay", reason: "no tags", body: `{"repository":"o/app","updated_tags":[]}`, ignored: "no tag"},
		{source: "pubsub", reason: "an insert", body: message(`{"action":"INSERT","digest":"us-docker.pkg.dev/p/r/app@` + hash + `","tag":"us-docker.pkg.dev/p/r/app:v1"}`),
			want: []Event{{ID: "m1", Registry: "us-docker.pkg.dev", Repository: "p/r/app", Tag: "v1", Digest: hash}}},
		{source: "pubsub", reason: "a delete", body: message(`{"action":"DELETE"}`), ignored: "DELETE"},
		{source: "pubsub", reason: "no base64", body: `{"message":{"data":"!"}}`, err: "base64"},
		{source: "pubsub", reason: "nested inside", body: message(strings.Repeat("[", 100) + strings.Repeat("]", 100)), err: "nested"},
		{source: "eventbridge", reason: "ECR", body: `{"id":"e1","source":"aws.ecr","detail-type":"ECR Image Action","account":"123456789012","region":"eu-west-1","detail":{"result":"SUCCESS","repository-name":"app","image-digest":"` + hash + `","action-type":"PUSH","image-tag":"1"}}`,
			want: []Event{{ID: "e1", Registry: "123456789012.dkr.ecr.eu-west-1.amazonaws.com", Repository: "app", Tag: "1", Digest: hash}}},
		{source: "eventbridge", reason: "ECR in China", body: `{"id":"e1","source":"aws.ecr","detail-type":"ECR Image Action","account":"123456789012","region":"cn-north-1","detail":{"result":"SUCCESS","repository-name":"app","image-digest":"` + hash + `","action-type":"PUSH"}}`,
			want: []Event{{ID: "e1", Registry: "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", Repository: "app", Digest: hash}}},
		{source: "eventbridge", reason: "ECR, an image deleted", body: `{"id":"e1","source":"aws.ecr","detail-type":"ECR Image Action","account":"1","region":"r","detail":{"result":"SUCCESS","repository-name":"app","action-type":"DELETE"}}`, ignored: "DELETE"},
		{source: "harbor", reason: "a deletion", body: `{"type":"DELETE_ARTIFACT","occur_at":1,"event_data":{` + harborMore + `}}`, ignored: "DELETE_ARTIFACT"},
		{source: "gitea", reason: "a deletion", body: `{"action":"deleted","package":{"type":"container","name":"a","version":"1","owner":{"login":"o"}}}`, ignored: "deleted"},
		{source: "artifactory", reason: "a deletion", body: `{"domain":"docker","event_type":"deleted","data":{"repo_key":"d","image_name":"a","tag":"1"}}`, ignored: "deleted"},
		{source: "artifactory", reason: "as the documentation shows it", body: `{"repo_key":"docker-local","event_type":"pushed","path":"app/1/list.manifest.json","name":"list.manifest.json","sha256":"` + sum + `","image_name":"app","tag":"1"}`,
			want: []Event{{Repository: "docker-local/app", Tag: "1", Digest: hash}}},
		{source: "zot", reason: "a deletion", body: `{"specversion":"1.0","id":"e1","type":"zotregistry.image.deleted","data":{"name":"a","reference":"1"}}`, ignored: "image.deleted"},
		{source: "acr", reason: "a deletion", body: strings.Replace(push("application/vnd.docker.distribution.manifest.v2+json", ""), `"push"`, `"delete"`, 1), ignored: "action delete"},
		{source: "eventbridge", reason: "S3", body: `{"id":"e1","source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"b"},"object":{"key":"dir/fn.zip"}}}`,
			want: []Event{{ID: "e1", Registry: "s3", Repository: "b", Target: "s3://b/dir/fn.zip"}}},
		{source: "eventbridge", reason: "Lambda", body: `{"id":"e1","source":"aws.lambda","detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"UpdateFunctionCode20150331v2","responseElements":{"functionArn":"arn:aws:lambda:eu-west-1:1:function:orders"}}}`,
			want: []Event{{ID: "e1", Registry: "lambda", Repository: "arn:aws:lambda:eu-west-1:1:function:orders", Target: "lambda:arn:aws:lambda:eu-west-1:1:function:orders"}}},
		{source: "eventbridge", reason: "a bucket that climbs", body: `{"source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"a/b"},"object":{"key":"k"}}}`, err: "no object"},
		{source: "eventbridge", reason: "another service", body: `{"source":"aws.ec2","detail-type":"x","detail":{}}`, ignored: "aws.ec2"},
		{source: "eventbridge", reason: "no detail", body: `{"source":"aws.ecr","detail-type":"ECR Image Action"}`, err: "not a JSON object"},
		{source: "artifactory", reason: "a push", body: `{"domain":"docker","event_type":"pushed","data":{"repo_key":"docker-local","path":"app/1/manifest.json","name":"manifest.json","sha256":"` + sum + `","size":1206,"image_name":"app","tag":"1"}}`,
			want: []Event{{Repository: "docker-local/app", Tag: "1", Digest: hash}}},
		{source: "artifactory", reason: "another domain", body: `{"domain":"artifact","event_type":"deployed"}`, ignored: "domain artifact"},
		{source: "zot", reason: "attributes in headers", header: header("Ce-Specversion", "1.0", "Ce-Type", "zotregistry.image.updated", "Ce-Id", "e1"),
			body: `{"name":"fn/app","reference":"1","digest":"` + hash + `","mediaType":"` + ociManifest + `"}`, want: []Event{{ID: "e1", Repository: "fn/app", Tag: "1", Digest: hash}}},
		{source: "zot", reason: "attributes in the body", body: `{"specversion":"1.0","id":"e1","type":"com.example.registry.image.updated","data":{"name":"fn/app","reference":"` + hash + `","digest":"` + hash + `"}}`,
			want: []Event{{ID: "e1", Repository: "fn/app", Digest: hash}}},
		{source: "zot", reason: "a repository", body: `{"specversion":"1.0","type":"zotregistry.repository.created","data":{}}`, ignored: "repository.created"},
		{source: "zot", reason: "no CloudEvent", body: `{}`, err: "CloudEvent"},
		{source: "nobody", reason: "an unknown source", body: `{}`, err: "no source"},
		{source: "harbor", reason: "nested deeply", body: strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), err: "nested"},
		{source: "harbor", reason: "cut off", body: `{"type":"PUSH_`, err: "not JSON"},
		{source: "harbor", reason: "a wrong type", body: `{"type":7}`, err: "type is a number"},
		{source: "harbor", reason: "too large", body: `{"type":"` + strings.Repeat("x", MaxBody) + `"}`, err: "1 MiB"},
	}
}

func message(data string) string {
	return `{"message":{"data":"` + base64.StdEncoding.EncodeToString([]byte(data)) + `","messageId":"m1","publishTime":"2026-01-01T00:00:00Z"},"subscription":"projects/p/subscriptions/s"}`
}

func TestParse(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows() {
		got, err := Parse(r.source, r.header, []byte(r.body))
		if r.err != "" {
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), r.err) {
				t.Errorf("%s, %s: error %v, want one with %q", r.source, r.reason, err, r.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s, %s: %v", r.source, r.reason, err)
			continue
		}
		if diff := cmp.Diff(r.want, got.Events); diff != "" {
			t.Errorf("%s, %s: events (-want +got):\n%s", r.source, r.reason, diff)
		}
		if (got.Ignored == "") != (r.ignored == "") || !strings.Contains(got.Ignored, r.ignored) {
			t.Errorf("%s, %s: ignored %q, want %q", r.source, r.reason, got.Ignored, r.ignored)
		}
		seen[r.source] = seen[r.source] || len(r.want) > 0
	}
	for _, source := range Sources() {
		if !seen[source] {
			t.Errorf("no row has an event of %s", source)
		}
	}
}

// TestRecorded reads what real registries sent.
func TestRecorded(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "webhooks")
	files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
	if len(files) == 0 {
		t.Skip("no recorded bodies in ../shared/webhooks")
	}
	want := map[string]string{
		"distribution-2.8.2-push.json": "fn/hello", "distribution-3.1.2-push-index.json": "fn/hello", "distribution-3.1.2-push-manifest.json": "fn/hello", "notification.json": "fn/hello",
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse("distribution", nil, body)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		repository := want[filepath.Base(file)]
		switch {
		case repository == "" && len(got.Events) > 0:
			t.Errorf("%s: events %v, want none", file, got.Events)
		case repository != "" && (len(got.Events) != 1 || !strings.HasPrefix(got.Events[0].Repository, "fn/") || got.Events[0].Digest == "" || got.Events[0].ID == ""):
			t.Errorf("%s: events %v, ignored %q", file, got.Events, got.Ignored)
		}
	}
}

func TestSigned(t *testing.T) {
	const secret = "test-not-a-secret"
	body := []byte(`{"a":1}`)
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(body)
	mac := hex.EncodeToString(m.Sum(nil))
	basic := base64.StdEncoding.EncodeToString([]byte("fnvet:" + secret))
	for _, r := range []struct {
		source, reason string
		header         http.Header
		want           bool
	}{
		{"github", "as it signs", header("X-Hub-Signature-256", "sha256="+mac), true},
		{"github", "without the algorithm", header("X-Hub-Signature-256", mac), false},
		{"github", "another body's", header("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64)), false},
		{"github", "cut off", header("X-Hub-Signature-256", "sha256="+mac[:32]), false},
		{"github", "the secret in a header is no signature", header("Authorization", "Bearer "+secret), false},
		{"github", "nothing", header(), false},
		{"gitea", "its own header", header("X-Gitea-Signature", mac), true},
		{"gitea", "Forgejo's", header("X-Forgejo-Signature", mac), true},
		{"gitea", "GitHub's", header("X-Hub-Signature-256", "sha256="+mac), true},
		{"artifactory", "signed", header("X-JFrog-Event-Auth", mac), true},
		{"artifactory", "the secret", header("X-JFrog-Event-Auth", secret), true},
		{"artifactory", "another", header("X-JFrog-Event-Auth", "x"), false},
		{"distribution", "a bearer token", header("Authorization", "Bearer "+secret), true},
		{"distribution", "another", header("Authorization", "Bearer "+secret+"x"), false},
		{"harbor", "the header as it is", header("Authorization", secret), true},
		{"zot", "basic", header("Authorization", "Basic "+basic), true},
		{"eventbridge", "an API key", header("X-Api-Key", secret), true},
		{"quay", "nothing", header(), false},
		{"pubsub", "only Google signs", header("Authorization", "Bearer "+secret), false},
	} {
		if got := Signed(r.source, r.header, body, secret); got != r.want {
			t.Errorf("%s, %s: %v", r.source, r.reason, got)
		}
		if Signed(r.source, r.header, body, "") {
			t.Errorf("%s, %s: an empty secret signs", r.source, r.reason)
		}
	}
}

// FuzzParse: an error means no events; events are well formed and safe to use;
// the same body reads the same twice.
func FuzzParse(f *testing.F) {
	for _, r := range rows() {
		f.Add(r.source, r.header.Get("Ce-Type"), []byte(r.body))
	}
	f.Fuzz(func(t *testing.T, source, kind string, body []byte) {
		h := http.Header{"Ce-Type": {kind}, "Ce-Specversion": {"1.0"}}
		got, err := Parse(source, h, body)
		if err != nil {
			if !errors.Is(err, ErrMalformed) || got.Events != nil || got.Ignored != "" {
				t.Fatalf("error %v with %+v", err, got)
			}
			return
		}
		if (len(got.Events) == 0) == (got.Ignored == "") {
			t.Fatalf("%d events and the reason %q", len(got.Events), got.Ignored)
		}
		for _, e := range got.Events {
			if e.Target == "" && (!ValidRepository(e.Repository) || e.Digest == "" && !ValidTag(e.Tag) || e.Digest != "" && !ValidDigest(e.Digest)) {
				t.Fatalf("event %+v", e)
			}
			if strings.ContainsAny(e.Repository+e.Tag+e.Registry+e.Target, "\r\n\x00") || strings.Contains(e.Repository, "..") && e.Target == "" {
				t.Fatalf("event %+v", e)
			}
		}
		again, err := Parse(source, h, body)
		if err != nil || cmp.Diff(got, again) != "" {
			t.Fatalf("another reading: %+v, %v", again, err)
		}
	})
}
