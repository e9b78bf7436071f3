package model

import "github.com/fnvet/fnvet"

// A Function is one serverless function. For Google a service of Cloud Run is one,
// too. What all functions of an Azure function app share is repeated in each.
type Function struct {
	Resource

	// App is the id of the Azure function app that it shares with others, or "".
	App           string
	Runtime       Value[string] // as the provider writes it: "nodejs22.x", "python|3.12" is "python3.12"
	Handler       Value[string]
	PackageType   Value[string] // "Zip" or "Image"
	Architectures List[Text]    // "x86_64", "arm64"
	Code          Code

	TimeoutS    Value[int]
	MemoryMB    Value[int]
	EphemeralMB Value[int] // size of /tmp
	// Concurrency is the most that run at once: reserved concurrency, max instances,
	// the scale limit of an app.
	Concurrency Value[int]
	// Provisioned is what is kept warm: provisioned concurrency, min instances.
	Provisioned Value[int]
	// PerInstance is how many requests one instance takes at once (Google).
	PerInstance Value[int]

	Env     []Variable
	EnvOpen bool // there may be others
	Layers  List[Text]
	Network *Network // nil: none is stated
	Tracing Value[string]
	KMSKey  Value[Text] // of the environment
	// CodeSigning is the code signing configuration.
	CodeSigning Value[Text]
	LogGroup    Value[Text]
	LogFormat   Value[string]

	// Role is as stated; Roles are the ids of those in the model it may be.
	Role  Value[Text]
	Roles []string

	DeadLetter Value[Text] // of asynchronous calls
	OnFailure  Value[Text] // destination of asynchronous calls
	OnSuccess  Value[Text]
	Retries    Value[int] // of asynchronous calls
	MaxAgeS    Value[int] // of asynchronous events

	Triggers []*Trigger
	// Outputs are what the platform writes for it (bindings of Azure). What AWS and
	// Google functions write follows from their roles and variables.
	Outputs []Output
	// Endpoint is its own address: a Lambda function URL, the site of an Azure app, a
	// Google function's or service's URL. nil: none.
	Endpoint *Endpoint
	// Authorizer is true when the function itself is an authorizer of an API.
	Authorizer bool
}

// Code says where the code of a function is.
type Code struct {
	Pos
	// Path is a local file or folder, relative to the root of the model's Source.
	Path Value[Text]
	// Bucket and Key are where it is deployed from.
	Bucket, Key Value[Text]
	Image       Value[Text] // of an image function
	Inline      bool        // ZipFile in the template itself
	// Patterns are what is packed, "!" before what is not (serverless).
	Patterns []string
}

// A Variable is one environment variable, or app setting, of a function.
type Variable struct {
	Pos   // of the value
	Name  string
	Value Value[Text]
}

// A Network is how a function is attached to a private network.
type Network struct {
	Pos
	Subnets        List[Text]
	SecurityGroups List[Text]
	// Egress is Google's vpc egress setting.
	Egress Value[string]
	// Maybe is true when it is attached only under a condition.
	Maybe bool
}

// An Endpoint is an address of a function's own.
type Endpoint struct {
	Pos
	Auth Value[string] // "NONE" or "AWS_IAM"
	CORS *CORS
	// Invokers are the principals that may call it: "allUsers".
	Invokers  List[Text]
	Ingress   Value[string] // Google: "all", "internal-only", "internal-and-gclb"
	HTTPSOnly Value[bool]
	MinTLS    Value[string] // "1.0", "1.2"
	// ClientCerts says whether callers must have a certificate.
	ClientCerts Value[bool]
	// Limited is true when networks or addresses are restricted (Azure ipSecurityRestrictions).
	Limited bool
	Maybe   bool
}

// CORS is what browsers may do.
type CORS struct {
	Pos
	Origins, Methods, Headers List[Text]
	Credentials               Value[bool]
}

// An Output is a place that the platform writes to on the function's behalf.
type Output struct {
	Pos
	Kind   fnvet.TriggerKind
	Target Value[Text] // queue, topic, table or account as Trigger.Source writes it
	Key    Value[Text] // path of blobs: "out/{name}"
}

// A Trigger is one thing that starts a function.
type Trigger struct {
	Pos
	ID   string // of the event or mapping
	Type string // as the dialect writes it: "Api", "AWS::Lambda::EventSourceMapping", "blobTrigger"
	Kind fnvet.TriggerKind
	// Source is the bucket, queue, topic, stream, table or bus, by reference, ARN or name.
	Source Value[Text]
	// API is the id of the API in the model, or "" when it is elsewhere or none.
	API string
	// Route is set for HTTP triggers.
	Route *Route

	// Events are what it listens for: "s3:ObjectCreated:*", "OBJECT_FINALIZE".
	Events List[Text]
	// Prefix and Suffix restrict the keys of objects (or a path of blobs).
	Prefix, Suffix Value[Text]
	// Filtered is true when a pattern or filter policy restricts the events otherwise.
	Filtered bool
	Schedule Value[string] // "rate(5 minutes)", "cron(…)", Azure's and Google's six or five fields

	BatchSize   Value[int]
	WindowS     Value[int] // batching window
	Concurrency Value[int] // most that this source runs at once
	// Retries is of a stream: -1 without end.
	Retries Value[int]
	// MaxAgeS is of a stream's records: -1 without end.
	MaxAgeS    Value[int]
	Bisect     Value[bool]
	OnFailure  Value[Text] // destination, or dead-letter queue of the rule or subscription
	Enabled    Value[bool] // absent: yes
	Partial    Value[bool] // reports of failed items of a batch
	Connection Value[Text] // Azure: name of the setting with the connection
	Maybe      bool        // only under a condition
}
