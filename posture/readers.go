package posture

import (
	"context"

	"github.com/fnvet/fnvet/posture/awsjson"
	"github.com/fnvet/fnvet/posture/azure"
	"github.com/fnvet/fnvet/posture/cloudformation"
	"github.com/fnvet/fnvet/posture/google"
	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/serverless"
	"github.com/fnvet/fnvet/posture/terraform"
)

// A reader is one row of the table of dialects.
type reader struct {
	dialect model.Dialect
	// is tells by name and content, cheaply, whether a file is a template of the
	// dialect. Name is slash-separated.
	is func(name string, data []byte) bool
	// folder is true for dialects where all such files of one folder are one stack;
	// then the Source's Name is the folder and its Data nil.
	folder bool
	// roots chooses among folders those that are a stack of their own; nil: all are.
	roots func(ctx context.Context, src *model.Source, folders []string) []string
	// read gives the model. What was read before a mistake is returned beside the error.
	read func(ctx context.Context, src *model.Source) (*model.Model, error)
}

// readers is the whole table of dialects, the most particular first: the first that
// recognises a file has it.
var readers = [...]reader{
	{dialect: model.Serverless, is: serverless.Is, read: serverless.Read},
	{dialect: model.CloudFormation, is: cloudformation.Is, read: cloudformation.Read},
	{dialect: model.Terraform, is: terraform.Is, folder: true, roots: terraform.Modules, read: terraform.Read},
	{dialect: model.TerraformPlan, is: terraform.IsPlan, read: terraform.ReadPlan},
	{dialect: model.ARM, is: azure.IsARM, read: azure.ReadARM},
	{dialect: model.Bicep, is: azure.IsBicep, read: azure.ReadBicep},
	{dialect: model.AzureFunction, is: azure.IsApp, folder: true, read: azure.ReadApp},
	{dialect: model.Knative, is: google.IsService, read: google.ReadService},
	{dialect: model.Firebase, is: google.IsFirebase, read: google.ReadFirebase},
	{dialect: model.GCloud, is: google.IsAppEngine, read: google.ReadAppEngine},
	{dialect: model.GCloud, is: google.IsFlags, read: google.ReadFlags},
	{dialect: model.FunctionConfig, is: awsjson.IsFunction, read: awsjson.ReadFunction},
	{dialect: model.IAMPolicy, is: awsjson.IsPolicy, read: awsjson.ReadPolicy},
}
