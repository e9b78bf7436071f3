package secrets

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
)

// A planted value is one environment variable and the part of it that is secret.
type planted struct{ name, value, secret string }

func whole(name, value string) planted { return planted{name, value, value} }

func plantedEight() []planted {
	azure := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("q7Zt9Xw2Lk4Vb8Nc", 4)))
	return []planted{
		whole("AWS_SECRET_ACCESS_KEY", "h7Kd92LmQp0VbN4sTzR6yWcE1HgJ5fUa3oXi"+"8Rt2"),
		whole("DB_PASSWORD", "Tr0ub4dor+3x"),
		whole("STRIPE_API_KEY", "sk_"+"live_"+"9aLkQ2xZ7vBn4TyR8mWc5JdH"),
		whole("GITHUB_TOKEN", ghToken),
		whole("JWT_SECRET", "orders-signing-2f9c"),
		{"DATABASE_URL", "postgres://app:Pa55w0rdX9@db.internal:5432/orders", "Pa55w0rdX9"},
		{"AzureWebJobsStorage", "DefaultEndpointsProtocol=https;AccountName=orders;AccountKey=" + azure + ";EndpointSuffix=core.windows.net", azure},
		whole("REDIS_KEY", "b8Nc3Rm5q7Zt9Xw2Lk4V"),
	}
}

// references are values that only point at secrets, stand for them or are none.
func references() []planted {
	var out []planted
	for i, line := range strings.Split(strings.TrimSpace(`
DB_PASSWORD {{resolve:secretsmanager:prod/db:SecretString:password}}
DB_PASSWORD {{resolve:ssm-secure:/prod/db/password:1}}
DB_PASSWORD ${ssm:/prod/db/password}
DB_PASSWORD ${env:DB_PASSWORD}
DB_PASSWORD ${file(./secrets.json):db_password}
DB_PASSWORD ${self:custom.dbPassword}
DB_PASSWORD ${DB_PASSWORD}
DB_PASSWORD ${DB_PASSWORD:?must be set}
DB_PASSWORD $DB_PASSWORD
DB_PASSWORD %DB_PASSWORD%
DB_PASSWORD @Microsoft.KeyVault(SecretUri=https://orders.vault.azure.net/secrets/db/0a1b2c3d4e5f)
DB_PASSWORD @Microsoft.KeyVault(VaultName=orders;SecretName=db-password-2)
DB_PASSWORD projects/123456789/secrets/db-password/versions/7
DB_PASSWORD arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf
DB_PASSWORD arn:aws:ssm:eu-west-1:123456789012:parameter/prod/db/password
DB_PASSWORD vault:secret/data/orders#password
DB_PASSWORD op://prod/orders-db/password
DB_PASSWORD sm://orders-prod/db-password
DB_PASSWORD [parameters('dbPassword')]
DB_PASSWORD [reference(resourceId('Microsoft.KeyVault/vaults','orders')).secret]
DB_PASSWORD <your-password-here>
DB_PASSWORD changeme
DB_PASSWORD REPLACE_ME_2024
DB_PASSWORD xxxxxxxxxxxx
DB_PASSWORD ********
DB_PASSWORD your_password_1
DB_PASSWORD /run/secrets/db_password
API_TOKEN_ENABLED true
USE_SECRET false
PASSWORD_MIN_LENGTH 12
DB_SECRET_NAME prod-orders-db-credentials-2
DB_SECRET_ARN arn:aws:secretsmanager:eu-west-1:123456789012:secret:x-Zy9Xw8
PRIVATE_KEY_PATH /etc/ssl/private/orders-7.key
TOKEN_URL https://login.acme.test/oauth2/v2.0/token
SECRET_ID orders/db/9f8e7d6c5b4a39281706
KMS_KEY_ID 1234abcd-12ab-34cd-56ef-1234567890ab
KMS_KEY_ARN arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab
TABLE_NAME orders-prod-7f3a9c2b1d
QUEUE_URL https://sqs.eu-west-1.amazonaws.com/123456789012/orders-queue-1
PUBLIC_KEY MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE`), "\n") {
		name, value, _ := strings.Cut(line, " ")
		out = append(out, planted{name: fmt.Sprintf("R%d_%s", i, name), value: value})
	}
	return out
}

func list(all []planted, format string) string {
	var b strings.Builder
	for _, p := range all {
		fmt.Fprintf(&b, format, p.name, p.value)
	}
	return strings.TrimSuffix(b.String(), ",\n")
}

// environments are the ways to state environment variables in a file.
func environments() []struct {
	why, name, source string
	write             func([]planted) string
} {
	return []struct {
		why, name, source string
		write             func([]planted) string
	}{
		{"Dockerfile ENV", "Dockerfile", "env", func(p []planted) string { return "FROM scratch\n" + list(p, "ENV %s=\"%s\"\n") }},
		{"Dockerfile ENV, old form", "app/Dockerfile.prod", "env", func(p []planted) string { return "FROM scratch\n" + list(p, "ENV %s %s\n") }},
		{"Dockerfile ARG, continued", "Dockerfile", "env", func(p []planted) string {
			return "FROM scratch\nENV A=1 \\\n" + list(p, "  %s='%s' \\\n") + "  B=2\n" + list(p, "ARG %s=\"%s\"\n")
		}},
		{"compose, mapping", "docker-compose.yml", "template", func(p []planted) string {
			return "services:\n  app:\n    image: app\n    environment:\n" + list(p, "      %s: '%s'\n")
		}},
		{"compose, list", "compose.yaml", "template", func(p []planted) string {
			return "services:\n  app:\n    image: app\n    environment:\n" + list(p, "      - \"%s=%s\"\n")
		}},
		{"SAM", "template.yaml", "template", func(p []planted) string {
			return "AWSTemplateFormatVersion: '2010-09-09'\nTransform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Environment:\n        Variables:\n" + list(p, "          %s: \"%s\"\n")
		}},
		{"CloudFormation JSON", "stack.json", "template", func(p []planted) string {
			return `{"AWSTemplateFormatVersion":"2010-09-09","Resources":{"F":{"Type":"AWS::Lambda::Function","Properties":{"Environment":{"Variables":{` + list(p, "\"%s\":\"%s\",\n") + `}}}}}}`
		}},
		{"serverless.yml", "serverless.yml", "template", func(p []planted) string {
			return "service: orders\nprovider:\n  name: aws\n  environment:\n" + list(p, "    %s: '%s'\n") + "functions: {}\n"
		}},
		{"Terraform", "main.tf", "template", func(p []planted) string {
			return "resource \"aws_lambda_function\" \"f\" {\n  environment {\n    variables = {\n" + list(p, "      %s = \"%s\"\n") + "    }\n  }\n}\n"
		}},
		{"Terraform, Cloud Run", "run.tf", "template", func(p []planted) string {
			return "resource \"google_cloud_run_v2_service\" \"f\" {\n" + list(p, "      env {\n        name  = \"%s\"\n        value = \"%s\"\n      }\n") + "}\n"
		}},
		{"ARM", "azuredeploy.json", "template", func(p []planted) string {
			return `{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","resources":[{"properties":{"siteConfig":{"appSettings":[` + list(p, "{\"name\":\"%s\",\"value\":\"%s\"},\n") + `]}}}]}`
		}},
		{"Bicep", "main.bicep", "template", func(p []planted) string {
			return "resource f 'Microsoft.Web/sites@2022-03-01' = {\n  properties: { siteConfig: { appSettings: [\n" + list(p, "    { name: '%s'\n      value: '%s' }\n") + "  ] } }\n}\n"
		}},
		{"function configuration", "function.json", "template", func(p []planted) string {
			return `{"FunctionName":"orders","Environment":{"Variables":{` + list(p, "\"%s\":\"%s\",\n") + `}}}`
		}},
		{"Azure local settings", "local.settings.json", "template", func(p []planted) string {
			return `{"IsEncrypted":false,"Values":{` + list(p, "\"%s\":\"%s\",\n") + `}}`
		}},
		{"appsettings", "appsettings.json", "file", func(p []planted) string { return `{ // settings` + "\n" + list(p, "\"%s\":\"%s\",\n") + `,}` }},
		{"Knative", "service.yaml", "template", func(p []planted) string {
			return "apiVersion: serving.knative.dev/v1\nkind: Service\nspec:\n  template:\n    spec:\n      containers:\n      - env:\n" + list(p, "        - name: %s\n          value: '%s'\n")
		}},
		{"ECS task", "task.json", "template", func(p []planted) string {
			return `{"containerDefinitions":[{"environment":[` + list(p, "{\"value\":\"%[2]s\",\"name\":\"%[1]s\"},\n") + `]}]}`
		}},
		{"dotenv", ".env", "env", func(p []planted) string { return list(p, "%s=%s\n") }},
		{"dotenv, exported", "prod.env", "env", func(p []planted) string { return list(p, "export %s=\"%s\" # prod\n") }},
	}
}

func TestEnvironmentFormats(t *testing.T) {
	s := newScanner(t)
	for _, tt := range environments() {
		found := find(t, s, file(tt.name, tt.write(plantedEight())))
		hashes := map[string]fnvet.Finding{}
		for _, f := range found {
			hashes[f.Secret.Hash] = f
		}
		for _, p := range plantedEight() {
			f, ok := hashes[s.hash([]byte(p.secret))]
			if !ok || f.Secret.Confidence == fnvet.ConfidenceLow { // low does not block
				t.Errorf("%s: %s is not found (%+v)", tt.why, p.name, f.Secret)
			} else if f.Secret.Source != tt.source {
				t.Errorf("%s: %s: source %q, want %q", tt.why, p.name, f.Secret.Source, tt.source)
			}
		}
		if len(references()) != 40 {
			t.Fatalf("%d references", len(references()))
		}
		for _, f := range find(t, s, file(tt.name, tt.write(references()))) {
			t.Errorf("%s: line %d: %s %s is a reference", tt.why, f.Line, f.ID, f.Secret.Name)
		}
	}
}

// TestEnvironmentOffsets checks that the places found are those of the values.
func TestEnvironmentOffsets(t *testing.T) {
	s := newScanner(t)
	for _, tt := range environments() {
		data := tt.write(plantedEight())
		for _, f := range find(t, s, file(tt.name, data)) {
			at := data[f.Secret.Start:f.Secret.End]
			if f.Secret.Hash != s.hash([]byte(at)) || strings.Count(data[:f.Secret.Start], "\n")+1 != f.Line {
				t.Errorf("%s: %s stands at %q, line %d", tt.why, f.Secret.Name, at, f.Line)
			}
		}
	}
}

// TestUnquoted: the short way to read a JSON string gives what encoding/json does.
func TestUnquoted(t *testing.T) {
	short := 0
	for _, s := range []string{
		"", "plain", `a\"b\\c\/d`, `\n\r\t\b\f`, `\u0041`, `\ud83d\ude00`, `é\n`, "a\tb", "\x7f", `\x41`, `\`, `a\`, "\x00", `\'`, "\xff\\n",
	} {
		want := s
		if json.Unmarshal([]byte(`"`+s+`"`), &want) != nil {
			want = s
		}
		if got := unescaped([]byte(`"`+s+`"`), s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
		if _, ok := unquoted(s); ok {
			short++
		}
	}
	if short != 5 {
		t.Errorf("%d strings were read the short way, want 5", short)
	}
}
