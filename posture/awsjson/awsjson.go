// Package awsjson reads JSON documents of the AWS APIs into the model: policies of
// IAM, and what Lambda answers about functions (get-function-configuration,
// get-function, list-functions).
package awsjson

import (
	"bytes"
	"context"
	"errors"
	"path"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet/posture/cloudformation"
	"github.com/fnvet/fnvet/posture/internal/doc"
	"github.com/fnvet/fnvet/posture/model"
)

// maxFile bounds one document, in bytes.
const maxFile = 8 << 20

// IsPolicy reports an IAM policy document, alone or in the answer that holds it.
func IsPolicy(name string, data []byte) bool {
	return jsonMap(name, data) && bytes.Contains(data, []byte(`"Statement"`)) && bytes.Contains(data, []byte(`"Effect"`)) &&
		!bytes.Contains(data, []byte(`"Resources"`)) && policyNode(parse(data)) != nil
}

// IsFunction reports what the Lambda API says of functions.
func IsFunction(name string, data []byte) bool {
	return jsonMap(name, data) && bytes.Contains(data, []byte(`"FunctionArn"`)) && len(functions(parse(data))) > 0
}

func jsonMap(name string, data []byte) bool {
	head := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \t\r\n")
	return strings.EqualFold(path.Ext(name), ".json") && len(head) > 0 && head[0] == '{' && len(data) <= maxFile
}

func parse(data []byte) *doc.Node {
	n, err := doc.JSON("", data, false)
	if err != nil {
		return nil
	}
	return n
}

// policyNode is the document in one of the answers of the IAM API that hold one.
func policyNode(n *doc.Node) *doc.Node {
	for _, d := range []*doc.Node{n, n.Get("PolicyDocument"), n.At("PolicyVersion", "Document"), n.Get("AssumeRolePolicyDocument"), n.At("Role", "AssumeRolePolicyDocument")} {
		s := d.Get("Statement")
		if s.Is(doc.List) && len(s.Items) > 0 {
			s = s.Items[0]
		}
		if s.Get("Effect") != nil && (s.Get("Action") != nil || s.Get("NotAction") != nil) {
			return d
		}
	}
	return nil
}

// functions are the configurations in one of the answers of the Lambda API.
func functions(n *doc.Node) []*doc.Node {
	if list := n.Get("Functions"); list.Is(doc.List) {
		var out []*doc.Node
		for _, f := range list.Items {
			out = append(out, functions(f)...)
		}
		return out
	}
	c := n
	if n.Get("Configuration") != nil {
		c = n.Get("Configuration")
	}
	if c.Get("FunctionArn") == nil || c.Get("Handler") == nil && c.Get("PackageType") == nil && c.Get("Runtime") == nil {
		return nil
	}
	return []*doc.Node{n}
}

// ReadPolicy reads a policy document. One that says who may take a role on becomes
// a role of that name.
func ReadPolicy(ctx context.Context, src *model.Source) (*model.Model, error) {
	n, err := doc.JSON(src.Pos(src.Name, 0, 0).File, src.Data, false)
	if err != nil {
		return nil, err
	}
	d := policyNode(n)
	if d == nil {
		return nil, errors.New("there is no policy document in it")
	}
	id := strings.TrimSuffix(path.Base(src.Name), path.Ext(src.Name))
	for _, key := range []string{"PolicyName", "RoleName"} {
		if s := n.Get(key).Str(); s != "" {
			id = s
		}
	}
	typ, key := "AWS::IAM::ManagedPolicy", "PolicyDocument"
	if isTrust(d) {
		typ, key = "AWS::IAM::Role", "AssumeRolePolicyDocument"
	}
	return build(ctx, src, model.IAMPolicy, n, doc.Pair(id, resource(n, typ, doc.Pair(key, d))))
}

func isTrust(d *doc.Node) bool {
	s := d.Get("Statement")
	if s.Is(doc.List) && len(s.Items) > 0 {
		s = s.Items[0]
	}
	action := s.Get("Action")
	if action.Is(doc.List) && len(action.Items) > 0 {
		action = action.Items[0]
	}
	return s.Get("Principal") != nil && strings.HasPrefix(strings.ToLower(action.Str()), "sts:assumerole")
}

// ReadFunction reads what the Lambda API says of functions.
func ReadFunction(ctx context.Context, src *model.Source) (*model.Model, error) {
	n, err := doc.JSON(src.Pos(src.Name, 0, 0).File, src.Data, false)
	if err != nil {
		return nil, err
	}
	var members []doc.Member
	seen := map[string]bool{}
	for i, f := range functions(n) {
		c := f
		if f.Get("Configuration") != nil {
			c = f.Get("Configuration")
		}
		id := c.Get("FunctionName").Str()
		if id == "" || seen[id] {
			id += "#" + strconv.Itoa(i)
		}
		seen[id] = true
		members = append(members, doc.Pair(id, function(f, c)))
	}
	if len(members) == 0 {
		return nil, errors.New("there is no function configuration in it")
	}
	m, err := build(ctx, src, model.FunctionConfig, n, members...)
	if m != nil {
		c := functions(n)[0]
		if c.Get("Configuration") != nil {
			c = c.Get("Configuration")
		}
		if parts := strings.Split(c.Get("FunctionArn").Str(), ":"); len(parts) > 3 {
			m.Region = parts[3]
		}
	}
	return m, err
}

// function writes a configuration with CloudFormation's keys.
func function(f, c *doc.Node) *doc.Node {
	var props []doc.Member
	for _, key := range [...]string{"FunctionName", "Runtime", "Handler", "Role", "Timeout", "MemorySize", "Environment", "VpcConfig", "TracingConfig",
		"DeadLetterConfig", "Architectures", "EphemeralStorage", "PackageType", "LoggingConfig"} {
		if m := c.Member(key); m != nil {
			props = append(props, *m)
		}
	}
	if k := c.Member("KMSKeyArn"); k != nil {
		props = append(props, doc.Member{Key: "KmsKeyArn", Line: k.Line, Column: k.Column, Value: k.Value})
	}
	if k := c.Member("SigningProfileVersionArn"); k != nil {
		props = append(props, doc.Member{Key: "CodeSigningConfigArn", Line: k.Line, Column: k.Column, Value: k.Value})
	}
	if layers := c.Get("Layers"); layers.Is(doc.List) {
		var arns []*doc.Node
		for _, l := range layers.Items {
			arns = append(arns, l.Get("Arn"))
		}
		props = append(props, doc.Pair("Layers", doc.NewList(layers, arns...)))
	}
	if r := f.At("Concurrency", "ReservedConcurrentExecutions"); r != nil {
		props = append(props, doc.Pair("ReservedConcurrentExecutions", r))
	}
	if image := f.At("Code", "ImageUri"); image != nil {
		props = append(props, doc.Pair("Code", doc.NewMap(image, doc.Pair("ImageUri", image))))
	}
	return resource(c, "AWS::Lambda::Function", props...)
}

func resource(at *doc.Node, typ string, props ...doc.Member) *doc.Node {
	return doc.NewMap(at, doc.Pair("Type", doc.New(at, typ)), doc.Pair("Properties", doc.NewMap(at, props...)))
}

func build(ctx context.Context, src *model.Source, dialect model.Dialect, at *doc.Node, members ...doc.Member) (*model.Model, error) {
	root := doc.NewMap(at, doc.Pair("Resources", doc.NewMap(at, members...)))
	return cloudformation.Build(ctx, src, root, dialect)
}
