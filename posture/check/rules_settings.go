package check

import "github.com/fnvet/fnvet"

// The rules about secrets, settings, runtimes and what is watched.
const (
	envSecret         = "config/env-secret" // #nosec G101 -- the name of a rule
	parameterDefault  = "config/parameter-default-secret"
	parameterEcho     = "config/parameter-without-noecho"
	envDynamic        = "config/env-dynamic-reference"
	noCustomerKey     = "config/env-without-customer-key"
	envDangerous      = "config/env-dangerous"
	layerForeign      = "config/layer-foreign"
	layerUnpinned     = "config/layer-unpinned"
	codeSigning       = "config/no-code-signing"
	runtimeDeprecated = "config/runtime-deprecated"
	runtimeEnding     = "config/runtime-ending"
	tracingOff        = "config/tracing-off"
	logsUnwritable    = "config/logs-unwritable"
	logRetention      = "config/log-retention"
	noAlarms          = "config/no-alarms"
	noVPC             = "config/no-vpc"
	egressOpen        = "config/egress-open"
	ingressOpen       = "config/security-group-ingress-open"
)

func settingRules() []rule {
	return []rule{
		{envSecret, fnvet.High, secretStorage, "secret in the environment as a literal",
			"It is in the repository, in the stack's template and in the console, for everyone who may read any of them.",
			"Replace the secret, keep the new one in a secret store and let the function read it.",
			"Environment:\n  Variables:\n    DB_SECRET_ARN: !Ref DatabaseSecret",
			[]string{"CKV_AWS_45"}},
		{parameterDefault, fnvet.High, secretStorage, "secret as a parameter's default",
			"The default is in the template, and becomes a variable of the function wherever no one gives another.",
			"Take the default away, or refer to a secret store.",
			"Parameters:\n  DatabasePassword:\n    Type: String\n    NoEcho: true", nil},
		{parameterEcho, fnvet.Low, secretStorage, "secret parameter that is shown",
			"Its value is shown to everyone who may describe the stack.",
			"Set NoEcho, or better refer to a secret store.",
			"Parameters:\n  DatabasePassword:\n    Type: String\n    NoEcho: true",
			[]string{"cfn-lint W1011"}},
		{envDynamic, fnvet.Low, secretStorage, "reference to a secret that becomes plain text",
			"The reference is resolved on deployment: the environment holds the secret itself, and whoever may read the function's configuration reads it.",
			"Give the function the secret's name and let it read the secret when it starts.",
			"Environment:\n  Variables:\n    DB_SECRET_ARN: !Ref DatabaseSecret", nil},
		{noCustomerKey, fnvet.Low, secretStorage, "secrets in the environment without a customer key",
			"With the service's own key everyone who may read the function's configuration reads the values.",
			"Encrypt the environment with a key of your own, or keep no secrets in it.",
			"KmsKeyArn: !GetAtt EnvironmentKey.Arn",
			[]string{"CKV_AWS_173"}},
		{envDangerous, fnvet.Medium, secretStorage, "variable that makes the runtime unsafe",
			"It turns the checking of certificates off, opens a debugger, or loads code before the function's own.",
			"Remove the variable.",
			"Environment:\n  Variables:\n    NODE_EXTRA_CA_CERTS: /var/task/internal-ca.pem   # instead of no check at all", nil},
		{layerForeign, fnvet.Low, secretStorage, "layer of another account",
			"Whoever owns the account decides what runs inside the function. Accounts that publish well-known layers are info.",
			"Copy the layer into an account of yours after looking at it.",
			"Layers:\n  - !Ref OwnLayer", nil},
		{layerUnpinned, fnvet.Low, secretStorage, "layer without a version",
			"What runs changes without a deployment.",
			"Name the version.",
			"Layers:\n  - !Sub arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:layer:deps:7", nil},
		{codeSigning, fnvet.Info, secretStorage, "no code signing",
			"Lambda can refuse code that was not signed by the pipeline.",
			"Add a code signing configuration.",
			"CodeSigningConfigArn: !Ref SigningConfig",
			[]string{"CKV_AWS_272"}},
	}
}

func runtimeRules() []rule {
	return []rule{
		{runtimeDeprecated, fnvet.Medium, monitoring, "outdated runtime",
			"The provider no longer patches the runtime; later such functions can be neither created nor changed, not even to fix them.",
			"Move to a supported runtime.",
			"Runtime: nodejs24.x",
			[]string{"CKV_AWS_363", "cfn-lint W2531", "cfn-lint E2531", "cfn-lint E2533"}},
		{runtimeEnding, fnvet.Low, monitoring, "runtime ends within 90 days",
			"The provider has set the date from which it patches the runtime no longer.",
			"Move to a newer runtime.",
			"Runtime: nodejs24.x", nil},
		{tracingOff, fnvet.Info, monitoring, "tracing is off",
			"Traces show what a request touched, in an incident as on a slow day.",
			"Turn active tracing on.",
			"Tracing: Active",
			[]string{"CKV_AWS_50", "AVD-AWS-0066"}},
		{logsUnwritable, fnvet.Low, monitoring, "function cannot write its log",
			"The role lacks the right to write logs: errors and attacks leave no trace.",
			"Grant it, or attach the basic execution role.",
			"ManagedPolicyArns:\n  - arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
			[]string{"cfn_nag W58"}},
		{logRetention, fnvet.Info, monitoring, "logs are kept for ever",
			"The log group that Lambda makes keeps everything, personal data included, and costs more every day.",
			"Declare the log group with a retention.",
			"Type: AWS::Logs::LogGroup\nProperties:\n  LogGroupName: !Sub /aws/lambda/${Orders}\n  RetentionInDays: 90",
			[]string{"CKV_AWS_66"}},
		{noAlarms, fnvet.Info, monitoring, "no alarms",
			"Nobody is told when the function fails, is throttled or runs long.",
			"Add an alarm on Errors and Throttles.",
			"Type: AWS::CloudWatch::Alarm\nProperties:\n  Namespace: AWS/Lambda\n  MetricName: Errors\n  Dimensions: [{Name: FunctionName, Value: !Ref Orders}]\n  Statistic: Sum\n  Period: 60\n  EvaluationPeriods: 1\n  Threshold: 1\n  ComparisonOperator: GreaterThanOrEqualToThreshold", nil},
		{noVPC, fnvet.Low, monitoring, "private dependency and no VPC",
			"A variable points into a private network that the function is not in: either it cannot reach it, or it is public after all.",
			"Put the function into the VPC of what it uses.",
			"VpcConfig:\n  SubnetIds: !Ref PrivateSubnets\n  SecurityGroupIds: [!Ref FunctionGroup]",
			[]string{"CKV_AWS_117", "cfn_nag W89"}},
		{egressOpen, fnvet.Info, monitoring, "function in a VPC may send anything anywhere",
			"Open egress is how data leaves after a break-in.",
			"Allow what the function needs.",
			"SecurityGroupEgress:\n  - {IpProtocol: tcp, FromPort: 443, ToPort: 443, DestinationPrefixListId: !Ref S3PrefixList}", []string{"CKV_AWS_382", "cfn_nag W5"}},
		{ingressOpen, fnvet.Info, monitoring, "security group that lets the internet in",
			"Every port, or that of a remote shell or desktop, is open to every address. Nothing connects to a function by its network interface, so it gains nothing from the rule; whatever else gets the group is open. Low where a function uses the group.",
			"Remove the rule, or name the addresses and the port that are meant.",
			"SecurityGroupIngress:\n  - {IpProtocol: tcp, FromPort: 443, ToPort: 443, SourceSecurityGroupId: !GetAtt LoadBalancer.GroupId}",
			[]string{"CKV_AWS_24", "CKV_AWS_25", "cfn_nag W2", "AVD-AWS-0107"}},
	}
}
