// Package model is what a template says of functions and of what is around them,
// in one form for every dialect. The readers (posture/cloudformation, terraform,
// …) fill it and the checks read it; it reads no file and judges nothing.
//
// Conditions are evaluated both ways and independently of each other, so that a
// property may have several values. What could not be resolved is Open and listed
// in Unresolved; nothing is guessed. Everything carries the position it is written at.
package model

import "io/fs"

// A Dialect is a language that templates are written in.
type Dialect string

// The dialects.
const (
	CloudFormation Dialect = "cloudformation"
	SAM            Dialect = "sam"
	Serverless     Dialect = "serverless"
	Terraform      Dialect = "terraform"      // HCL
	TerraformPlan  Dialect = "terraform-plan" // JSON of a plan or state
	IAMPolicy      Dialect = "iam-policy"
	FunctionConfig Dialect = "function-configuration" // as the Lambda API answers
	AzureFunction  Dialect = "azure-function"         // function.json, host.json, local.settings.json, decorators
	ARM            Dialect = "arm"
	Bicep          Dialect = "bicep"
	Knative        Dialect = "knative" // Cloud Run services
	GCloud         Dialect = "gcloud"  // flags files, .env
	Firebase       Dialect = "firebase"
)

// A Cloud is a provider, as fnvet.Function.Cloud has it.
type Cloud string

// The providers.
const (
	AWS    Cloud = "aws"
	Azure  Cloud = "azure"
	Google Cloud = "google"
)

// A Model is one stack: a template with its nested ones, a Terraform directory
// with its local modules, a function app's folder. Links between its parts are by
// logical id, which is unique in a Model over all types of resource.
type Model struct {
	Dialect Dialect
	// Cloud is where most of it goes; each Resource states its own.
	Cloud Cloud
	// Region is where it is deployed, where that is stated: "eu-west-1".
	Region string
	// Account is the account that it is deployed in, where that is stated.
	Account string
	// File is the path of the template or directory, as reports write it.
	File string

	Functions      []*Function
	Roles          []*Role
	Policies       []*Policy // that are attached to no role of the model: a policy document alone, say
	Permissions    []*Permission
	APIs           []*API
	Queues         []*Queue
	Topics         []*Topic
	Buckets        []*Bucket
	Tables         []*Table // also streams and databases that can be a trigger
	LogGroups      []*LogGroup
	Alarms         []*Alarm
	Budgets        []*Budget
	SecurityGroups []*SecurityGroup
	Parameters     []*Parameter
	// Others are resources that no field above is for, by type and name only.
	Others []*Resource
	// Unresolved lists what could not be resolved, in order of position.
	Unresolved []Unresolved
	// Worlds are the models of each way in which conditions may go together, where there
	// are several and few: what is said of the model is to hold in one of them.
	Worlds []*Model
	// Partial is true when a part of the stack was not read (a nested template that
	// is not there, a remote module): what is absent may be in it.
	Partial bool
}

// A Resource is what all parts of a stack have in common.
type Resource struct {
	Pos
	// ID is the logical id: "OrdersFunction", "aws_lambda_function.orders", of a
	// nested stack or module "Nested/OrdersFunction" or "module.a.aws_….orders".
	ID    string
	Cloud Cloud
	Type  string      // as the dialect writes it: "AWS::Lambda::Function", "google_cloudfunctions2_function"
	Name  Value[Text] // of the thing once deployed, where stated
	// Maybe is true when it is created only under a condition.
	Maybe bool
	// Implicit is true when no one wrote it: SAM and serverless make it.
	Implicit bool
	// Tags holds the names of its tags.
	Tags []string
}

// An Unresolved is a place where the template says what could not be worked out.
type Unresolved struct {
	Pos
	What string // the expression, shortened: "Fn::ImportValue vpc-id", "${ssm:/db/url}"
	Why  string
	// Refused is true when it would have left the folder of the template.
	Refused bool
	// Partial is true when it may state resources or permissions, not a mere value.
	Partial bool
}

// A Source is a template and what lies around it. Names are slash-separated and
// relative to the root of FS, which nothing leads out of.
type Source struct {
	Name string // of the template in FS; of the directory for dialects of directories ("." for all)
	Data []byte // of the template; nil for a directory
	FS   fs.FS
	// Report turns a name in FS into the path that reports print.
	Report func(name string) string
}

// Pos is a position in the file of that name.
func (s *Source) Pos(name string, line, column int) Pos {
	if s.Report != nil {
		name = s.Report(name)
	}
	return Pos{File: name, Line: line, Column: column}
}

// What follows is how readers and checks fit together: packages beside this one with these functions:
//
//	func Is(name string, data []byte) bool                       // a cheap look at one file
//	func Read(ctx context.Context, src *Source) (*Model, error)  // what was read, beside the error
//
//	func Run(m *model.Model, c check.Context) []fnvet.Finding    // posture/check
