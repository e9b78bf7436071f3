package hook

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// github reads the events "registry_package" and "package" of GitHub.
// https://docs.github.com/webhooks/webhook-events-and-payloads#registry_package
func github(h http.Header, body []byte) (Parsed, error) {
	type pkg struct {
		Name        string `json:"name"`
		Namespace   string `json:"namespace"`
		PackageType string `json:"package_type"`
		Owner       struct {
			Login string `json:"login"`
		} `json:"owner"`
		PackageVersion struct {
			Version           string `json:"version"`
			PackageURL        string `json:"package_url"`
			ContainerMetadata *struct {
				Tag struct {
					Name   string `json:"name"`
					Digest string `json:"digest"`
				} `json:"tag"`
			} `json:"container_metadata"`
		} `json:"package_version"`
	}
	var e struct {
		Action          string `json:"action"`
		RegistryPackage *pkg   `json:"registry_package"`
		Package         *pkg   `json:"package"`
	}
	if err := decode(body, &e); err != nil {
		return Parsed{}, err
	}
	if kind := h.Get("X-Github-Event"); kind != "" && kind != "registry_package" && kind != "package" {
		return ignored("event %s", short(kind))
	}
	p := cmp.Or(e.RegistryPackage, e.Package)
	switch {
	case p == nil:
		return Parsed{}, fmt.Errorf("%w: it has no package", ErrMalformed)
	case e.Action != "published" && e.Action != "updated":
		return ignored("action %s", short(e.Action))
	case !strings.EqualFold(p.PackageType, "container") && !strings.EqualFold(p.PackageType, "docker"):
		return ignored("a package of type %s", short(p.PackageType))
	}
	one := Event{ID: h.Get("X-Github-Delivery"), Registry: "ghcr.io"}
	if at, ok := image(p.PackageVersion.PackageURL); ok {
		one.Registry = at.Registry
	}
	one.Repository = strings.ToLower(cmp.Or(p.Namespace, p.Owner.Login) + "/" + p.Name)
	if m := p.PackageVersion.ContainerMetadata; m != nil {
		one.Tag, one.Digest = m.Tag.Name, m.Tag.Digest
	}
	if v := p.PackageVersion.Version; one.Digest == "" && ValidDigest(v) {
		one.Digest = v
	}
	return Parsed{Events: []Event{one}}, nil
}

// gitea reads the event "package" of Gitea and Forgejo.
// https://docs.gitea.com/usage/webhooks
func gitea(h http.Header, body []byte) (Parsed, error) {
	var e struct {
		Action  string `json:"action"`
		Package *struct {
			Type    string `json:"type"`
			Name    string `json:"name"`
			Version string `json:"version"`
			HTMLURL string `json:"html_url"`
			Owner   struct {
				Login    string `json:"login"`
				Username string `json:"username"`
			} `json:"owner"`
		} `json:"package"`
	}
	if err := decode(body, &e); err != nil {
		return Parsed{}, err
	}
	kind := cmp.Or(h.Get("X-Forgejo-Event"), h.Get("X-Gitea-Event"))
	if kind != "" && kind != "package" {
		return ignored("event %s", short(kind))
	}
	switch {
	case e.Package == nil:
		return Parsed{}, fmt.Errorf("%w: it has no package", ErrMalformed)
	case e.Action != "created":
		return ignored("action %s", short(e.Action))
	case e.Package.Type != "container":
		return ignored("a package of type %s", short(e.Package.Type))
	}
	one := Event{
		ID:         cmp.Or(h.Get("X-Forgejo-Delivery"), h.Get("X-Gitea-Delivery")),
		Repository: strings.ToLower(cmp.Or(e.Package.Owner.Login, e.Package.Owner.Username) + "/" + e.Package.Name),
	}
	if u, err := url.Parse(e.Package.HTMLURL); err == nil {
		one.Registry = u.Host
	}
	if ValidDigest(e.Package.Version) {
		one.Digest = e.Package.Version
	} else {
		one.Tag = e.Package.Version
	}
	return Parsed{Events: []Event{one}}, nil
}

// pubSub reads a message of Google Artifact Registry, pushed by Pub/Sub.
// https://cloud.google.com/artifact-registry/docs/configure-notifications
func pubSub(_ http.Header, body []byte) (Parsed, error) {
	var e struct {
		Message *struct {
			Data      string `json:"data"`
			MessageID string `json:"messageId"`
		} `json:"message"`
	}
	if err := decode(body, &e); err != nil {
		return Parsed{}, err
	}
	if e.Message == nil {
		return Parsed{}, fmt.Errorf("%w: it has no message", ErrMalformed)
	}
	data, err := base64.StdEncoding.DecodeString(e.Message.Data)
	if err != nil {
		return Parsed{}, fmt.Errorf("%w: its data is not base64", ErrMalformed)
	}
	if err := CheckJSON(data); err != nil {
		return Parsed{}, err
	}
	var m struct {
		Action string `json:"action"`
		Digest string `json:"digest"`
		Tag    string `json:"tag"`
	}
	if err := decode(data, &m); err != nil {
		return Parsed{}, err
	}
	if m.Action != "INSERT" {
		return ignored("action %s", short(m.Action))
	}
	one, ok := image(cmp.Or(m.Digest, m.Tag))
	if !ok {
		return Parsed{}, fmt.Errorf("%w: it names no image", ErrMalformed)
	}
	if at, ok := image(m.Tag); ok {
		one.Tag = at.Tag
	}
	one.ID = e.Message.MessageID
	return Parsed{Events: []Event{one}}, nil
}

// eventBridge reads what an API destination of Amazon EventBridge gets: images
// pushed to ECR, objects made in S3, and code of Lambda functions that changed, by
// CloudTrail. https://docs.aws.amazon.com/eventbridge/latest/ref/events.html
func eventBridge(_ http.Header, body []byte) (Parsed, error) {
	var e struct {
		ID         string          `json:"id"`
		Source     string          `json:"source"`
		DetailType string          `json:"detail-type"`
		Account    string          `json:"account"`
		Region     string          `json:"region"`
		Detail     json.RawMessage `json:"detail"`
	}
	if err := decode(body, &e); err != nil {
		return Parsed{}, err
	}
	switch {
	case e.Source == "" || e.DetailType == "":
		return Parsed{}, fmt.Errorf("%w: it has no source or detail-type", ErrMalformed)
	case e.Source == "aws.ecr" && e.DetailType == "ECR Image Action":
		host := e.Account + ".dkr.ecr." + e.Region + ".amazonaws.com"
		if strings.HasPrefix(e.Region, "cn-") {
			host += ".cn"
		}
		return ecr(e.ID, host, e.Detail)
	case e.Source == "aws.s3" && e.DetailType == "Object Created":
		return s3(e.ID, e.Detail)
	case e.Source == "aws.lambda" && e.DetailType == "AWS API Call via CloudTrail":
		return lambda(e.ID, e.Detail)
	}
	return ignored("%s of %s", short(e.DetailType), short(e.Source))
}

func ecr(id, host string, detail []byte) (Parsed, error) {
	var d struct {
		Result     string `json:"result"`
		Action     string `json:"action-type"`
		Repository string `json:"repository-name"`
		Digest     string `json:"image-digest"`
		Tag        string `json:"image-tag"`
	}
	if err := decode(detail, &d); err != nil {
		return Parsed{}, err
	}
	if d.Action != "PUSH" || d.Result != "SUCCESS" {
		return ignored("%s, %s", short(d.Action), short(d.Result))
	}
	return Parsed{Events: []Event{{ID: id, Registry: host, Repository: d.Repository, Digest: d.Digest, Tag: d.Tag}}}, nil
}

func s3(id string, detail []byte) (Parsed, error) {
	var d struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key string `json:"key"`
		} `json:"object"`
	}
	if err := decode(detail, &d); err != nil {
		return Parsed{}, err
	}
	if d.Bucket.Name == "" || strings.ContainsAny(d.Bucket.Name, "/?#") || d.Object.Key == "" {
		return Parsed{}, fmt.Errorf("%w: it names no object", ErrMalformed)
	}
	return Parsed{Events: []Event{{ID: id, Registry: "s3", Repository: d.Bucket.Name, Target: "s3://" + d.Bucket.Name + "/" + d.Object.Key}}}, nil
}

func lambda(id string, detail []byte) (Parsed, error) {
	var d struct {
		EventName        string `json:"eventName"`
		ErrorCode        string `json:"errorCode"`
		ResponseElements *struct {
			FunctionARN string `json:"functionArn"`
		} `json:"responseElements"`
	}
	if err := decode(detail, &d); err != nil {
		return Parsed{}, err
	}
	name := d.EventName
	switch {
	case !strings.HasPrefix(name, "UpdateFunctionCode") && !strings.HasPrefix(name, "CreateFunction2") && !strings.HasPrefix(name, "PublishVersion"):
		return ignored("call %s", short(name))
	case d.ErrorCode != "" || d.ResponseElements == nil:
		return ignored("a call that failed")
	}
	arn := d.ResponseElements.FunctionARN
	if parts := strings.Split(arn, ":"); len(parts) < 7 || parts[0] != "arn" || parts[2] != "lambda" || parts[5] != "function" || parts[6] == "" {
		return Parsed{}, fmt.Errorf("%w: it names no function", ErrMalformed)
	}
	return Parsed{Events: []Event{{ID: id, Registry: "lambda", Repository: arn, Target: "lambda:" + arn}}}, nil
}
