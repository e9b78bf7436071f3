package check

import "github.com/fnvet/fnvet"

// The rules about who may call functions.
const (
	urlAuthNone      = "config/url-auth-none"
	permissionPublic = "config/permission-public"
	permissionSource = "config/permission-without-source"
	routeNoAuth      = "config/route-without-auth"
	authorizerUnused = "config/authorizer-unused"
	apiKeyOnly       = "config/api-key-only" // #nosec G101 -- the name of a rule
	publicSource     = "config/public-trigger-source"
	noValidation     = "config/no-request-validation"
	codeBucket       = "config/code-in-public-bucket"
	httpsOnly        = "config/https-not-required"
	minTLS           = "config/old-tls"
	corsWildcard     = "config/cors-any-origin"
	publicInvoker    = "config/public-invoker"
	ingressAll       = "config/ingress-all"
)

func exposureRules() []rule {
	return []rule{
		{urlAuthNone, fnvet.Medium, brokenAuth, "function URL without authentication",
			"Anyone who learns the address can call the function, as often as they like.",
			"Set AuthType to AWS_IAM, or put an API with an authorizer in front.",
			"FunctionUrlConfig:\n  AuthType: AWS_IAM",
			[]string{"CKV_AWS_258"}},
		{permissionPublic, fnvet.High, brokenAuth, "everyone may invoke the function",
			"The function's resource policy names no one in particular: every account of AWS may call it.",
			"Name the principal, and the source it comes from.",
			"Principal: s3.amazonaws.com\nSourceArn: !GetAtt Uploads.Arn\nSourceAccount: !Ref AWS::AccountId",
			[]string{"CKV_AWS_301", "cfn_nag F13"}},
		{permissionSource, fnvet.Medium, brokenAuth, "a service may invoke the function for any account",
			"Without SourceArn or SourceAccount any customer of the service can point theirs at this function.",
			"Say which resource of which account it is for.",
			"Principal: events.amazonaws.com\nSourceArn: !GetAtt Rule.Arn",
			[]string{"CKV_AWS_364", "AVD-AWS-0067"}},
		{routeNoAuth, fnvet.Low, brokenAuth, "route without authentication",
			"The route reaches the function without credentials. Leave it so only where everyone is meant.",
			"Attach an authorizer or ask for IAM.",
			"Auth:\n  DefaultAuthorizer: Users\n  Authorizers:\n    Users:\n      UserPoolArn: !GetAtt UserPool.Arn",
			[]string{"CKV_AWS_309", "AVD-AWS-0004"}},
		{authorizerUnused, fnvet.Low, brokenAuth, "authorizer that guards nothing",
			"An authorizer is declared and attached to no route: whoever reads the template believes that there is a guard.",
			"Make it the default, or attach it to the routes.",
			"Auth:\n  DefaultAuthorizer: Users", nil},
		{apiKeyOnly, fnvet.Low, brokenAuth, "API key as the only guard",
			"API keys count usage. They are shared, never expire and end up in clients.",
			"Attach an authorizer, and keep the key for usage plans.",
			"Auth:\n  Authorizer: Users\n  ApiKeyRequired: true", nil},
		{publicSource, fnvet.High, brokenAuth, "anyone can write to what starts the function",
			"The bucket, queue or topic takes data of everyone, so everyone can start the function with data of their choice.",
			"Close the source, and let only those write who must.",
			"PublicAccessBlockConfiguration:\n  BlockPublicAcls: true\n  BlockPublicPolicy: true\n  IgnorePublicAcls: true\n  RestrictPublicBuckets: true",
			[]string{"CKV_AWS_168", "CKV_AWS_169", "CKV_AWS_53", "CKV_GCP_99"}},
		{noValidation, fnvet.Info, brokenAuth, "requests are not validated",
			"A REST API can refuse what does not fit a model before the function is paid for.",
			"Add a request validator and a model.",
			"RequestModel:\n  Model: Order\n  Required: true\n  ValidateBody: true", []string{"CKV2_AWS_53"}},
		{codeBucket, fnvet.High, brokenAuth, "code in a public bucket",
			"Whoever can read the bucket has the code and what is in it; whoever can write it has the function.",
			"Close the bucket.",
			"PublicAccessBlockConfiguration:\n  BlockPublicAcls: true\n  BlockPublicPolicy: true\n  IgnorePublicAcls: true\n  RestrictPublicBuckets: true",
			[]string{"CKV_AWS_53", "CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56"}},
		{httpsOnly, fnvet.Medium, brokenAuth, "plain http is answered",
			"Keys and data of a function app go over the network in the clear.",
			"Set httpsOnly.",
			"# Bicep\nproperties: {\n  httpsOnly: true\n}",
			[]string{"CKV_AZURE_70"}},
		{minTLS, fnvet.Medium, brokenAuth, "old version of TLS",
			"TLS 1.0 and 1.1 are broken and withdrawn.",
			"Ask for TLS 1.2 at least.",
			"# Bicep\nsiteConfig: {\n  minTlsVersion: '1.2'\n}",
			[]string{"CKV_AZURE_145", "CKV_AWS_206"}},
		{corsWildcard, fnvet.Info, brokenAuth, "every web page may call it from a browser",
			"With credentials, any page that a user visits acts in their name.",
			"Name the origins.",
			"Cors:\n  AllowOrigins: [https://shop.example]\n  AllowCredentials: true", []string{"CKV_AZURE_57"}},
		{publicInvoker, fnvet.Medium, brokenAuth, "everyone may invoke the function",
			"allUsers is everyone; allAuthenticatedUsers is everyone with a Google account.",
			"Bind the invoker's role to the service accounts that call it.",
			"# Terraform\nmember = google_service_account.caller.member",
			[]string{"CKV_GCP_107", "CKV_GCP_102"}},
		{ingressAll, fnvet.Info, brokenAuth, "requests from every network are taken",
			"The function answers the internet, also where only a load balancer or the own network is meant to call it.",
			"Restrict the ingress.",
			"# Terraform\ningress_settings = \"ALLOW_INTERNAL_AND_GCLB\"",
			[]string{"CKV_GCP_124"}},
	}
}
