package secrets

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
)

func TestSettings(t *testing.T) {
	s := newScanner(t)
	for _, tt := range []struct{ name, value, want, why string }{
		{"AWS_ACCESS_KEY_ID", awsKey, "aws-access-token", "a format; the name says id"},
		{"GITHUB_TOKEN", ghToken, "github-pat", "a format beats the name"},
		{"DB_PASSWORD", "hunter2hunter", "plain-setting", "a name"},
		{"dbPassword", "Zx8-kk", "plain-setting", "camel case, short"},
		{"SPRING_DATASOURCE_PASSWORD", "s3cr3t!pw", "plain-setting", "a name"},
		{"STRIPE_API_KEY", "whatever-1234", "plain-setting", "an API key of no known format"},
		{"JWT_SECRET", "my jwt secret 1", "plain-setting", "with spaces"},
		{"DATABASE_URL", "postgres://app:Pa55w0rdX@db:5432/x", "url-password", "a password in a URL"},
		{"/bin/sh -c #(nop)", "ENV API_TOKEN=ab12cd34ef A=1", "plain-setting", "an instruction of the history"},
		{"history", "|1 NPM_TOKEN=" + npmToken + " /bin/sh -c npm ci", "npm-access-token", "a build argument in the history"},
		{"DB_PASSWORD", "", "", "empty"},
		{"DB_PASSWORD", "${DB_PASSWORD}", "", "a shell reference"},
		{"DB_PASSWORD", "{{resolve:secretsmanager:prod/db:SecretString:password}}", "", "a CloudFormation reference"},
		{"DB_PASSWORD", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf", "", "an ARN"},
		{"DB_PASSWORD", "/run/secrets/db", "", "a path"},
		{"DB_PASSWORD", "changeme", "", "a placeholder"},
		{"DB_PASSWORD", "<your password>", "", "a placeholder"},
		{"DB_PASSWORD", "xxxxxxxx", "", "a placeholder"},
		{"DB_PASSWORD", "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/x)", "", "a Key Vault reference"},
		{"DB_PASSWORD_FILE", "/run/secrets/whatever1", "", "the name of a file"},
		{"DB_SECRET_ARN", "db-AbCdEf-123456", "", "the name says ARN"},
		{"SECRET_NAME", "prod-db-main", "", "the name says name"},
		{"TOKEN_URL", "https://login.example.com/token", "", "the name says URL"},
		{"PASSWORD_MIN_LENGTH", "12", "", "about passwords"},
		{"USE_TOKEN", "true", "", "a switch"},
		{"CSRF_TOKEN", "a1b2c3d4e5", "", "not a credential"},
		{"PUBLIC_KEY", "MFkwEwYHKoZIzj0CAQ", "", "public"},
		{"PATH", "/usr/local/bin:/usr/bin", "", "no secret"},
		{"KEYBOARD", "us-intl-dead", "", "a word that has key in it"},
		{"PYTHON_VERSION", "3.12.1", "", "no secret"},
		{"TOKEN_TABLE", "orders-tokens-prod", "", "the name says table"},
		{"TOKEN_QUEUE", "orders-tokens-9", "", "the name says queue"},
		{"TOKEN_TOPIC", "orders-tokens-9", "", "the name says topic"},
		{"TOKEN_CACHE", "redis-token-cache", "", "the name says cache"},
		{"SESSION_TOKEN_TABLE", "orders-sessions-prod", "", "the name says table"},
		{"PASSWORD_BUCKET", "orders-passwords-1", "", "the name says bucket"},
		{"PASSWORD_HASH_ALGO", "argon2id", "", "the name says algo"},
		{"ENCRYPTION_KEY_ALIAS", "alias/orders", "", "the name says alias"},
		{"SECRET_STORE", "parameter-store", "", "the name says store"},
		{"CREDENTIALS_PROVIDER", "container-role", "", "the name says provider"},
		{"AccessToken", "hours", "", "a unit of Cognito's"},
		{"SecretStringTemplate", `{"username":"app"}`, "", "what a secret is generated into"},
		{"CODE_S3_KEY", "9f0d8ac7b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f809102.zip", "", "an object in a bucket"},
		{"ASSET_API_KEY", "9f0d8ac7b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f809102.zip", "", "a checksum that ends .zip"},
		{"SLACK_WEBHOOK", "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", "", "one letter over and over"},
		{"GPG_KEY", "A035C8C19219BA821ECEA86B64E628F8D684696D", "", "the public key id of the python image"},
		{"org.opencontainers.image.revision", "9fceb02d0ae598e95dc970b74767f19372d61af8", "", "a commit"},
	} {
		got := s.Settings(t.Context(), []fnvet.Setting{{Path: "image-config", Source: "image-config", Name: tt.name, Value: tt.value}})
		if ids(got) != tt.want {
			t.Errorf("%s=%s: %q, want %q (%s)", tt.name, tt.value, ids(got), tt.want, tt.why)
		}
		for _, f := range got {
			secret := tt.value[f.Secret.Start:f.Secret.End]
			if strings.Contains(fmt.Sprintf("%+v %+v", f, f.Secret), secret) {
				t.Errorf("%s: the secret is in the finding", tt.name)
			}
		}
	}
}

func TestSettingFinding(t *testing.T) {
	s := newScanner(t)
	got := s.Settings(t.Context(), []fnvet.Setting{{
		Path: "image-config", Layer: "sha256:2", Source: "image-config", Name: "history", Value: "ENV API_TOKEN='ab12cd34ef'",
	}})
	rule := settingRule()
	want := []fnvet.Finding{{
		ID: rule.ID, Kind: fnvet.SecretKind, Severity: fnvet.High, Title: rule.Title, Path: "image-config", Layer: "sha256:2",
		Evidence: "…(10 chars)", Salt: salt([]byte("ab12cd34ef")),
		Secret: &fnvet.Secret{
			Rule: settingID, Hash: s.hash([]byte("ab12cd34ef")), Start: 15, End: 25, Name: "API_TOKEN",
			Confidence: fnvet.ConfidenceMedium, Source: "image-config",
		},
		Remediation: "Rotate the secret, keep it in a secret manager and reference it from the setting.",
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRedact(t *testing.T) {
	s := newScanner(t)
	for _, tt := range []struct{ in, want string }{
		{"RUN npm ci", "RUN npm ci"},
		{"", ""},
		{"ENV TOKEN=" + ghToken + " A=1", "ENV TOKEN=*** A=1"},
		{"echo " + awsKey + ".", "echo ***."},
		{"|1 DB_PASSWORD=abc /bin/sh -c make", "|1 DB_PASSWORD=*** /bin/sh -c make"},
		{"ENV DB_PASSWORD=${PW}", "ENV DB_PASSWORD=${PW}"},
		{"curl https://bob:hunter2@example.com/x", "curl https://bob:***@example.com/x"},
		{"login --password hunter2 --user bob", "login --password *** --user bob"},
		{"login --password-stdin", "login --password-stdin"},
		{`ENV API_KEY="two words" B=2`, `ENV API_KEY="***" B=2`},
		{"pip install --index-url https://u:p@ss@host/simple", "pip install --index-url https://u:***@host/simple"},
	} {
		if got := s.Redact(tt.in); got != tt.want {
			t.Errorf("Redact(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestNameBefore(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"API_KEY=@", "API_KEY"}, {"export API_KEY=\"@", "API_KEY"}, {`  "apiKey": "@`, "apiKey"}, {"api.key := '@", "api.key"},
		{"<password>@", "password"}, {"Authorization: Bearer @", "Authorization"}, {"x = f(@", ""}, {"@", ""}, {"config['token'] = '@", "token"},
		{"a => \"@", "a"}, {strings.Repeat("a", 80) + "=@", ""}, {"// see @", ""}, {`\"token\":\"@`, "token"},
	} {
		if got := nameBefore([]byte(tt.line), strings.IndexByte(tt.line, '@')); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.line, got, tt.want)
		}
	}
}

func TestPlaces(t *testing.T) {
	generic, assigned, format := &rule{id: "generic-api-key", generic: true}, &rule{id: "x", assigned: true}, &rule{id: "github-pat"}
	for _, tt := range []struct {
		name, container           string
		generic, assigned, format fnvet.Confidence
	}{
		{"src/app.js", "", "medium", "medium", "high"},
		{"node_modules/a/index.js", "", "low", "low", "high"},
		{"node_modules/a/README.md", "", "low", "low", "low"},
		{"README.md", "", "low", "low", "medium"},
		{"tests/a.py", "", "low", "low", "medium"},
		{"lib/python3.12/site-packages/a/b.py", "", "low", "low", "high"},
		{"yarn.lock", "", "low", "low", "high"},
		{"a/B.class", "app.jar", "medium", "medium", "high"},
		{"a/B.class", "app.jar!/BOOT-INF/lib/x.jar", "low", "low", "high"},
	} {
		p := newScanner(t).classify(&fnvet.File{Name: tt.name, Container: tt.container})
		got := [3]fnvet.Confidence{confidenceOf(generic, p), confidenceOf(assigned, p), confidenceOf(format, p)}
		if want := [3]fnvet.Confidence{tt.generic, tt.assigned, tt.format}; got != want {
			t.Errorf("%s in %q: %v, want %v", tt.name, tt.container, got, want)
		}
	}
}
