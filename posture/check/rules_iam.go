package check

import "github.com/fnvet/fnvet"

// The rules about what functions may do.
const (
	iamAdmin            = "config/iam-admin"
	iamWildcardAction   = "config/iam-wildcard-action"
	iamPartialWildcard  = "config/iam-partial-wildcard"
	iamWildcardResource = "config/iam-wildcard-resource"
	iamManaged          = "config/iam-managed-policy"
	iamTemplateWildcard = "config/iam-sam-template-wildcard"
	iamEscalation       = "config/iam-privilege-escalation"
	iamPassRole         = "config/iam-pass-role" // #nosec G101 -- the name of a rule
	iamBulkRead         = "config/iam-bulk-read"
	iamNotAction        = "config/iam-not-action"
	iamNotResource      = "config/iam-not-resource"
	iamTrust            = "config/iam-trust"
	iamTrustService     = "config/iam-trust-service"
	iamTrustCondition   = "config/iam-trust-condition"
	policyCondition     = "config/policy-missing-condition"
	iamSharedRole       = "config/iam-shared-role"
	iamUnknownAction    = "config/iam-unknown-action"
	iamSelfChange       = "config/iam-self-modification"
	iamUnused           = "config/iam-unused-permission"
	iamMissing          = "config/iam-missing-permission"
)

func iamRules() []rule {
	return append(statementRules(), roleRules()...)
}

func statementRules() []rule {
	return []rule{
		{iamAdmin, fnvet.High, overPrivilege, "role may do everything",
			"Whoever makes the function run code of theirs owns the account.",
			"Name the actions that the code calls and the resources it calls them on; fnvet iam prints such a policy.",
			"Policies:\n  - Statement:\n      - Effect: Allow\n        Action: dynamodb:GetItem\n        Resource: !GetAtt Orders.Arn",
			[]string{"CKV_AWS_1", "CKV_AWS_62", "CKV_AWS_63", "cfn_nag F3", "AVD-AWS-0057"}},
		{iamWildcardAction, fnvet.Medium, overPrivilege, "role may do everything that a service offers",
			"Deleting, sharing and changing permissions are among the actions of nearly every service.",
			"List the actions that the code calls.",
			"Action:\n  - s3:GetObject\n  - s3:PutObject",
			[]string{"CKV_AWS_63", "cfn_nag F3", "AVD-AWS-0057"}},
		{iamPartialWildcard, fnvet.Low, overPrivilege, "wildcard in an action covers more than reading",
			"A pattern grows with the service: what AWS adds next year is granted today.",
			"Write out the actions that are meant.",
			"Action:\n  - dynamodb:PutItem\n  - dynamodb:UpdateItem",
			[]string{"AVD-AWS-0057"}},
		{iamWildcardResource, fnvet.Medium, overPrivilege, "action that could be restricted is allowed on every resource",
			"The action can be restricted to some resources, and is not. Actions that know no resources are not reported.",
			"Name the resource.",
			"Effect: Allow\nAction: sqs:SendMessage\nResource: !GetAtt Queue.Arn",
			[]string{"CKV_AWS_111", "CKV_AWS_290", "CKV_AWS_356", "cfn_nag W11", "AVD-AWS-0057"}},
		{iamTemplateWildcard, fnvet.Medium, overPrivilege, "SAM policy template given * for a name",
			"SAM's templates are narrow only as long as they are told for what.",
			"Give the template the resource's name.",
			"Policies:\n  - S3ReadPolicy:\n      BucketName: !Ref Uploads", nil},
		{iamPassRole, fnvet.High, overPrivilege, "any role of the account may be passed on",
			"With iam:PassRole on * a function can start something that runs with any role, an administrator's included.",
			"Name the roles, and the service that they are for in iam:PassedToService.",
			"Effect: Allow\nAction: iam:PassRole\nResource: !GetAtt TaskRole.Arn\nCondition:\n  StringEquals:\n    iam:PassedToService: ecs-tasks.amazonaws.com",
			[]string{"CKV_AWS_110", "CKV_AWS_286", "cfn_nag F38"}},
		{iamBulkRead, fnvet.Medium, overPrivilege, "secrets, parameters, objects or keys can be read in bulk",
			"A function that is taken over reads everything that its role may read, not what it was written to read.",
			"Name the secrets, parameters, buckets or keys.",
			"Effect: Allow\nAction: secretsmanager:GetSecretValue\nResource: !Ref DatabaseSecret",
			[]string{"CKV_AWS_107", "CKV_AWS_108", "CKV_AWS_287", "CKV_AWS_288"}},
		{iamNotAction, fnvet.Medium, overPrivilege, "Allow with NotAction",
			"NotAction allows everything else, in every service, also what AWS adds later.",
			"List what is allowed in Action.",
			"Effect: Allow\nAction: s3:GetObject\nResource: !Sub ${Uploads.Arn}/*", []string{"cfn_nag W15"}},
		{iamNotResource, fnvet.Low, overPrivilege, "Allow with NotResource",
			"NotResource allows the action on all other resources, also those made later.",
			"List what it is allowed on in Resource.",
			"Effect: Allow\nAction: s3:GetObject\nResource: !Sub ${Uploads.Arn}/*",
			[]string{"cfn_nag W21"}},
		{iamUnknownAction, fnvet.Low, overPrivilege, "action that AWS does not know",
			"A misspelt action grants nothing, and a misspelt Deny forbids nothing.",
			"Correct the name.",
			"Action: dynamodb:GetItem",
			[]string{"cfn-lint W3037"}},
	}
}

func roleRules() []rule {
	return []rule{
		{iamManaged, fnvet.Medium, overPrivilege, "broad managed policy",
			"Managed policies of AWS are written for people and for every case. For a function they allow far too much, and they change without notice.",
			"Replace it by a policy with the actions that the code calls.",
			"Policies:\n  - S3ReadPolicy:\n      BucketName: !Ref Uploads\n  - DynamoDBReadPolicy:\n      TableName: !Ref Orders",
			[]string{"CKV_AWS_274", "cfn_nag W43"}},
		{iamEscalation, fnvet.High, overPrivilege, "role can get itself more privileges",
			"The actions together are a published way from this role to more than it was given, often to an administrator's.",
			"Take one of the actions away, or restrict it to resources that lead nowhere.",
			"Effect: Allow\nAction: iam:PassRole\nResource: !GetAtt WorkerRole.Arn\nCondition:\n  StringEquals:\n    iam:PassedToService: lambda.amazonaws.com",
			[]string{"CKV_AWS_110", "CKV_AWS_286", "CKV_GCP_41", "CKV_GCP_49"}},
		{iamSelfChange, fnvet.Medium, overPrivilege, "function may change its own code or role",
			"One injection becomes a back door that stays: the function can be made to replace itself or to allow itself more.",
			"Leave deploying to the pipeline's role.",
			"Effect: Deny\nAction:\n  - lambda:UpdateFunctionCode\n  - lambda:UpdateFunctionConfiguration\nResource: '*'", nil},
		{iamSharedRole, fnvet.Low, overPrivilege, "one role for several functions",
			"Each function may do what any of them needs, so the weakest of them decides for all.",
			"Give each function a role of its own.",
			"Orders:\n  Type: AWS::Serverless::Function   # SAM makes a role for each\n  Properties:\n    Policies:\n      - DynamoDBReadPolicy:\n          TableName: !Ref OrdersTable", nil},
		{iamTrust, fnvet.Medium, overPrivilege, "role can be taken on by more than the function",
			"Whoever may take a function's role on can do all that it may do, without the function.",
			"Trust the function's service alone.",
			"AssumeRolePolicyDocument:\n  Statement:\n    - Effect: Allow\n      Principal: {Service: lambda.amazonaws.com}\n      Action: sts:AssumeRole",
			[]string{"CKV_AWS_60", "CKV_AWS_61"}},
		{iamTrustService, fnvet.Low, overPrivilege, "other services may take a function's role on",
			"A role for several services has the rights that each of them needs, and more ways in.",
			"Make a role for each service.",
			"Principal:\n  Service: lambda.amazonaws.com", nil},
		{iamTrustCondition, fnvet.Low, overPrivilege, "trust in others without a condition",
			"Another account or provider is trusted as a whole; without a condition its other customers or users may come through it.",
			"Ask for an ExternalId, an organisation or a subject.",
			"Condition:\n  StringEquals:\n    sts:ExternalId: !Ref PartnerId", nil},
		{policyCondition, fnvet.Low, overPrivilege, "resource policy lets a service act for any account",
			"The service acts for all its customers. Without aws:SourceArn or aws:SourceAccount any of them can have it write here.",
			"Add the condition.",
			"Condition:\n  ArnEquals:\n    aws:SourceArn: !Ref Topic", nil},
		{iamUnused, fnvet.Low, overPrivilege, "granted and never used",
			"The function's code calls nothing that needs the action. What is not needed only helps an attacker.",
			"Take it away; fnvet iam prints what remains.",
			"# fnvet iam function.zip --template template.yaml", nil},
		{iamMissing, fnvet.Low, overPrivilege, "used and not granted",
			"The code calls what the role does not allow: the call fails, and is then often fixed with a wildcard in haste.",
			"Grant the action on the resource that the code calls it on.",
			"Effect: Allow\nAction: sqs:SendMessage\nResource: !GetAtt Queue.Arn", nil},
	}
}
