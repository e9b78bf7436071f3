package secrets

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/secretname"
)

// A pair is a name and a literal value that a configuration file states.
type pair struct {
	name  string // of the variable, key, field or attribute
	value string // decoded
	// start and end are where the value is written in the file, without quotes.
	start, end int
	// exact is true when value is written as it is, so that offsets in it are
	// offsets in the file.
	exact bool
	// sure is true when the format says that the pair is a credential.
	sure bool
	code bool // the value is a line of code
	// traits are those of name, once that was judged.
	traits nameTraits
}

// A nameTraits is what the name of a setting says. The names of one file are few and
// come again and again.
type nameTraits struct {
	judged       bool
	secret       bool // its value is one
	connection   bool // its value may be a connection string
	label, value bool // its value is the name, or the value, of what it is in
}

func traitsOf(name string) nameTraits {
	return nameTraits{judged: true, secret: secretName(name), connection: connectionName(name), label: labelKey(name), value: valueKey(name)}
}

// A format is how a configuration file is read.
type format int

const (
	noFormat     format = iota
	jsonFormat          // JSON, with comments and trailing commas let pass
	yamlFormat          // YAML
	xmlFormat           // XML
	bareFormat          // NAME=value lines: .env, ini, properties, TOML, shell
	quotedFormat        // name = "value": HCL, Bicep, settings written as code
	dockerFormat        // Dockerfile
	netrcFormat         // .netrc
	pgpassFormat        // .pgpass
	urlFormat           // lines of URLs: .git-credentials
	hashFormat          // user:hash lines: shadow, htpasswd
	wholeFormat         // a file that is one secret
	sqlFormat           // SQL
)

// formatOf tells how to read a file from its name.
func formatOf(name string) format {
	low := strings.ToLower(name)
	base := path.Base(low)
	if f := formatOfBase(base, low); f != noFormat {
		return f
	}
	switch path.Ext(base) {
	case ".json", ".jsonc", ".tfstate", ".backup", ".template", ".ipynb", ".har", ".postman_collection", ".postman_environment":
		return jsonFormat
	case ".yaml", ".yml":
		return yamlFormat
	case ".xml", ".config", ".plist", ".pubxml", ".csproj", ".props", ".targets", ".ovpn-xml":
		return xmlFormat
	case ".env", ".ini", ".cfg", ".conf", ".cnf", ".properties", ".toml", ".sh", ".bash", ".zsh", ".ps1", ".bat", ".cmd", ".service",
		".desktop", ".rc", ".s3cfg", ".prefs", ".list", ".ovpn", ".my", ".credentials":
		return bareFormat
	case ".tf", ".tfvars", ".hcl", ".bicep", ".bicepparam", ".nomad":
		return quotedFormat
	case ".dockerfile":
		return dockerFormat
	case ".htpasswd", ".shadow":
		return hashFormat
	case ".sql", ".dump":
		return sqlFormat
	}
	if codeFile(base) && settingsName(base) {
		return quotedFormat
	}
	return noFormat
}

func formatOfBase(base, low string) format {
	switch base {
	case ".netrc", "_netrc":
		return netrcFormat
	case ".pgpass", "pgpass.conf":
		return pgpassFormat
	case ".git-credentials", "git-credentials":
		return urlFormat
	case "shadow", "shadow-", "gshadow", "htpasswd", ".htpasswd":
		return hashFormat
	case ".dockercfg", ".dockerconfigjson", "config.json":
		return jsonFormat
	case "kubeconfig", "docker-compose", "compose":
		return yamlFormat
	case ".npmrc", ".yarnrc", ".pypirc", ".s3cfg", ".boto", ".my.cnf", "credentials", ".credentials", ".env", ".envrc", ".flaskenv", ".profile",
		".bashrc", ".zshrc", ".bash_profile", ".bash_history", ".zsh_history", ".sh_history", ".history", ".gitconfig", ".hgrc", ".esmtprc", ".msmtprc",
		".fetchmailrc", ".passwd-s3fs", "passwd-s3fs", ".remote-sync.json", ".rclone.conf", "environment", ".netlify", ".wgetrc", ".curlrc", "application.conf":
		return bareFormat
	case ".yarnrc.yml", ".travis.yml":
		return yamlFormat
	case "sftp.json", "sftp-config.json", ".ftpconfig":
		return jsonFormat
	}
	switch {
	case wholeFile(base):
		return wholeFormat
	case strings.HasPrefix(base, "dockerfile") || strings.HasPrefix(base, "containerfile"):
		return dockerFormat
	case strings.HasPrefix(base, ".env.") || strings.HasSuffix(base, ".env") || strings.HasPrefix(base, "env.") && !codeFile(base):
		return bareFormat
	case strings.HasSuffix(low, ".aws/config") || strings.HasSuffix(low, ".cargo/config"):
		return bareFormat
	case strings.HasSuffix(low, ".kube/config"):
		return yamlFormat
	}
	return noFormat
}

// settingsName reports whether a source file's name says that it holds settings.
func settingsName(base string) bool {
	for _, w := range []string{"config", "setting", "secret", "credential", "database", "environment", "constants", "serverless", "env."} {
		if strings.Contains(base, w) {
			return true
		}
	}
	return false
}

// maxPairs bounds the pairs of one file that are judged.
const maxPairs = 200000

// A reader collects the pairs of one file.
type reader struct {
	data []byte
	text string // data, for readers that take strings of it
	emit func(pair)
	left int
	// depth is 1 for the reader of a value inside a file.
	depth  int
	judged map[string]nameTraits // of the names met so far
}

func (r *reader) add(p pair) {
	if r.left--; r.left < 0 || p.value == "" {
		return
	}
	r.emit(p)
	if f := inside(&p); f != noFormat {
		r.nested(p, f)
	}
}

// raw adds a value that is written in the file as it is.
func (r *reader) raw(name string, start, end int) {
	if end > start {
		r.add(pair{name: name, value: string(r.data[start:end]), start: start, end: end, exact: true})
	}
}

// eachPair calls emit for the pairs of a file.
func eachPair(f format, data []byte, emit func(pair)) {
	r := &reader{data: data, emit: emit, left: maxPairs}
	r.read(f)
}

// read adds the pairs of the reader's data.
func (r *reader) read(f format) {
	switch f {
	case jsonFormat:
		r.json()
	case yamlFormat:
		r.yaml()
	case xmlFormat:
		r.xml()
	case bareFormat:
		r.bare()
	case quotedFormat:
		r.quoted()
	case dockerFormat:
		r.docker()
	case netrcFormat:
		r.netrc()
	case pgpassFormat:
		r.pgpass()
	case urlFormat:
		r.urls()
	case hashFormat:
		r.hashes()
	case wholeFormat:
		r.whole()
	case sqlFormat:
		r.sql()
	case noFormat:
	}
}

// worthReading reports whether a file says anything that the name of a secret,
// or a URL with a password, would hold.
func worthReading(data []byte) bool {
	low := data[:min(len(data), 1<<20)]
	for _, w := range []string{"pass", "PASS", "Pass", "secret", "SECRET", "Secret", "oken", "TOKEN", "ey", "EY", "pwd", "PWD", "Pwd", "red", "RED", "auth", "://", "$"} {
		if bytes.Contains(low, []byte(w)) {
			return true
		}
	}
	return false
}

// sourceOf says which of the sources of a Secret a configuration file is.
func (w *worker) sourceOf(f format, data []byte) string {
	base := strings.ToLower(path.Base(w.file.Name))
	head := data[:min(len(data), 64<<10)]
	switch f {
	case dockerFormat:
		return "env"
	case bareFormat:
		if strings.Contains(base, "env") {
			return "env"
		}
	case quotedFormat:
		if ext := path.Ext(base); ext == ".tf" || ext == ".tfvars" || ext == ".hcl" || ext == ".bicep" || ext == ".bicepparam" {
			return "template"
		}
	case jsonFormat, yamlFormat:
		if strings.Contains(base, "compose") || serverlessName(base) || base == "local.settings.json" || w.templated && isTemplate(head) {
			return "template"
		}
	default:
	}
	return "file"
}

// serverlessName reports whether a file's name is that of a configuration of the
// Serverless Framework.
func serverlessName(base string) bool {
	return strings.HasPrefix(base, "serverless.") || strings.HasPrefix(base, "serverless-") && path.Ext(base) != ".json"
}

// templateMarks are words one pair of which templates and function configurations
// have. The second may be empty.
func templateMarks() [][2]string {
	return [][2]string{
		{"AWSTemplateFormatVersion", ""}, {"AWS::", "Type"}, {"schema.management.azure.com", ""}, {"apiVersion", "kind"},
		{"services:", "image"}, {"services:", "build"}, {"provider:", "functions"}, {"\"FunctionName\"", ""}, {"\"Environment\"", "\"Variables\""},
		{"containerDefinitions", ""}, {"environmentVariables", ""}, {"\"IsEncrypted\"", ""}, {"env_variables", ""},
	}
}

// isTemplate recognises deployment templates and function configurations by what
// they must say.
func isTemplate(head []byte) bool {
	for _, marks := range templateMarks() {
		if bytes.Contains(head, []byte(marks[0])) && bytes.Contains(head, []byte(marks[1])) {
			return true
		}
	}
	return false
}

// settingsOf searches the pairs of a configuration file by their names, and adds
// what the rules have not found.
func (w *worker) settingsOf(data []byte) {
	if w.place.thirdParty || w.place.lock {
		return // other people's settings are advisory at best
	}
	f := formatOf(w.file.Name)
	if f == noFormat || isBinary(data) || f < netrcFormat && !worthReading(data) {
		return
	}
	source := w.sourceOf(f, data)
	pos := position{data: data, line: 1}
	eachPair(f, data, func(p pair) {
		for _, a := range w.secretsIn(&p, source != "file") {
			s := span{p.start, p.end}
			if p.exact {
				s = span{p.start + a.start, p.start + a.end}
			}
			if w.s.known.any([]byte(p.value)) || !w.makeRoom(s, true) {
				continue
			}
			if s.start < pos.done {
				pos = position{data: data, line: 1}
			}
			line, column := pos.advance(s.start)
			w.findings = append(w.findings, w.plainFinding(a, p.value[a.start:a.end], s, line, column))
		}
	})
	if source == "file" {
		return
	}
	for i := range w.findings {
		w.findings[i].Secret.Source = source
	}
}

// secretsIn lists what of a pair is a secret. In environment definitions every
// literal counts; elsewhere prose and the words of schemas do not.
func (w *worker) secretsIn(p *pair, environment bool) []assignment {
	if p.sure {
		return []assignment{{p.name, 0, len(p.value)}}
	}
	if environment {
		return plainSecrets(p.name, p.value)
	}
	if !p.traits.judged {
		p.traits = traitsOf(p.name)
	}
	if p.traits.secret && !isPlaceholder(p.value) && !isSchemaWord(p.value) && !isProse(p.value) && !strings.EqualFold(p.name, p.value) &&
		!transient(p.name) && !namesField(p.name, p.value) {
		return []assignment{{p.name, 0, len(p.value)}}
	}
	var out []assignment
	for _, u := range urlPasswords(p.value) {
		if !isPlaceholder(p.value[u.start:u.end]) {
			out = append(out, assignment{p.name, u.start, u.end})
		}
	}
	if strings.Contains(p.value, ";") || p.traits.connection {
		for _, a := range assignments(p.value) {
			if secretName(a.name) && !isPlaceholder(p.value[a.start:a.end]) {
				out = append(out, a)
			}
		}
	}
	return out
}

func connectionName(name string) bool {
	low := strings.ToLower(name)
	return strings.Contains(low, "conn") || strings.HasSuffix(low, "dsn") || strings.HasSuffix(low, "opts") || strings.HasSuffix(low, "args")
}

const upperCase = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// namesField reports whether the value of a token or key is the name of one: a
// word of letters, such as "NextToken" or "List.Marker". Passwords may be words.
func namesField(name, value string) bool {
	if strings.EqualFold(strings.Join(secretname.Words(name), ""), strings.Join(secretname.Words(value), "")) ||
		strings.Contains(value, "_") && strings.Trim(value, upperCase+"_") == "" { // REGISTRATION_API_KEY = 'registration-api-key', ENV_SECRET = 'AWS_SECRET_ACCESS_KEY'
		return true
	}
	if strings.Contains(strings.ToLower(name), "pass") {
		return false
	}
	if words := secretname.Words(value); len(words) > 1 && 3*len(words) <= len(value) && strings.Trim(value, identifierBytes[:52]) == "" {
		return true // colorBgElevated
	}
	return strings.Trim(value, identifierBytes[:52]+"._-[]$") == "" && wordy(value)
}

// state reports whether a value in code is a state or a message's key: errors[CONF_PASSWORD]
// = "invalid_auth".
func state(v string) bool {
	return strings.Contains(v, "_") && strings.Trim(v, identifierBytes[:26]+"_") == "" && wordy(v)
}

// isProse reports whether a value is words for people: with spaces or letters of
// other alphabets, and no digit.
func isProse(v string) bool {
	if strings.ContainsAny(v, "0123456789") {
		return false
	}
	other := strings.IndexFunc(v, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0
	return other || strings.Contains(strings.TrimSpace(v), " ")
}

// isSchemaWord reports whether a value is what schemas, forms and translations
// put beside the name of a secret.
func isSchemaWord(v string) bool {
	switch strings.ToLower(strings.Trim(v, "*:.…")) {
	case "string", "text", "hidden", "input", "field", "object", "number", "integer", "boolean", "array", "any", "binary", "bytes", "keyword",
		"bearer", "basic", "header", "cookie", "query", "body", "passphrase", "credentials", "access_token", "access-token", "refresh_token", "id_token",
		"username", "user", "value", "secretstring", "securestring", "secureobject", "varchar", "char", "uuid", "jwt", "oauth", "oauth2", "sha256", "sha1", "md5", "hmac",
		"plain", "plaintext", "prompt", "env", "file", "vault", "keyring", "environment", "private", "public", "readonly", "admin:write", "client_credentials",
		"mot de passe", "passwort", "contraseña", "senha", "wachtwoord", "authorization", "files", "compat", "db", "systemd", "sss", "x-api-key", "api-key", "api_key", "http", "https":
		return true
	}
	return false
}

// plainFinding describes a secret that is one by the name it is assigned to.
func (w *worker) plainFinding(a assignment, value string, s span, line, column int) fnvet.Finding {
	set := fnvet.Setting{Path: w.file.Path, Layer: w.file.Layer, Source: "file", Name: a.name, Value: value}
	f := w.s.plain(&set, assignment{name: strings.Clone(a.name), start: 0, end: len(value)})
	f.Path, f.Layer, f.Line, f.Column = w.file.Path, w.file.Layer, line, column
	f.Secret.Start, f.Secret.End, f.Secret.Source = s.start, s.end, "file"
	if strings.Contains(f.Secret.Name, value) {
		f.Secret.Name = ""
	}
	if w.place.docs || w.place.code && state(value) {
		f.Secret.Confidence = fnvet.ConfidenceLow
	}
	return f
}

// makeRoom reports whether a finding at s says something new: no other one is
// there, but for guesses of low confidence, which it takes the place of. A setting
// whose name says that it is a secret takes the place of every guess.
func (w *worker) makeRoom(s span, setting bool) bool {
	if len(w.findings) >= maxFindings {
		w.capped = true
		return false
	}
	overlapping := func(f fnvet.Finding) bool { return f.Secret.Start < s.end && s.start < f.Secret.End }
	for _, f := range w.findings {
		if overlapping(f) && (!setting && f.Secret.Confidence != fnvet.ConfidenceLow || !strings.Contains(f.ID, "generic")) {
			return false
		}
	}
	w.findings = slices.DeleteFunc(w.findings, overlapping)
	return true
}
