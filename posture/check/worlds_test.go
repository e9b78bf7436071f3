package check_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fnvet/fnvet/posture/check"
	"github.com/fnvet/fnvet/posture/cloudformation"
	"github.com/fnvet/fnvet/posture/model"
)

// Properties under one condition change together, and a condition that is assumed is
// known inside.
func TestConditionsTogether(t *testing.T) {
	const head = `Parameters: {Stage: {Type: String, Default: dev}}
Conditions:
  Prod: !Equals [!Ref Stage, prod]
  Test: !Equals [!Ref Stage, test]
  NotProd: !Not [{Condition: Prod}]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]}
      Policies: [{PolicyName: p, PolicyDocument: {Statement: [{Effect: Allow, Action: POLICY, Resource: 'arn:aws:s3:::b/*'}]}}]
  F:
    Type: AWS::Lambda::Function
    Properties: {Runtime: nodejs24.x, Handler: a.b, Code: x, Role: !GetAtt Role.Arn, Environment: {Variables: {NODE_TLS_REJECT_UNAUTHORIZED: ENV}}}
  Url: {Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: !Ref F, AuthType: AUTH}}
`
	for _, c := range []struct{ name, auth, policy, env, want, reason string }{
		{"open and writing", "NONE", "s3:PutObject", "'1'", "url-auth-none high", "it changes things"},
		{"open where it reads", "!If [Prod, AWS_IAM, NONE]", "!If [Prod, s3:PutObject, s3:GetObject]", "'1'", "url-auth-none medium", "never open and writing"},
		{"by the opposite", "!If [NotProd, NONE, AWS_IAM]", "!If [Prod, s3:PutObject, s3:GetObject]", "'1'", "url-auth-none medium", "the same in other words"},
		{"open where it writes", "!If [Prod, AWS_IAM, NONE]", "!If [Prod, s3:GetObject, s3:PutObject]", "'1'", "url-auth-none high", "in development"},
		{"two values of one parameter", "!If [Prod, NONE, AWS_IAM]", "!If [Test, s3:PutObject, s3:GetObject]", "'1'", "url-auth-none medium", "a stage is prod or test"},
		{"inside itself", "AWS_IAM", "s3:GetObject", "!If [Prod, !If [Prod, '1', '0'], '1']", "", "the inner one is decided"},
		{"inside another", "AWS_IAM", "s3:GetObject", "!If [Prod, !If [Test, '1', '0'], '1']", "env-dangerous high", "production is no test"},
		{"impossible", "AWS_IAM", "s3:GetObject", "!If [Prod, !If [Test, '0', '1'], '1']", "", "production is never test"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.NewReplacer("AUTH}", c.auth+"}", "POLICY", c.policy, "ENV}", c.env+"}").Replace(head)
			m, err := cloudformation.Read(t.Context(), &model.Source{Name: "t.yaml", Data: []byte(text), FS: fstest.MapFS{}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range check.Run(m, check.Context{}) {
				if f.ID == "config/url-auth-none" || f.ID == "config/env-dangerous" {
					got = append(got, strings.TrimPrefix(f.ID, "config/")+" "+string(f.Severity))
				}
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("%s: %q, want %q", c.reason, s, c.want)
			}
		})
	}
}
