package terraform

import (
	"strings"

	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/terraform/eval"
)

// part is a link as the model has it.
func (b *builder) part(ref eval.Ref) model.Part {
	kind, id, attr := b.classify(ref)
	return model.Part{Ref: &model.Ref{Kind: kind, ID: id, Attr: attr}}
}

func (b *builder) classify(ref eval.Ref) (model.RefKind, string, string) {
	local := ref.Address[moduleEnd(ref.Address):]
	typ, _, _ := strings.Cut(strings.TrimPrefix(local, "data."), ".")
	data := strings.HasPrefix(local, "data.")
	switch {
	case strings.HasPrefix(ref.Address, "var."):
		return model.RefParameter, ref.Address, ref.Attr
	case strings.HasPrefix(local, "terraform") && !data, data && pseudo(typ):
		return model.RefPseudo, ref.Address, ref.Attr
	case secretValue(typ, ref.Attr, data):
		return model.RefDynamic, ref.Address, ref.Attr
	case typ == "aws_ssm_parameter" && ref.Attr == "value":
		if r := b.find(ref.Address); r != nil && one(b.of(r).get("type").str()) == "SecureString" {
			return model.RefDynamic, ref.Address, ref.Attr
		}
		return model.RefSetting, ref.Address, ref.Attr
	case data && (typ == "terraform_remote_state" || typ == "aws_cloudformation_export" || typ == "tfe_outputs"):
		return model.RefImport, ref.Address, ref.Attr
	case b.calls[ref.Address] != "":
		return model.RefResource, ref.Address, outputAttr(ref.Attr)
	}
	r := b.find(ref.Address)
	if r == nil || r.Mode == "data" {
		return model.RefOther, ref.Address, ref.Attr
	}
	return model.RefResource, r.Address, attrName(typ, ref.Attr)
}

// find is the resource of an address; an address without the key of an instance
// means the first.
func (b *builder) find(address string) *eval.Resource {
	if r := b.byAddress[address]; r != nil {
		return r
	}
	if r := b.byBase[address]; r != nil {
		return r
	}
	return b.byBase[eval.Plain(address)]
}

// moduleEnd is where the modules of an address end: module.a.module.b["k"].
func moduleEnd(address string) int {
	at := 0
	for strings.HasPrefix(address[at:], "module.") {
		rest := address[at+len("module."):]
		i := strings.IndexAny(rest, ".[")
		if i < 0 {
			return len(address)
		}
		if rest[i] == '[' {
			j := strings.Index(rest[i:], "].")
			if j < 0 {
				return len(address)
			}
			i += j + 1
		}
		at += len("module.") + i + 1
	}
	return at
}

// pseudo are data sources of where it is deployed.
func pseudo(typ string) bool {
	switch typ {
	case "aws_caller_identity", "aws_region", "aws_partition", "aws_iam_account_alias", "aws_availability_zones", "aws_default_tags", "aws_regions",
		"azurerm_client_config", "azurerm_subscription", "azuread_client_config", "google_project", "google_client_config", "google_projects":
		return true
	}
	return false
}

// secretValue reports an attribute that is a secret's plain text, which the state
// and whatever it is put into then hold.
func secretValue(typ, attr string, data bool) bool {
	last := attr[strings.LastIndexByte(attr, '.')+1:]
	switch typ {
	case "aws_secretsmanager_secret_version":
		return strings.HasPrefix(attr, "secret_string") || strings.HasPrefix(attr, "secret_binary")
	case "random_password":
		return attr == "result" || attr == "bcrypt_hash"
	case "aws_secretsmanager_random_password":
		return attr == "random_password"
	case "google_secret_manager_secret_version", "google_secret_manager_secret_version_access":
		return attr == "secret_data"
	case "azurerm_key_vault_secret":
		return attr == "value"
	case "aws_iam_access_key":
		return attr == "secret" || attr == "ses_smtp_password_v4"
	case "aws_kms_secrets", "aws_kms_secret":
		return data
	case "google_service_account_key":
		return attr == "private_key"
	case "tls_private_key":
		return strings.HasPrefix(attr, "private_key")
	case "azurerm_storage_account":
		return strings.HasSuffix(last, "access_key") || strings.HasSuffix(last, "connection_string")
	}
	return strings.HasPrefix(typ, "vault_") && data && strings.HasPrefix(attr, "data")
}

// attrNames are what the model calls attributes; "" is for a type's id.
var attrNames = map[string]map[string]string{
	"aws_lambda_function":       {"qualified_arn": "arn", "invoke_arn": "arn", "function_name": "name", "id": "name"},
	"aws_lambda_alias":          {"invoke_arn": "arn"},
	"aws_s3_bucket":             {"id": "name", "bucket": "name"},
	"aws_sqs_queue":             {"id": "url"},
	"aws_sns_topic":             {"id": "arn"},
	"aws_dynamodb_table":        {"id": "name", "stream_arn": "stream"},
	"aws_kinesis_stream":        {"id": "arn"},
	"aws_iam_role":              {"id": "name"},
	"aws_iam_policy":            {"id": "arn"},
	"aws_cloudwatch_log_group":  {"id": "name"},
	"aws_secretsmanager_secret": {"id": "arn"},
	"google_storage_bucket":     {"id": "name"},
	"google_service_account":    {"member": "email"},
}

func attrName(typ, attr string) string {
	if n, ok := attrNames[typ][attr]; ok {
		return n
	}
	return attr
}

// outputAttr is what an output of a well-known module is of.
func outputAttr(output string) string {
	switch {
	case strings.HasSuffix(output, "_arn"):
		return "arn"
	case strings.HasSuffix(output, "_name"):
		return "name"
	}
	return output
}
