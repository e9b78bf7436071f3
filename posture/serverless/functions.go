package serverless

import (
	"strings"

	"github.com/fnvet/fnvet/posture/cloudformation"
	"github.com/fnvet/fnvet/posture/internal/doc"
)

// What the framework sets where nothing is stated.
// https://www.serverless.com/framework/docs/providers/aws/guide/functions
const (
	defaultTimeout = "6"
	defaultMemory  = "1024"
	sharedRoleID   = "IamRoleLambdaExecution"
)

// first is the first node that is stated.
func first(nodes ...*doc.Node) *doc.Node {
	for _, n := range nodes {
		if n != nil && n.Kind != doc.Null {
			return n
		}
	}
	return nil
}

// function writes one function as AWS::Serverless::Function.
func (s *service) function(f *function) {
	n, p := f.node, s.root.Get("provider")
	at := n
	name := first(n.Get("name"), doc.New(at, s.serviceName()+"-"+s.stage()+"-"+f.key))
	props := []doc.Member{
		doc.Pair("FunctionName", name),
		doc.Pair("Runtime", first(n.Get("runtime"), p.Get("runtime"))),
		doc.Pair("Handler", n.Get("handler")),
		doc.Pair("Timeout", first(n.Get("timeout"), p.Get("timeout"), doc.New(at, defaultTimeout))),
		doc.Pair("MemorySize", first(n.Get("memorySize"), p.Get("memorySize"), doc.New(at, defaultMemory))),
		doc.Pair("ReservedConcurrentExecutions", n.Get("reservedConcurrency")),
		doc.Pair("Layers", first(n.Get("layers"), p.Get("layers"))),
		doc.Pair("KmsKeyArn", first(n.Get("kmsKeyArn"), n.Get("awsKmsKeyArn"), p.Get("kmsKeyArn"), s.root.At("service", "awsKmsKeyArn"))),
		doc.Pair("Tracing", tracing(first(n.Get("tracing"), p.At("tracing", "lambda")))),
		doc.Pair("Role", s.roleOf(f)),
		doc.Pair("VpcConfig", vpc(first(n.Get("vpc"), p.Get("vpc")))),
	}
	if a := first(n.Get("architecture"), p.Get("architecture")); a != nil {
		props = append(props, doc.Pair("Architectures", doc.NewList(a, a)))
	}
	if size := n.Get("ephemeralStorageSize"); size != nil {
		props = append(props, doc.Pair("EphemeralStorage", doc.NewMap(size, doc.Pair("Size", size))))
	}
	if c := n.Get("provisionedConcurrency"); c != nil {
		props = append(props, doc.Pair("ProvisionedConcurrencyConfig", doc.NewMap(c, doc.Pair("ProvisionedConcurrentExecutions", c))))
	}
	if env := cloudformation.Merge(p.Get("environment"), n.Get("environment")); env != nil {
		props = append(props, doc.Pair("Environment", doc.NewMap(env, doc.Pair("Variables", env))))
	}
	if to := n.Get("onError"); to != nil {
		props = append(props, doc.Pair("DeadLetterQueue", doc.NewMap(to, doc.Pair("TargetArn", to))))
	}
	props = append(props, invoke(n)...)
	props = append(props, s.code(n)...)
	props = append(props, address(n.Get("url"))...)
	props = append(props, doc.Pair("Events", s.events(f)))
	s.put(f.id, at, "AWS::Serverless::Function", props...)
	if retention := first(n.Get("logRetentionInDays"), p.Get("logRetentionInDays")); !n.Get("disableLogs").True() {
		group := doc.NewMap(at, doc.Pair("Fn::Join", doc.NewList(at, doc.New(at, ""), doc.NewList(at, doc.New(at, "/aws/lambda/"), name))))
		s.put(normal(f.key)+"LogGroup", first(retention, at), "AWS::Logs::LogGroup", doc.Pair("LogGroupName", group), doc.Pair("RetentionInDays", retention))
	}
}

func (s *service) serviceName() string {
	if n := s.root.At("service", "name"); n != nil {
		return n.Str()
	}
	return s.root.Get("service").Str()
}

func (s *service) stage() string {
	if stage := s.provider("stage").Str(); stage != "" {
		return stage
	}
	return "dev"
}

func tracing(n *doc.Node) *doc.Node {
	switch {
	case n == nil:
		return nil
	case n.Str() == "true":
		return doc.New(n, "Active")
	case n.Str() == "false":
		return nil
	}
	return n
}

func vpc(n *doc.Node) *doc.Node {
	if !n.Is(doc.Map) {
		return nil
	}
	if n.Get("securityGroupIds") == nil && n.Get("subnetIds") == nil {
		return n // a choice, or a reference
	}
	return doc.NewMap(n, compact([]doc.Member{doc.Pair("SecurityGroupIds", n.Get("securityGroupIds")), doc.Pair("SubnetIds", n.Get("subnetIds"))})...)
}

// invoke writes what happens to asynchronous calls.
func invoke(n *doc.Node) []doc.Member {
	var destinations, config []doc.Member
	for _, row := range [...][2]string{{"onFailure", "OnFailure"}, {"onSuccess", "OnSuccess"}} {
		to := n.At("destinations", row[0])
		if to == nil {
			continue
		}
		if arn := to.Get("arn"); arn != nil {
			to = arn
		}
		destinations = append(destinations, doc.Pair(row[1], doc.NewMap(to, doc.Pair("Destination", to))))
	}
	if len(destinations) > 0 {
		config = append(config, doc.Pair("DestinationConfig", doc.NewMap(n.Get("destinations"), destinations...)))
	}
	config = append(config, doc.Pair("MaximumRetryAttempts", n.Get("maximumRetryAttempts")), doc.Pair("MaximumEventAgeInSeconds", n.Get("maximumEventAge")))
	if config = compact(config); len(config) == 0 {
		return nil
	}
	return []doc.Member{doc.Pair("EventInvokeConfig", doc.NewMap(n, config...))}
}

// code writes where the code is: an artifact, an image, else the service's folder.
func (s *service) code(n *doc.Node) []doc.Member {
	if image := n.Get("image"); image != nil {
		if uri := image.Get("uri"); uri != nil {
			image = uri
		}
		if s, ok := image.Scalar(); !ok || !strings.Contains(s, ":") && !strings.Contains(s, "/") {
			image = doc.New(image, "built from the service's folder")
		}
		return []doc.Member{doc.Pair("PackageType", doc.New(image, "Image")), doc.Pair("ImageUri", image)}
	}
	path := first(n.At("package", "artifact"), s.root.At("package", "artifact"))
	if path == nil {
		path = doc.New(first(n.Get("handler"), n), ".")
	}
	return []doc.Member{doc.Pair("CodeUri", path)}
}

// address writes a function URL.
func address(n *doc.Node) []doc.Member {
	if n == nil || n.Str() == "false" {
		return nil
	}
	auth := doc.New(n, "NONE")
	if a := n.Get("authorizer"); a != nil && a.Str() == "aws_iam" {
		auth = doc.New(a, "AWS_IAM")
	}
	config := []doc.Member{doc.Pair("AuthType", auth)}
	if c := n.Get("cors"); c.True() {
		config = append(config, doc.Pair("Cors", doc.NewMap(c, doc.Pair("AllowOrigins", doc.NewList(c, doc.New(c, "*"))))))
	} else if c.Is(doc.Map) {
		config = append(config, doc.Pair("Cors", httpCORS(c)))
	}
	return []doc.Member{doc.Pair("FunctionUrlConfig", doc.NewMap(n, config...))}
}

// httpCORS writes CORS with CloudFormation's keys.
func httpCORS(c *doc.Node) *doc.Node {
	return doc.NewMap(c, compact([]doc.Member{doc.Pair("AllowOrigins", c.Get("allowedOrigins")), doc.Pair("AllowMethods", c.Get("allowedMethods")),
		doc.Pair("AllowHeaders", c.Get("allowedHeaders")), doc.Pair("AllowCredentials", c.Get("allowCredentials"))})...)
}
