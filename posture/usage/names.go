package usage

import (
	"strings"

	"github.com/fnvet/fnvet/posture/data"
)

// prefixes are the services whose name in SDKs is not their prefix in IAM, by the
// name in lower case without hyphens and underscores.
var prefixes = map[string]string{
	"cloudwatchlogs": "logs", "sfn": "states", "stepfunctions": "states", "eventbridge": "events", "cloudwatchevents": "events",
	"cognitoidentityprovider": "cognito-idp", "cognitoidp": "cognito-idp", "cognitoidentity": "cognito-identity", "cognitosync": "cognito-sync",
	"sesv2": "ses", "email": "ses", "bedrockruntime": "bedrock", "bedrockagentruntime": "bedrock", "bedrockagent": "bedrock",
	"apigatewaymanagementapi": "execute-api", "dynamodbstreams": "dynamodb", "elasticsearch": "es", "elasticsearchservice": "es", "opensearch": "es",
	"iotdataplane": "iot", "iotdata": "iot", "rdsdata": "rds-data", "rdsdataservice": "rds-data", "cloudwatch": "cloudwatch", "monitoring": "cloudwatch",
	"appconfigdata": "appconfig", "kinesisvideo": "kinesisvideo", "costexplorer": "ce", "lexruntimev2": "lex", "lexruntimeservice": "lex",
	"elasticloadbalancingv2": "elasticloadbalancing", "elbv2": "elasticloadbalancing", "elb": "elasticloadbalancing", "emr": "elasticmapreduce",
	"efs": "elasticfilesystem", "acm": "acm", "kinesisanalyticsv2": "kinesisanalytics", "transcribeservice": "transcribe", "translate": "translate",
	"sagemakerruntime": "sagemaker", "location": "geo", "applicationautoscaling": "application-autoscaling", "servicediscovery": "servicediscovery",
	"configservice": "config", "ec2instanceconnect": "ec2-instance-connect", "secretsmanager": "secretsmanager", "parameterstore": "ssm",
	"dynamodbv2": "dynamodb", "simpleemail": "ses", "simpleemailv2": "ses", "simplesystemsmanagement": "ssm", "stepfunction": "states",
	"codecommit": "codecommit", "athena": "athena", "awslambda": "lambda", "timestreamwrite": "timestream", "timestreamquery": "timestream",
	"chimesdkmessaging": "chime", "pinpoint": "mobiletargeting", "ssooidc": "sso-oauth", "documentclient": "dynamodb",
}

// prefix returns the IAM prefix of a service as an SDK names it: "client-sqs" is
// cut by the caller; "" when it is none that is known.
func prefix(c *data.Catalog, sdk string) string {
	name := strings.ToLower(sdk)
	plain := strings.NewReplacer("-", "", "_", "", ".", "").Replace(name)
	if p, ok := prefixes[plain]; ok {
		return p
	}
	for _, p := range []string{name, plain} {
		if c.Service(p) {
			return p
		}
	}
	return ""
}

// odd are methods whose action has another name, by "prefix:method" in lower case
// without underscores. An action that begins with "?" depends on the arguments; "-"
// needs no permission. As the service authorization reference and the services'
// guides state them.
var odd = map[string]string{
	"s3:listobjects": "s3:ListBucket", "s3:listobjectsv2": "s3:ListBucket", "s3:headbucket": "s3:ListBucket", "s3:objects": "s3:ListBucket",
	"s3:listbuckets": "s3:ListAllMyBuckets", "s3:headobject": "s3:GetObject", "s3:downloadfile": "s3:GetObject", "s3:downloadfileobj": "s3:GetObject",
	"s3:selectobjectcontent": "s3:GetObject", "s3:getobjectattributes": "s3:GetObjectAttributes s3:GetObject",
	"s3:copyobject": "s3:GetObject s3:PutObject", "s3:copy": "s3:GetObject s3:PutObject", "s3:uploadpartcopy": "s3:GetObject s3:PutObject",
	"s3:upload": "s3:PutObject", "s3:uploadfile": "s3:PutObject", "s3:uploadfileobj": "s3:PutObject", "s3:createmultipartupload": "s3:PutObject",
	"s3:uploadpart": "s3:PutObject", "s3:completemultipartupload": "s3:PutObject", "s3:deleteobjects": "s3:DeleteObject",
	"s3:listobjectversions": "s3:ListBucketVersions", "s3:listmultipartuploads": "s3:ListBucketMultipartUploads", "s3:listparts": "s3:ListMultipartUploadParts",
	"s3:getbucketencryption": "s3:GetEncryptionConfiguration", "s3:putbucketencryption": "s3:PutEncryptionConfiguration",
	"s3:getbucketlifecycleconfiguration": "s3:GetLifecycleConfiguration", "s3:putbucketlifecycleconfiguration": "s3:PutLifecycleConfiguration",
	"s3:getbucketnotificationconfiguration": "s3:GetBucketNotification", "s3:putbucketnotificationconfiguration": "s3:PutBucketNotification",
	"s3:getbucketcors": "s3:GetBucketCORS", "s3:putbucketcors": "s3:PutBucketCORS",
	"dynamodb:transactgetitems": "dynamodb:GetItem", "dynamodb:transactget": "dynamodb:GetItem",
	"dynamodb:transactwriteitems": "?dynamodb:PutItem ?dynamodb:UpdateItem ?dynamodb:DeleteItem ?dynamodb:ConditionCheckItem",
	"dynamodb:transactwrite":      "?dynamodb:PutItem ?dynamodb:UpdateItem ?dynamodb:DeleteItem ?dynamodb:ConditionCheckItem",
	"dynamodb:executestatement":   "?dynamodb:PartiQLSelect ?dynamodb:PartiQLInsert ?dynamodb:PartiQLUpdate ?dynamodb:PartiQLDelete",
	"dynamodb:executetransaction": "?dynamodb:PartiQLSelect ?dynamodb:PartiQLInsert ?dynamodb:PartiQLUpdate ?dynamodb:PartiQLDelete",
	"dynamodb:get":                "dynamodb:GetItem", "dynamodb:put": "dynamodb:PutItem", "dynamodb:update": "dynamodb:UpdateItem", "dynamodb:delete": "dynamodb:DeleteItem",
	"dynamodb:batchget": "dynamodb:BatchGetItem", "dynamodb:batchwrite": "dynamodb:BatchWriteItem", "dynamodb:batchwriter": "dynamodb:BatchWriteItem",
	"lambda:invoke": "lambda:InvokeFunction", "lambda:invokeasync": "lambda:InvokeFunction", "lambda:invokewithresponsestream": "lambda:InvokeFunction",
	"sqs:sendmessagebatch": "sqs:SendMessage", "sqs:deletemessagebatch": "sqs:DeleteMessage", "sqs:changemessagevisibilitybatch": "sqs:ChangeMessageVisibility",
	"sqs:sendmessages": "sqs:SendMessage", "sqs:receivemessages": "sqs:ReceiveMessage", "sqs:getqueuebyname": "sqs:GetQueueUrl",
	"sns:publishbatch": "sns:Publish", "execute-api:posttoconnection": "execute-api:ManageConnections", "execute-api:getconnection": "execute-api:ManageConnections",
	"execute-api:deleteconnection": "execute-api:ManageConnections", "bedrock:converse": "bedrock:InvokeModel",
	"bedrock:conversestream": "bedrock:InvokeModelWithResponseStream", "sts:getcalleridentity": "-",
	"kms:reencrypt": "kms:ReEncryptFrom kms:ReEncryptTo", "sts:getsessiontoken": "-",
}

// actions returns the IAM actions of a method of a service, and which of them
// depend on its arguments; known is false when the method is none of the service's.
func actions(c *data.Catalog, service, method string) (sure, maybe []string, known bool) {
	m := strings.ToLower(strings.ReplaceAll(method, "_", ""))
	if o, ok := odd[service+":"+m]; ok {
		for a := range strings.FieldsSeq(o) {
			if a == "-" {
				continue
			}
			if rest, depends := strings.CutPrefix(a, "?"); depends {
				maybe = append(maybe, rest)
			} else {
				sure = append(sure, a)
			}
		}
		return sure, maybe, true
	}
	if a, ok := c.Action(service + ":" + m); ok {
		return []string{a.String()}, nil, true
	}
	return nil, nil, false
}

// wrappers are libraries that call AWS on the function's behalf, as imports name them.
var wrappers = []string{
	"dynamoose", "dynamodb-toolbox", "electrodb", "@middy/ssm", "@middy/secrets-manager", "@middy/s3", "@middy/sts", "@middy/appconfig", "@middy/dynamodb",
	"@aws-lambda-powertools/parameters", "@aws-lambda-powertools/idempotency", "@aws-lambda-powertools/batch", "aws-amplify", "s3-streams", "multer-s3", "sqs-consumer", "sns-validator",
	"pynamodb", "s3fs", "smart_open", "awswrangler", "aws_lambda_powertools.utilities", "aws_secretsmanager_caching", "cloudpathlib", "moto", "chalice", "zappa", "langchain_aws", "sagemaker", "opensearchpy",
}

func wraps(module string) bool {
	for _, w := range wrappers {
		if module == w || strings.HasPrefix(module, w+"/") || strings.HasPrefix(module, w+".") {
			return true
		}
	}
	return false
}
