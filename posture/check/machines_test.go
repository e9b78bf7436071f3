package check_test

import (
	"context"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/fnvet/fnvet/posture/awsjson"
	"github.com/fnvet/fnvet/posture/check"
	"github.com/fnvet/fnvet/posture/cloudformation"
	"github.com/fnvet/fnvet/posture/data"
	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/serverless"
	"github.com/fnvet/fnvet/posture/terraform"
)

// What starts a function is found wherever a resource refers to it.
func TestOtherSources(t *testing.T) {
	const fn = "Resources:\n  F: {Type: AWS::Lambda::Function, Properties: {Runtime: nodejs24.x, Handler: a.b, Code: x}}\n  X: "
	for _, c := range []struct {
		name, file, text string
		read             func(context.Context, *model.Source) (*model.Model, error)
		want             string
	}{
		{"state machine", "t.yaml", fn + "{Type: AWS::StepFunctions::StateMachine, Properties: {DefinitionString: !Sub '{\"Resource\": \"${F.Arn}\"}'}}", cloudformation.Read, "AWS::StepFunctions::StateMachine"},
		{"definition", "t.yaml", fn + "{Type: AWS::Serverless::StateMachine, Properties: {Definition: {States: {A: {Type: Task, Resource: !GetAtt F.Arn}}}}}", cloudformation.Read, "AWS::Serverless::StateMachine"},
		{"substitutions", "t.yaml", fn + "{Type: AWS::Serverless::StateMachine, Properties: {DefinitionUri: s.json, DefinitionSubstitutions: {A: !GetAtt F.Arn}}}", cloudformation.Read, "AWS::Serverless::StateMachine"},
		{"pipe", "t.yaml", fn + "{Type: AWS::Pipes::Pipe, Properties: {Source: arn:aws:sqs:eu-west-1:1:q, Target: !GetAtt F.Arn}}", cloudformation.Read, "AWS::Pipes::Pipe"},
		{"delivery stream", "t.yaml", fn + "{Type: AWS::KinesisFirehose::DeliveryStream, Properties: {ExtendedS3DestinationConfiguration: {ProcessingConfiguration: {Processors: [{Parameters: [{ParameterName: LambdaArn, ParameterValue: !GetAtt F.Arn}]}]}}}}", cloudformation.Read, "AWS::KinesisFirehose::DeliveryStream"},
		{"custom resource", "t.yaml", fn + "{Type: Custom::Seed, Properties: {ServiceToken: !GetAtt F.Arn}}", cloudformation.Read, "Custom::Seed"},
		{"rule of Config", "t.yaml", fn + "{Type: AWS::Config::ConfigRule, Properties: {Source: {Owner: CUSTOM_LAMBDA, SourceIdentifier: !GetAtt F.Arn}}}", cloudformation.Read, "AWS::Config::ConfigRule"},
		{"agent", "t.yaml", fn + "{Type: AWS::Bedrock::Agent, Properties: {ActionGroups: [{ActionGroupExecutor: {Lambda: !GetAtt F.Arn}}]}}", cloudformation.Read, "AWS::Bedrock::Agent"},
		{"plugin", "serverless.yml", "service: s\nprovider: {name: aws, runtime: nodejs24.x}\nfunctions: {f: {handler: a.b}}\nstepFunctions: {stateMachines: {m: {definition: {States: {A: {Resource: {Fn::GetAtt: [f, Arn]}}}}}}}", serverless.Read, "AWS::StepFunctions::StateMachine"},
		{"terraform", "main.tf", "resource \"aws_lambda_function\" \"f\" {\n  function_name = \"f\"\n}\nresource \"aws_sfn_state_machine\" \"m\" {\n  definition = jsonencode({ States = { A = { Resource = aws_lambda_function.f.arn } } })\n}\n", terraform.Read, "aws_sfn_state_machine"},
		{"terraform pipe", "main.tf", "resource \"aws_lambda_function\" \"f\" {\n  function_name = \"f\"\n}\nresource \"aws_pipes_pipe\" \"m\" {\n  target = aws_lambda_function.f.arn\n}\n", terraform.Read, "aws_pipes_pipe"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := &model.Source{Name: c.file, Data: []byte(c.text), FS: fstest.MapFS{c.file: {Data: []byte(c.text)}}}
			if c.file == "main.tf" {
				src.Name, src.Data = ".", nil
			}
			m, err := c.read(t.Context(), src)
			if err != nil || len(m.Functions) != 1 {
				t.Fatal(err, m)
			}
			if !slices.ContainsFunc(m.Functions[0].Triggers, func(x *model.Trigger) bool { return x.Type == c.want }) {
				t.Errorf("%s does not start it: %+v", c.want, m.Functions[0].Triggers)
			}
		})
	}
}

// Where a stack says its region, its prices are those of the region.
func TestRegionOfPrices(t *testing.T) {
	for name, read := range map[string]func() (*model.Model, error){
		"serverless": func() (*model.Model, error) {
			text := "service: s\nprovider: {name: aws, runtime: nodejs24.x, region: eu-south-1}\nfunctions: {f: {handler: a.b}}\n"
			return serverless.Read(t.Context(), &model.Source{Name: "serverless.yml", Data: []byte(text), FS: fstest.MapFS{}})
		},
		"function": func() (*model.Model, error) {
			text := `{"FunctionName": "f", "FunctionArn": "arn:aws:lambda:eu-south-1:123456789012:function:f", "Runtime": "nodejs24.x", "Handler": "a.b", "MemorySize": 1024, "Timeout": 6}`
			return awsjson.ReadFunction(t.Context(), &model.Source{Name: "f.json", Data: []byte(text), FS: fstest.MapFS{}})
		},
	} {
		m, err := read()
		if err != nil {
			t.Fatal(err)
		}
		there := check.Bills(m, check.Context{Prices: data.ListPrices()})
		m.Region = ""
		usual := check.Bills(m, check.Context{Prices: data.ListPrices()})
		if len(there) != 1 || len(usual) != 1 || there[0].Hour <= usual[0].Hour {
			t.Errorf("%s: %v, elsewhere %v", name, there, usual)
		}
	}
}
