package remote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/internal/lazyregexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/fnvet/fnvet"
)

var (
	functionName = lazyregexp.New(`^([A-Za-z0-9_-]{1,140})(?::([A-Za-z0-9$_-]{1,128}))?$`)
	functionARN  = lazyregexp.New(`^(arn:aws[a-z-]*:lambda:([a-z0-9-]+):[0-9]{12}:function:([A-Za-z0-9_-]{1,140}))(?::([A-Za-z0-9$_-]{1,128}))?$`)
)

// function plans the download of a Lambda function, by name or ARN and qualifier.
func function(ctx context.Context, target string, opts Options) (*Plan, error) {
	in := &lambda.GetFunctionInput{}
	name, region, qualifier := "", "", ""
	if m := functionARN().FindStringSubmatch(target); m != nil {
		in.FunctionName, region, name, qualifier = &m[1], m[2], m[3], m[4]
	} else if m := functionName().FindStringSubmatch(target); m != nil {
		in.FunctionName, name, qualifier = &m[1], m[1], m[2]
	} else {
		return nil, fmt.Errorf("%q is not lambda:NAME[:QUALIFIER]", lambdaPrefix+target)
	}
	if qualifier != "" {
		in.Qualifier = &qualifier
	}
	c, err := awsConfig(ctx, region, opts)
	if err != nil {
		return nil, err
	}
	client := lambda.NewFromConfig(c)
	out, err := client.GetFunction(ctx, in)
	if err != nil {
		return nil, awsError(lambdaPrefix+target, err)
	}
	if out.Configuration == nil || out.Code == nil {
		return nil, fmt.Errorf("%s: the API states no code", lambdaPrefix+target)
	}
	plan := &Plan{Name: name}
	plan.describe(out)
	if err := plan.code(ctx, out, opts); err != nil {
		return nil, fmt.Errorf("%s: %w", lambdaPrefix+target, err)
	}
	plan.layers(ctx, client, out.Configuration.Layers, opts)
	return plan, nil
}

// code says where the code is: a zip behind a signed address, or an image.
func (p *Plan) code(ctx context.Context, out *lambda.GetFunctionOutput, opts Options) error {
	if uri := cmpString(out.Code.ResolvedImageUri, out.Code.ImageUri); uri != "" {
		ref, err := ParseReference(dockerPrefix + uri)
		if err != nil {
			return err
		}
		p.Image, err = login(ctx, ref, opts)
		return err
	}
	location := aws.ToString(out.Code.Location)
	if location == "" {
		return errors.New("the API states no address of the code")
	}
	p.Code = &Download{
		Name: p.Name, URL: location, SHA256: aws.ToString(out.Configuration.CodeSha256),
		Size: out.Configuration.CodeSize, Plain: opts.plainAWS(),
	}
	return nil
}

// layers asks where the layers are; one that cannot be had is a gap.
func (p *Plan) layers(ctx context.Context, client *lambda.Client, layers []types.Layer, opts Options) {
	for _, l := range layers {
		arn := aws.ToString(l.Arn)
		p.Config.LayerARNs = append(p.Config.LayerARNs, arn)
		name := layerName(arn)
		out, err := client.GetLayerVersionByArn(ctx, &lambda.GetLayerVersionByArnInput{Arn: &arn})
		if err == nil && (out.Content == nil || aws.ToString(out.Content.Location) == "") {
			err = errors.New("the API states no address of its content")
		}
		if err != nil {
			p.Gaps = append(p.Gaps, fnvet.Gap{Path: name, Reason: fnvet.GapUnreadable, Detail: awsError("layer "+arn, err).Error()})
			continue
		}
		p.Layers = append(p.Layers, Download{
			Name: name, URL: *out.Content.Location, SHA256: aws.ToString(out.Content.CodeSha256),
			Size: out.Content.CodeSize, Plain: opts.plainAWS(),
		})
	}
}

// layerName is the end of a layer's ARN: "name:version".
func layerName(arn string) string {
	if _, name, found := strings.Cut(arn, ":layer:"); found {
		return name
	}
	return arn
}

// describe takes over what the API states of the function.
func (p *Plan) describe(out *lambda.GetFunctionOutput) {
	f := out.Configuration
	c := &p.Config
	c.Function, c.Version = aws.ToString(f.FunctionArn), aws.ToString(f.Version)
	c.PackageType, c.Runtime, c.Handler = string(f.PackageType), string(f.Runtime), aws.ToString(f.Handler)
	for _, a := range f.Architectures {
		c.Architectures = append(c.Architectures, string(a))
	}
	c.MemoryMB, c.TimeoutS = int(aws.ToInt32(f.MemorySize)), int(aws.ToInt32(f.Timeout))
	c.Role, c.KMSKey, c.LastModified = aws.ToString(f.Role), aws.ToString(f.KMSKeyArn), aws.ToString(f.LastModified)
	if f.EphemeralStorage != nil {
		c.EphemeralMB = int(aws.ToInt32(f.EphemeralStorage.Size))
	}
	if f.TracingConfig != nil {
		c.Tracing = string(f.TracingConfig.Mode)
	}
	if f.VpcConfig != nil {
		c.VPC = aws.ToString(f.VpcConfig.VpcId)
	}
	if f.DeadLetterConfig != nil {
		c.DeadLetter = aws.ToString(f.DeadLetterConfig.TargetArn)
	}
	if i := f.ImageConfigResponse; i != nil && i.ImageConfig != nil {
		c.Entrypoint, c.Cmd = i.ImageConfig.EntryPoint, i.ImageConfig.Command
		c.WorkingDir = aws.ToString(i.ImageConfig.WorkingDirectory)
	}
	p.settings(out)
}

// settings takes over the texts that may hold secrets.
func (p *Plan) settings(out *lambda.GetFunctionOutput) {
	f := out.Configuration
	if e := f.Environment; e != nil {
		for _, name := range slices.Sorted(maps.Keys(e.Variables)) {
			p.Config.EnvNames = append(p.Config.EnvNames, name)
			p.Settings = append(p.Settings, fnvet.Setting{Path: p.Name, Source: "env", Name: name, Value: e.Variables[name]})
		}
		if e.Error != nil {
			p.Gaps = append(p.Gaps, fnvet.Gap{
				Path: p.Name, Reason: fnvet.GapEncrypted,
				Detail: "the environment variables: " + aws.ToString(e.Error.ErrorCode) + ": " + mask(aws.ToString(e.Error.Message), nil),
			})
		}
	}
	if d := aws.ToString(f.Description); d != "" {
		p.Settings = append(p.Settings, fnvet.Setting{Path: p.Name, Source: "metadata", Name: "description", Value: d})
	}
	for _, name := range slices.Sorted(maps.Keys(out.Tags)) {
		p.Settings = append(p.Settings, fnvet.Setting{Path: p.Name, Source: "metadata", Name: name, Value: out.Tags[name]})
	}
}

// cmpString is the first that is set.
func cmpString(values ...*string) string {
	for _, v := range values {
		if aws.ToString(v) != "" {
			return *v
		}
	}
	return ""
}
