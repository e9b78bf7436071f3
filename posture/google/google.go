// Package google reads what functions and services of Google Cloud are declared
// with into the function model: Cloud Run and Knative YAML, files of gcloud flags,
// .env and YAML files of environment variables, firebase.json and app.yaml. Their
// Terraform is posture/terraform's. It asks no project and runs nothing.
package google

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

const maxFile = 4 << 20 // bytes of a file beside the one that is read

// IsService tells by content whether a file has a service or job of Cloud Run or Knative.
func IsService(name string, data []byte) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
		return bytes.Contains(data, []byte("serving.knative.dev/")) || bytes.Contains(data, []byte("run.googleapis.com/"))
	}
	return false
}

// A reader makes the model of one file.
type reader struct {
	src  *model.Source
	file string
	m    *model.Model
}

func newReader(src *model.Source, d model.Dialect) *reader {
	file := src.Pos(src.Name, 0, 0).File
	return &reader{src: src, file: file, m: &model.Model{Dialect: d, Cloud: model.Google, File: file}}
}

func pos(n *doc.Node) model.Pos {
	if n == nil {
		return model.Pos{}
	}
	return model.Pos{File: n.File, Line: n.Line, Column: n.Column}
}

// str is the text of a scalar; what is not stated is absent.
func str(n *doc.Node) model.Value[string] {
	s, ok := n.Scalar()
	if !ok {
		return model.Value[string]{}
	}
	return model.Is(pos(n), s)
}

func text(n *doc.Node) model.Value[model.Text] {
	s, ok := n.Scalar()
	if !ok {
		return model.Value[model.Text]{}
	}
	return model.Is(pos(n), model.Lit(pos(n), s))
}

func parsed[T any](n *doc.Node, parse func(string) (T, bool)) model.Value[T] {
	s, ok := n.Scalar()
	if !ok {
		return model.Value[T]{}
	}
	x, ok := parse(s)
	if !ok {
		return model.Unknown[T](pos(n), "it is no value of its kind")
	}
	return model.Is(pos(n), x)
}

func integer(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n > -1<<40 && n < 1<<40
}

// seconds reads 60, "60s", "9m" or "1h".
func seconds(s string) (int, bool) {
	unit := 1.0
	for suffix, u := range map[string]float64{"s": 1, "m": 60, "h": 3600} {
		if rest, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = rest, u
			break
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	return int(n * unit), err == nil && n >= 0 && n*unit < 1e9
}

// megabytes reads "256MiB", "256MB", "1Gi", "512M" or a number of bytes. What
// functions call MB are mebibytes.
func megabytes(s string) (int, bool) {
	s = strings.TrimSuffix(strings.TrimSuffix(s, "B"), "i")
	unit := 1.0 / (1 << 20)
	for suffix, u := range map[string]float64{"G": 1 << 10, "M": 1, "K": 1.0 / (1 << 10), "k": 1.0 / (1 << 10)} {
		if rest, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = rest, u
			break
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	return int(n * unit), err == nil && n >= 0 && n*unit < math.MaxInt32
}

// ingress brings the ways to write ingress settings into one: "all", "internal-only",
// "internal-and-gclb".
func ingress(s string) (string, bool) {
	low := strings.ToLower(s)
	switch {
	case strings.Contains(low, "gclb"), strings.Contains(low, "load"):
		return "internal-and-gclb", true
	case strings.Contains(low, "internal"):
		return "internal-only", true
	case strings.HasSuffix(low, "all"):
		return "all", true
	}
	return s, true
}

// role is the service account that a function runs as.
func (r *reader) role(f *model.Function, account *doc.Node) {
	email := account.Str()
	if email == "" {
		return
	}
	f.Role = text(account)
	id := "serviceAccount:" + email
	if r.m.FindRole(id) == nil {
		r.m.Roles = append(r.m.Roles, &model.Role{Resource: model.Resource{Pos: pos(account), ID: id, Cloud: model.Google, Type: "service account", Name: text(account), Implicit: true}, Open: true})
	}
	f.Roles = []string{id}
}

// ReadService reads a Cloud Run or Knative service. What was read before a mistake
// is returned beside the error.
func ReadService(ctx context.Context, src *model.Source) (*model.Model, error) {
	r := newReader(src, model.Knative)
	docs, err := parse(r.file, src)
	for _, n := range docs {
		switch n.Get("kind").Str() {
		case "Service", "Job", "WorkerPool":
			r.service(n)
		case "IAMPolicyMember":
			r.member(n)
		}
	}
	r.members()
	if err != nil {
		r.m.Partial = true
		return r.m, fmt.Errorf("%s: %w", src.Name, err)
	}
	return r.m, ctx.Err()
}

func parse(file string, src *model.Source) ([]*doc.Node, error) {
	if path.Ext(src.Name) == ".json" {
		n, err := doc.JSON(file, src.Data, true)
		if err != nil {
			return nil, err
		}
		return []*doc.Node{n}, nil
	}
	return doc.YAML(file, src.Data)
}

func (r *reader) service(n *doc.Node) {
	name := n.At("metadata", "name")
	template := n.At("spec", "template")
	spec := template.Get("spec")
	if n.Get("kind").Str() == "Job" { // a template in a template
		spec = template.At("spec", "template", "spec")
	}
	notes := template.At("metadata", "annotations")
	f := &model.Function{Resource: model.Resource{Pos: pos(n), ID: name.Str(), Cloud: model.Google, Type: n.Get("kind").Str(), Name: text(name)},
		PackageType: model.Is(pos(spec), "Image"), TimeoutS: parsed(spec.Get("timeoutSeconds"), seconds), PerInstance: parsed(spec.Get("containerConcurrency"), integer),
		Concurrency: parsed(notes.Get("autoscaling.knative.dev/maxScale"), integer), Provisioned: parsed(notes.Get("autoscaling.knative.dev/minScale"), integer)}
	for i, c := range spec.Get("containers").Elements() {
		if i == 0 {
			f.MemoryMB = parsed(c.At("resources", "limits", "memory"), megabytes)
			f.Code = model.Code{Pos: pos(c.Get("image")), Image: text(c.Get("image"))}
		}
		r.env(f, c.Get("env"))
		f.EnvOpen = f.EnvOpen || c.Get("envFrom") != nil
	}
	if v := notes.Get("run.googleapis.com/vpc-access-connector"); v != nil {
		f.Network = &model.Network{Pos: pos(v), Subnets: model.List[model.Text]{Pos: pos(v), Items: text(v).Alts}, Egress: str(notes.Get("run.googleapis.com/vpc-access-egress"))}
	}
	for _, m := range n.At("metadata", "labels").All() {
		f.Tags = append(f.Tags, m.Key)
	}
	if n.Get("kind").Str() == "Service" {
		own := n.At("metadata", "annotations")
		f.Endpoint = &model.Endpoint{Pos: pos(n), Ingress: parsed(own.Get("run.googleapis.com/ingress"), ingress)}
		if off := own.Get("run.googleapis.com/invoker-iam-disabled"); off.True() {
			f.Endpoint.Auth = model.Is(pos(off), "NONE")
		}
		http(f, pos(n))
	}
	r.role(f, spec.Get("serviceAccountName"))
	r.m.Functions = append(r.m.Functions, f)
}

// env reads the variables of a container.
func (r *reader) env(f *model.Function, list *doc.Node) {
	for _, e := range list.Elements() {
		v := text(e.Get("value"))
		if ref := e.At("valueFrom", "secretKeyRef"); ref != nil {
			v = model.Is(pos(ref), model.To(pos(ref), model.RefSecret, ref.Get("name").Str(), ref.Get("key").Str()))
		} else if from := e.Get("valueFrom"); from != nil {
			v = model.Unknown[model.Text](pos(from), "it is kept elsewhere")
		} else if v.Absent() {
			v = model.Is(pos(e), model.Lit(pos(e), ""))
		}
		f.Env = append(f.Env, model.Variable{Pos: v.Pos, Name: e.Get("name").Str(), Value: v})
	}
}

// member reads a member of Config Connector, whose target is a service of the file.
func (r *reader) member(n *doc.Node) {
	p := &model.Permission{Resource: model.Resource{Pos: pos(n), ID: n.At("metadata", "name").Str(), Cloud: model.Google, Type: "IAMPolicyMember"},
		Function: text(n.At("spec", "resourceRef", "name")), Action: str(n.At("spec", "role")), Principal: text(n.At("spec", "member"))}
	r.m.Permissions = append(r.m.Permissions, p)
}

// members links permissions with what they are for.
func (r *reader) members() {
	for _, p := range r.m.Permissions {
		for _, f := range r.m.Functions {
			if !f.May(p.Function) {
				continue
			}
			p.FunctionID = f.ID
			if f.Endpoint != nil && p.Action.Any(func(s string) bool { return strings.HasSuffix(s, ".invoker") }) {
				f.Endpoint.Invokers.Items = append(f.Endpoint.Invokers.Items, p.Principal.Alts...)
				f.Endpoint.Invokers.Pos = p.Principal.Pos
			}
		}
	}
}

func readFile(fsys fs.FS, name string) ([]byte, error) {
	if fsys == nil {
		return nil, fs.ErrNotExist
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = errors.New("the file is too large")
	}
	return data, err
}
