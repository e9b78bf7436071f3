package check

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/lazyregexp"
	"github.com/fnvet/fnvet/internal/secretname"
	"github.com/fnvet/fnvet/posture/model"
)

// secretWords are what names of secrets end with or contain.
var secretWords = []string{"password", "passwd", "passphrase", "secret", "token", "api_key", "apikey", "private_key", "privatekey", "access_key", "accesskey", "credential", "auth_key", "signing_key", "encryption_key", "connection_string", "connectionstring", "client_secret", "_pwd", "_pass", "dsn"}

// secretName reports whether a variable's name says that it holds a secret, and not
// where one is kept or what it is like.
func secretName(name string) bool {
	n := strings.ToLower(snake(name))
	if secretname.About(name) || strings.HasSuffix(n, "arn") {
		return false
	}
	for _, w := range secretWords {
		if strings.Contains(n, w) || strings.HasPrefix(w, "_") && n == w[1:] {
			return !strings.Contains(n, "tokenizer") && !strings.Contains(n, "max_tokens") && !strings.Contains(n, "max_token") && !strings.Contains(n, "public_key") && !strings.Contains(n, "secrets_manager")
		}
	}
	return false
}

// snake writes "dbPassword" and "db-password" as "db_password".
func snake(s string) string {
	var b strings.Builder
	for i, c := range s {
		switch {
		case c == '-' || c == '.':
			b.WriteByte('_')
		case c >= 'A' && c <= 'Z' && i > 0 && s[i-1] >= 'a' && s[i-1] <= 'z':
			b.WriteByte('_')
			b.WriteRune(c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// noSecret are literals that no one would guess a secret behind: addresses of a
// store, placeholders, switches, names.
var noSecret = lazyregexp.New(`(?i)^(|true|false|yes|no|on|off|none|null|undefined|n/?a|todo|tbd|dummy|test|example|sample|placeholder|change[-_ ]?me|changeit|replace[-_ ]?me|x+|\*+|\.+|<.*>|\[.*\]|\{.*\}|%.*%|your[-_ ].*|([a-z]+[-_ ])*(your|replace|insert|placeholder|changeme)([-_ ][a-z]+)*|my[-_ ](secret|password|token)|.*(/|^)(dev|prod|stage|staging|test)/.*|/[\w./-]+|arn:.*|ssm:.*|vault:.*|secretmanager:.*|projects/.*/secrets/.*|https?://[^:@]*|[a-z0-9]+(-[a-z0-9]+)*[-_](secret|token|password|key|name|table)s?|\d{1,5})$`)

// keyVault is Azure's reference to a secret, which the platform resolves at run time.
const keyVault = "@microsoft.keyvault("

// variables judges each variable of each environment.
func (r *run) variables() {
	for _, f := range r.m.Functions {
		plainSecret := false
		for _, v := range f.Env {
			plainSecret = r.variable(f, v) || plainSecret
			r.dangerous(f, v)
		}
		a := r.about[f.ID]
		if (plainSecret || a.secrets) && f.KMSKey.Absent() && (f.Cloud == "" || f.Cloud == model.AWS) && holdsValue(f) {
			r.add(noCustomerKey, at{pos: f.Pos, resource: f.ID}, "its environment holds secrets")
		}
	}
}

// holdsValue reports whether a secret's plain value gets into the environment.
func holdsValue(f *model.Function) bool {
	return slices.ContainsFunc(f.Env, func(v model.Variable) bool {
		return secretName(v.Name) && v.Value.Any(func(t model.Text) bool {
			refs := t.Refs()
			if len(refs) == 0 {
				lit, _ := t.Literal()
				return len(lit) >= 6 && !noSecret().MatchString(lit) && !strings.HasPrefix(strings.ToLower(lit), keyVault)
			}
			return slices.ContainsFunc(refs, func(x model.Ref) bool { return x.Kind == model.RefDynamic || x.Kind == model.RefParameter })
		})
	})
}

// variable reports whether a secret is in plain text in the template.
func (r *run) variable(f *model.Function, v model.Variable) bool {
	found := false
	for _, t := range v.Value.Alts {
		where := at{pos: model.At(t.Pos, v.Pos, f.Pos), resource: f.ID, key: v.Name}
		if lit, ok := t.Literal(); ok {
			if kind, is := r.secretValue(v.Name, lit); is {
				where.severity = worse(fnvet.Medium, true)
				r.add(envSecret, where, "%s is a literal (%s, %d characters)", v.Name, kind, len(lit))
				found = true
			}
			continue
		}
		for _, ref := range t.Refs() {
			switch ref.Kind {
			case model.RefDynamic:
				r.add(envDynamic, where, "%s gets its plain text on deployment", v.Name)
				found = true
			case model.RefParameter:
				r.parameter(f, v, ref.ID)
			default:
			}
		}
	}
	return found
}

func (r *run) secretValue(name, value string) (string, bool) {
	low := strings.ToLower(value)
	if strings.HasPrefix(low, keyVault) {
		return "", false
	}
	if r.ctx.Secret != nil {
		if kind, ok := r.ctx.Secret(name, value); ok {
			return kind, true
		}
	}
	if urlPassword().MatchString(value) && !noSecretURL().MatchString(value) {
		return "an address with a password", true
	}
	if !secretName(name) || len(value) < 6 || noSecret().MatchString(value) || strings.ContainsAny(value, " \t") && !strings.Contains(value, "=") {
		return "", false
	}
	if strings.HasPrefix(low, "usedevelopmentstorage=") {
		return "", false
	}
	return "by its name", true
}

var (
	urlPassword = lazyregexp.New(`^[a-zA-Z][a-zA-Z0-9+.-]*://[^/:@\s]*:[^/@\s]{4,}@[^/\s]+`)
	noSecretURL = lazyregexp.New(`(?i)://[^/@]*:(password|passwd|secret|changeme|x+|\*+|<[^>]*>|\$\{?[^@]*|%[^@]*%|\{[^@]*)@`)
)

// parameter judges a parameter whose value becomes a secret of the environment.
func (r *run) parameter(f *model.Function, v model.Variable, id string) {
	p := r.m.FindParameter(id)
	if p == nil || !secretName(v.Name) && !secretName(p.ID) {
		return
	}
	if lit, ok := literal(p.Default); ok && len(lit) >= 6 && !noSecret().MatchString(lit) && !strings.HasPrefix(p.ParamType, "AWS::SSM::") {
		r.add(parameterDefault, at{pos: model.At(p.Default.Pos, p.Pos), resource: p.ID}, "its default becomes %s of %s", v.Name, f.ID)
	}
	shown := p.NoEcho.May(false, no) && !p.NoEcho.Open && !strings.HasPrefix(p.ParamType, "AWS::SSM::")
	if shown {
		r.add(parameterEcho, at{pos: p.Pos, resource: p.ID}, "it becomes %s of %s, and whoever sees the stack sees it", v.Name, f.ID)
	}
}

// dangerous judges variables that change how the runtime behaves.
func (r *run) dangerous(f *model.Function, v model.Variable) {
	for _, t := range v.Value.Alts {
		lit, ok := t.Literal()
		if !ok {
			continue
		}
		severity, why := danger(v.Name, strings.TrimSpace(lit))
		if severity != "" {
			r.add(envDangerous, at{pos: model.At(t.Pos, v.Pos, f.Pos), resource: f.ID, key: v.Name, severity: severity}, "%s %s", v.Name, why)
		}
	}
}

func danger(name, value string) (fnvet.Severity, string) {
	switch strings.ToUpper(name) {
	case "NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONHTTPSVERIFY":
		if value == "0" {
			return fnvet.High, "is 0: certificates are not checked"
		}
	case "GIT_SSL_NO_VERIFY", "NODE_NO_TLS_VERIFY":
		if value == "1" || value == "true" {
			return fnvet.High, "is set: certificates are not checked"
		}
	case "LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES":
		if value != "" {
			return fnvet.Medium, "loads code into every process"
		}
	case "NODE_OPTIONS":
		if strings.Contains(value, "--inspect") {
			return fnvet.High, "opens the debugger"
		}
	case "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS":
		if strings.Contains(value, "jdwp") {
			return fnvet.High, "opens the debugger"
		}
	case "FLASK_DEBUG", "WERKZEUG_DEBUG_PIN":
		if value == "1" || value == "off" {
			return fnvet.Medium, "turns the debugger on"
		}
	case "AWS_LAMBDA_EXEC_WRAPPER":
		if value == "/opt/bootstrap" || strings.HasPrefix(value, "/opt/otel") || value == "/opt/datadog_wrapper" || value == "/opt/instrument" {
			return "", ""
		}
		if value != "" {
			return fnvet.Low, "runs a program before the runtime"
		}
	}
	return "", ""
}

// vendorAccounts publish layers that many functions use: AWS's own (Powertools,
// Insights, OpenTelemetry, Parameters and Secrets, web adapter, AppConfig) and
// those of well-known monitors, as their documentation states them.
var vendorAccounts = []string{"017000801446", "580247275435", "901920570463", "615299751070", "590474943231", "177933569100", "133256977650", "753240598075", "027255383542", "464622532012", "451483290750", "943013980633"}

// layers judges code that others publish.
func (r *run) layers() {
	for _, f := range r.m.Functions {
		for _, t := range f.Layers.Items {
			s := t.String()
			if _, isRef := t.Ref(); isRef || !strings.Contains(s, ":layer:") {
				continue
			}
			where := at{pos: model.At(t.Pos, f.Layers.Pos, f.Pos), resource: f.ID, key: s}
			if last := t.Suffix(); !pinned().MatchString(last) && !strings.HasSuffix(s, "}") {
				r.add(layerUnpinned, where, "%s has no version", s)
			}
			if account := accountOf(cleanARN(t)); account != "" && !r.ownAccount(account) {
				if slices.Contains(vendorAccounts, account) {
					where.severity = fnvet.Info
				}
				r.add(layerForeign, where, "of account %s", account)
			}
		}
	}
}

var pinned = lazyregexp.New(`:\d+$`)

// cleanARN is an ARN whose references hold no colons.
func cleanARN(t model.Text) string { return plain(t) }

// ownAccount reports whether the template names an account as its own: of a role or queue.
func (r *run) ownAccount(account string) bool {
	if account == r.m.Account {
		return true
	}
	for _, f := range r.m.Functions {
		for _, t := range f.Role.Alts {
			if accountOf(cleanARN(t)) == account {
				return true
			}
		}
	}
	return false
}

// signing is only advice.
func (r *run) signing() {
	for _, f := range r.m.Functions {
		image := f.PackageType.Any(func(s string) bool { return s == "Image" }) || !f.Code.Image.Absent()
		if f.CodeSigning.Absent() && !image && (f.Cloud == "" || f.Cloud == model.AWS) && r.m.Dialect != model.FunctionConfig {
			r.add(codeSigning, at{pos: f.Pos, resource: f.ID}, "whoever can deploy can run any code")
		}
	}
}
