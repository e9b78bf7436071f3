package fnvet

// A Function is a serverless function as a template, an API or an image states
// it, with what more than one step needs: the posture step fills it, and the
// steps that follow imports, check the handler or trace event data read it. What
// is not stated, or could not be resolved, is empty.
type Function struct {
	// Name is the logical name in the template, or that of the artifact's own
	// configuration. Resource in findings has the same value.
	Name string
	// Path and Line say where it is stated; Path is "" for the artifact's own configuration.
	Path string
	Line int
	// Cloud is "aws", "azure" or "google".
	Cloud string
	// Runtime is as the provider writes it: "nodejs22.x".
	Runtime string
	// Handler is as the provider writes it: "src/index.handler".
	Handler string
	// Architectures holds "x86_64", "arm64".
	Architectures []string
	// Root is the folder of the artifact that holds the code: slash-separated, "" for the top.
	Root string
	// Sure is false when the template may mean the code of another artifact.
	Sure bool
	// Triggers are what can start it, in the template's order.
	Triggers []Trigger
	// Grants is what its role allows.
	Grants []Grant
	// Env holds the names of its environment variables.
	Env []string
}

// A TriggerKind says what sort of event starts a function.
type TriggerKind string

// The kinds of triggers, over all clouds.
const (
	TriggerHTTP     TriggerKind = "http"     // API Gateway, ALB, HTTP triggers of Azure and Google
	TriggerURL      TriggerKind = "url"      // Lambda function URL
	TriggerBucket   TriggerKind = "bucket"   // S3, Blob, Cloud Storage
	TriggerTopic    TriggerKind = "topic"    // SNS, Pub/Sub, Event Grid, Service Bus topic
	TriggerQueue    TriggerKind = "queue"    // SQS, MQ, Storage and Service Bus queues
	TriggerStream   TriggerKind = "stream"   // Kinesis, Kafka, Event Hubs
	TriggerTable    TriggerKind = "table"    // DynamoDB streams, Cosmos, Firestore, DocumentDB
	TriggerBus      TriggerKind = "bus"      // EventBridge rules, Eventarc
	TriggerSchedule TriggerKind = "schedule" // nothing of an attacker in it
	TriggerIdentity TriggerKind = "identity" // Cognito, authorizers
	TriggerIoT      TriggerKind = "iot"
	TriggerMail     TriggerKind = "mail" // SES
	TriggerLogs     TriggerKind = "logs" // CloudWatch Logs subscriptions
	TriggerOther    TriggerKind = "other"
)

// A Trigger is one thing that starts a function.
type Trigger struct {
	Kind TriggerKind
	// Public is true when anyone can fire it without credentials of the account.
	Public bool
	// Resource is the logical name or ARN of the API, bucket, queue and so on.
	Resource string
	Path     string
	Line     int
}

// A Grant is one Allow statement of a function's role, as written. What could not
// be resolved is left out of the lists and makes Open true.
type Grant struct {
	Actions   []string // "s3:GetObject", "s3:*"
	Resources []string
	Open      bool
	Path      string
	Line      int
}

// A RolePolicy is the IAM policy that a function needs for what its code calls and
// what the platform does in its name.
type RolePolicy struct {
	// Function is the logical name, "" for code that no template speaks of.
	Function string
	Document []byte // JSON, as IAM and templates take it
	// Named holds words in resources that stand for names nothing states: "TableName".
	Named []string
	// Unsure holds actions that the code may call.
	Unsure []string
	// Missing holds actions that the code calls and the role does not allow.
	Missing []string
	// Open says why there may be calls that were not found, "" when there are none.
	Open  string
	Files int // of code that were read
}
