package model

// A Queue is SQS or the like.
type Queue struct {
	Resource
	VisibilityS Value[int]
	RetentionS  Value[int]
	FIFO        Value[bool]
	// DeadLetter is where it puts what was received MaxReceive times.
	DeadLetter Value[Text]
	MaxReceive Value[int]
	KMSKey     Value[Text]
	Statements []*Statement // its resource policy
	PolicyOpen bool
}

// A Topic is SNS, Pub/Sub, Event Grid or the like.
type Topic struct {
	Resource
	KMSKey     Value[Text]
	Statements []*Statement
	PolicyOpen bool
}

// A Bucket is a store of objects: S3, a storage account or container, Cloud Storage.
type Bucket struct {
	Resource
	ACL Value[string] // "public-read", "public-read-write"; Azure's public access "Blob", "Container"
	// BlockPublic is whether public access is blocked whatever the ACL and policy say:
	// all four settings of S3 (absent: they are on since 2023), Google's prevention.
	BlockPublic Value[bool]
	KMSKey      Value[Text]
	Versioned   Value[bool]
	Statements  []*Statement
	PolicyOpen  bool
	// EventBus says whether its events go to EventBridge.
	EventBus Value[bool]
}

// A Table is a table, a stream or a database whose changes can be a trigger.
type Table struct {
	Resource
	Stream     Value[bool] // changes are published
	KMSKey     Value[Text]
	Statements []*Statement
}

// A LogGroup is where logs go.
type LogGroup struct {
	Resource
	RetentionDays Value[int] // absent: for ever
	KMSKey        Value[Text]
}

// An Alarm watches a metric.
type Alarm struct {
	Resource
	Namespace, Metric Value[string]
	// Targets are the dimensions' values, such as a function's name.
	Targets List[Text]
	Actions List[Text]
}

// A Budget is an alarm on money.
type Budget struct {
	Resource
	Limit Value[float64]
	// Notifies is true when someone is told.
	Notifies bool
}

// A SecurityGroup restricts traffic of a network interface.
type SecurityGroup struct {
	Resource
	// Egress absent: everything may go out, which is the default of AWS.
	Egress, Ingress List[Rule]
}

// A Rule of a security group lets traffic through.
type Rule struct {
	Pos
	CIDR     Value[Text] // "0.0.0.0/0", "::/0", or another group
	Protocol Value[string]
	From, To Value[int] // ports
}

// A Parameter is given on deployment.
type Parameter struct {
	Resource
	ParamType string // "String", "Number", "AWS::SSM::Parameter::Value<String>"
	Default   Value[Text]
	// NoEcho is true when its value is not shown: NoEcho, sensitive, secureString.
	NoEcho Value[bool]
	// Allowed are the values it may have, if that is restricted.
	Allowed []string
}
