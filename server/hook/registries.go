package hook

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
)

// distributionEvent is one event of the CNCF distribution's notifications, and
// the whole body of an Azure registry's.
// https://distribution.github.io/distribution/about/notifications/
type distributionEvent struct {
	ID     string `json:"id"`
	Action string `json:"action"`
	Target struct {
		MediaType  string `json:"mediaType"`
		Digest     string `json:"digest"`
		Repository string `json:"repository"`
		Tag        string `json:"tag"`
		References []struct {
			MediaType string `json:"mediaType"`
		} `json:"references"`
	} `json:"target"`
	Request struct {
		Host string `json:"host"`
	} `json:"request"`
}

// why says why the event needs no scan, or "". target.url is never read.
func (d *distributionEvent) why() string {
	switch {
	case d.Action != "push":
		return "action " + short(d.Action)
	case !manifests[d.Target.MediaType]:
		return "a push of " + short(cmp.Or(d.Target.MediaType, "nothing"))
	case manifestsOne[d.Target.MediaType] && len(d.Target.References) > 0 && !configs[d.Target.References[0].MediaType]:
		// The first reference is the config. Signatures, SBOMs and attestations,
		// ours too, have another one.
		return "a manifest that is no image: " + short(d.Target.References[0].MediaType)
	}
	return ""
}

func (d *distributionEvent) event() Event {
	return Event{ID: d.ID, Registry: d.Request.Host, Repository: d.Target.Repository, Tag: d.Target.Tag, Digest: d.Target.Digest}
}

//nolint:gochecknoglobals // constant tables
var (
	manifestsOne = map[string]bool{
		"application/vnd.oci.image.manifest.v1+json":           true,
		"application/vnd.docker.distribution.manifest.v2+json": true,
	}
	manifests = map[string]bool{
		"application/vnd.oci.image.manifest.v1+json":                true,
		"application/vnd.docker.distribution.manifest.v2+json":      true,
		"application/vnd.oci.image.index.v1+json":                   true,
		"application/vnd.docker.distribution.manifest.list.v2+json": true,
	}
	configs = map[string]bool{
		"application/vnd.oci.image.config.v1+json":          true,
		"application/vnd.docker.container.image.v1+json":    true,
		"application/vnd.oci.image.layer.v1.tar+gzip":       true, // some versions list layers first
		"application/vnd.docker.image.rootfs.diff.tar.gzip": true,
	}
)

func distribution(_ http.Header, body []byte) (Parsed, error) {
	var envelope struct {
		Events []distributionEvent `json:"events"`
	}
	if err := decode(body, &envelope); err != nil {
		return Parsed{}, err
	}
	if envelope.Events == nil {
		return Parsed{}, fmt.Errorf("%w: it has no events", ErrMalformed)
	}
	if len(envelope.Events) > maxEvents {
		return Parsed{}, fmt.Errorf("%w: more than %d events", ErrMalformed, maxEvents)
	}
	var p Parsed
	for i := range envelope.Events {
		e := &envelope.Events[i]
		if why := e.why(); why != "" {
			p.Ignored = why
			continue
		}
		p.Events = append(p.Events, e.event())
	}
	return p, nil
}

// acr reads a webhook of an Azure Container Registry: one event, no envelope.
// https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference
func acr(_ http.Header, body []byte) (Parsed, error) {
	var e distributionEvent
	if err := decode(body, &e); err != nil {
		return Parsed{}, err
	}
	if e.Action == "" {
		return Parsed{}, fmt.Errorf("%w: it has no action", ErrMalformed)
	}
	if why := e.why(); why != "" {
		return ignored("%s", why)
	}
	return Parsed{Events: []Event{e.event()}}, nil
}

// harborData is what both formats of Harbor's webhooks hold.
// https://goharbor.io/docs/latest/working-with-projects/project-configuration/configure-webhooks/
type harborData struct {
	Resources []struct {
		Digest      string `json:"digest"`
		Tag         string `json:"tag"`
		ResourceURL string `json:"resource_url"`
	} `json:"resources"`
	Repository struct {
		FullName string `json:"repo_full_name"`
	} `json:"repository"`
}

func harbor(h http.Header, body []byte) (Parsed, error) {
	var e struct {
		SpecVersion string     `json:"specversion"`
		ID          string     `json:"id"`
		Type        string     `json:"type"`
		OccurAt     int64      `json:"occur_at"`
		EventData   harborData `json:"event_data"`
		Data        harborData `json:"data"`
	}
	if err := decode(body, &e); err != nil {
		return Parsed{}, err
	}
	data, id := e.EventData, ""
	kind := e.Type
	if kind == "" && h.Get("Ce-Type") != "" { // CloudEvents in binary mode
		kind, e.SpecVersion, e.ID = h.Get("Ce-Type"), h.Get("Ce-Specversion"), h.Get("Ce-Id")
		if err := decode(body, &e.Data); err != nil {
			return Parsed{}, err
		}
	}
	if e.SpecVersion != "" {
		data, id = e.Data, e.ID
	}
	switch kind {
	case "PUSH_ARTIFACT", "harbor.artifact.pushed":
	case "":
		return Parsed{}, fmt.Errorf("%w: it has no type", ErrMalformed)
	default:
		return ignored("type %s", short(kind))
	}
	var p Parsed
	for _, r := range data.Resources {
		at := Event{}
		if r.ResourceURL != "" {
			at, _ = image(r.ResourceURL)
		}
		one := Event{Registry: at.Registry, Repository: data.Repository.FullName, Tag: r.Tag, Digest: r.Digest, ID: id}
		if one.ID == "" && e.OccurAt > 0 { // the default format has no id
			one.ID = fmt.Sprintf("%d", e.OccurAt)
		}
		if ValidDigest(one.Tag) { // Harbor's name for an artifact without one
			one.Tag = ""
		}
		p.Events = append(p.Events, one)
	}
	return p, nil
}

// dockerHub reads a webhook of Docker Hub, which names a tag and no digest.
// https://docs.docker.com/docker-hub/repos/manage/webhooks/
func dockerHub(_ http.Header, body []byte) (Parsed, error) {
	var e struct {
		CallbackURL string `json:"callback_url"`
		PushData    struct {
			PushedAt int64  `json:"pushed_at"`
			Tag      string `json:"tag"`
		} `json:"push_data"`
		Repository struct {
			RepoName string `json:"repo_name"`
		} `json:"repository"`
	}
	if err := decode(body, &e); err != nil {
		return Parsed{}, err
	}
	one := Event{Registry: "index.docker.io", Repository: e.Repository.RepoName, Tag: e.PushData.Tag, Callback: e.CallbackURL}
	if !strings.Contains(one.Repository, "/") && one.Repository != "" {
		one.Repository = "library/" + one.Repository
	}
	one.ID = fmt.Sprintf("%d", e.PushData.PushedAt)
	if one.Tag == "" {
		return Parsed{}, fmt.Errorf("%w: it has no tag", ErrMalformed)
	}
	return Parsed{Events: []Event{one}}, nil
}

// quay reads Quay's notification of a push.
// https://docs.quay.io/guides/notifications.html
func quay(_ http.Header, body []byte) (Parsed, error) {
	var e struct {
		Repository  string   `json:"repository"`
		DockerURL   string   `json:"docker_url"`
		UpdatedTags []string `json:"updated_tags"`
	}
	if err := decode(body, &e); err != nil {
		return Parsed{}, err
	}
	if e.Repository == "" {
		return Parsed{}, fmt.Errorf("%w: it has no repository", ErrMalformed)
	}
	if len(e.UpdatedTags) > maxEvents {
		return Parsed{}, fmt.Errorf("%w: more than %d tags", ErrMalformed, maxEvents)
	}
	host, _, _ := strings.Cut(e.DockerURL, "/")
	var p Parsed
	for _, tag := range e.UpdatedTags {
		p.Events = append(p.Events, Event{Registry: host, Repository: e.Repository, Tag: tag})
	}
	p.Ignored = "no tag was updated"
	return p, nil
}

// artifactory reads a webhook of JFrog's Artifactory.
// https://jfrog.com/help/r/jfrog-platform-administration-documentation/domain-docker
func artifactory(_ http.Header, body []byte) (Parsed, error) {
	type data struct {
		RepoKey   string `json:"repo_key"`
		ImageName string `json:"image_name"`
		Tag       string `json:"tag"`
		SHA256    string `json:"sha256"`
	}
	var e struct {
		Domain    string `json:"domain"`
		EventType string `json:"event_type"`
		Data      data   `json:"data"`
		data             // as the documentation shows it: without the envelope
	}
	if err := decode(body, &e); err != nil {
		return Parsed{}, err
	}
	if e.Domain == "" && e.RepoKey != "" {
		e.Domain, e.Data = "docker", e.data
	}
	switch {
	case e.Domain == "" || e.EventType == "":
		return Parsed{}, fmt.Errorf("%w: it has no domain or event_type", ErrMalformed)
	case e.Domain != "docker":
		return ignored("domain %s", short(e.Domain))
	case e.EventType != "pushed" && e.EventType != "promoted":
		return ignored("event_type %s", short(e.EventType))
	case e.Data.RepoKey == "":
		return Parsed{}, fmt.Errorf("%w: it has no repo_key", ErrMalformed)
	}
	one := Event{Repository: e.Data.RepoKey + "/" + e.Data.ImageName, Tag: e.Data.Tag}
	if e.Data.SHA256 != "" {
		one.Digest = "sha256:" + e.Data.SHA256
	}
	return Parsed{Events: []Event{one}}, nil
}

// zot reads an event of zot's, a CloudEvent with its attributes in the body or in
// headers. https://zotregistry.dev/latest/articles/events/
func zot(h http.Header, body []byte) (Parsed, error) {
	type data struct {
		Name      string `json:"name"`
		Reference string `json:"reference"`
		Digest    string `json:"digest"`
	}
	var e struct {
		SpecVersion string `json:"specversion"`
		ID          string `json:"id"`
		Type        string `json:"type"`
		Data        data   `json:"data"`
	}
	if err := decode(body, &e); err != nil {
		return Parsed{}, err
	}
	if e.SpecVersion == "" {
		e.SpecVersion, e.ID, e.Type = h.Get("Ce-Specversion"), h.Get("Ce-Id"), h.Get("Ce-Type")
		if err := decode(body, &e.Data); err != nil {
			return Parsed{}, err
		}
	}
	if e.SpecVersion == "" || e.Type == "" {
		return Parsed{}, fmt.Errorf("%w: not a CloudEvent", ErrMalformed)
	}
	if !strings.HasSuffix(e.Type, ".image.updated") {
		return ignored("type %s", short(e.Type))
	}
	one := Event{ID: e.ID, Repository: e.Data.Name, Digest: e.Data.Digest}
	if e.Data.Reference != e.Data.Digest {
		one.Tag = e.Data.Reference
	}
	if ValidDigest(one.Tag) {
		one.Digest, one.Tag = one.Tag, ""
	}
	return Parsed{Events: []Event{one}}, nil
}
