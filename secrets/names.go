package secrets

import (
	"bytes"
	"path"
	"strings"

	"github.com/fnvet/fnvet/internal/secretname"
)

const maxName = 64 // bytes of a variable's name that are kept

// nameBefore finds the name that the value at offset at is assigned to on its
// line: `NAME=value`, `"name": "value"`, `<name>value`, `Header: Bearer value`.
// It returns "" when there is none.
func nameBefore(data []byte, at int) string {
	head := data[max(0, at-256):at]
	head = bytes.TrimRight(head, " \t\"'`\\")
	for _, scheme := range []string{"Bearer", "Basic", "Token", "bearer", "basic", "token"} {
		if bytes.HasSuffix(head, []byte(" "+scheme)) {
			head = bytes.TrimRight(head[:len(head)-len(scheme)], " \t\"'`")
		}
	}
	op := bytes.TrimRight(head, "=:>?|")
	if len(op) == len(head) {
		return ""
	}
	op = bytes.TrimRight(op, " \t\"'`])\\")
	i := len(op)
	for i > 0 && nameByte(op[i-1]) && len(op)-i <= maxName {
		i--
	}
	name := strings.Trim(string(op[i:]), ".-")
	if len(name) > maxName {
		return ""
	}
	return name
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
}

// secretName reports whether a variable's name says that its value is a secret.
// A name that says the value is only about a secret (PASSWORD_FILE, TOKEN_URL,
// SECRET_ARN, KEY_ID) does not.
func secretName(name string) bool {
	words := secretname.Words(name)
	if len(words) == 0 || len(words) > maxNameWords || secretname.About(name) || strings.HasPrefix(name, "@") {
		return false // a sentence, or a package
	}
	for i, w := range words {
		switch w {
		case "password", "passwd", "passphrase", "pwd", "pass", "secret", "secrets", "token", "credential", "credentials", "creds",
			"apikey", "secretkey", "accesskey", "privatekey", "authtoken", "accesstoken", "clientsecret", "dbpassword", "dbpass", "passwort",
			"apitoken", "apisecret", "pgpassword", "userpassword", "rootpassword", "mypassword", "encryptionkey", "signingkey",
			"passcode", "passkey", "pepper", "mnemonic", "identitytoken", "registrytoken", "refreshtoken", "bearertoken", "sessiontoken", "authpassword",
			"secretkeybase", "dbpwd", "mysqlpassword", "redispassword", "smtppassword", "ftppassword":
			return !publicWord(words, i)
		case "key":
			if i > 0 && keyOf(words[i-1]) {
				return true
			}
		}
	}
	joined := strings.Join(words, "")
	return strings.HasSuffix(joined, "password") || strings.HasSuffix(joined, "secretkey") || strings.HasSuffix(joined, "apikey")
}

// maxNameWords is how many words a variable's name has at most.
const maxNameWords = 8

// keyOf reports whether "<w> key" is a secret.
func keyOf(w string) bool {
	switch w {
	case "api", "secret", "private", "access", "auth", "encryption", "encrypt", "signing", "sign", "master", "account", "storage",
		"service", "admin", "license", "app", "application", "client", "session", "hmac", "jwt", "aes", "crypto", "cipher", "shared",
		"subscription", "function", "host", "deploy", "write", "read", "connection", "primary", "secondary", "security", "webhook":
		return true
	}
	return false
}

func publicWord(words []string, i int) bool {
	for _, w := range words[:i] {
		if w == "public" || w == "csrf" || w == "xsrf" || w == "no" {
			return true
		}
	}
	return false
}

// isPlaceholder reports whether a value only stands for one: empty, a reference,
// a path, a number or boolean, a word that says so.
func isPlaceholder(v string) bool {
	v = strings.Trim(strings.TrimSpace(v), `"'`)
	if len(v) < 4 || isReference(v) || oneLetter(v) || isSwitch(v) || isVersion(v) || isAsset(v) || strings.HasSuffix(v, "...") || counting(v) || namesOnly(v) {
		return true
	}
	low := strings.ToLower(v)
	for _, w := range []string{
		"changeme", "change-me", "change_me", "changeit", "example", "placeholder", "replace", "redacted", "todo", "fixme", "dummy",
		"your-", "your_", "yoursecret", "yourpassword", "yourtoken", "insert", "xxxx", "****", "....", "not-set", "notset", "unset", "<", "required",
		"undefined", "n/a", "none", "null", "nil", "sample", "foobar", "blabla", "fake", "invalid", "not-needed", "not_needed",
	} {
		if strings.HasPrefix(low, w) || len(w) > 4 && strings.Contains(low, w) {
			return true
		}
	}
	return false
}

// namesOnly reports whether a value is made of several words for a secret or for whose
// it is: "user_password", "my-token", "usernamePassword".
func namesOnly(v string) bool {
	words := secretname.Words(v)
	for _, w := range words {
		switch w {
		case "user", "username", "name", "password", "passwd", "pwd", "pass", "secret", "token", "key", "api", "auth", "access", "oauth", "oauth2",
			"client", "my", "the", "value", "credential", "credentials":
		default:
			return false
		}
	}
	return len(words) > 1
}

// counted is how many letters and digits in order no secret has: 123456789abcd.
const counted = 13

// counting reports whether a value counts through letters or digits.
func counting(v string) bool {
	run := 1
	for i := 1; i < len(v); i++ {
		if v[i] == v[i-1]+1 || v[i-1] == '9' && v[i]|0x20 == 'a' {
			run++
		} else {
			run = 1
		}
		if run == counted {
			return true
		}
	}
	return false
}

// isReference reports whether a value points at a secret kept elsewhere, and
// never resolves it.
func isReference(v string) bool {
	low := strings.ToLower(v)
	for _, p := range []string{
		"arn:", "${", "$(", "{{", "#{", "<%", "@microsoft.keyvault(", "secretsmanager:", "ssm:", "vault:", "projects/", "gs://", "s3://",
		"sm://", "op://", "secretref:", "secret://", "ref:", "ref+", "file:", "env:", "kms:", "enc:", "encrypted:", "http://", "https://",
		"./", "../", "~/", "azurekeyvault", "parameter:", "!ref", "!getatt", "!sub", "fn::", "resolve:", "valuefrom",
		"var.", "local.", "data.", "module.", "secrets.", "process.env", "os.environ", "os.getenv", "system.getenv", "env(", "getenv(", "config(", "%(", "%{", "[parameters(", "[reference(", "[concat(", "[listkeys(", "[variables(", "[format(", "[%",
		"@@", "vault(", "lookup(", "keyvault", "secretref=", "secretmanager", "ssm-secure:", "self:", "opt:", "cf:", "aws:", "file(",
	} {
		if strings.HasPrefix(low, p) {
			return !credentialURL(low)
		}
	}
	if v[0] == '[' && v[len(v)-1] == ']' && strings.ContainsAny(v, "(") { // an expression of an ARM template
		return true
	}
	if strings.Contains(v, "]::") || v[0] == ':' && identifier(v[1:]) { // PowerShell
		return true
	}
	if strings.Contains(v, "://") && !strings.ContainsAny(v, " ;") {
		return !credentialURL(low)
	}
	if isPath(v) {
		return true
	}
	if v[0] == '$' || v[0] == '%' && v[len(v)-1] == '%' {
		return identifier(strings.ReplaceAll(strings.Trim(v, "$%"), "::", "_")) // OpenSSL: $section::name
	}
	return strings.Contains(v, "${") || strings.Contains(v, "{{") || strings.Contains(v, "::secret:")
}

// credentialURL reports whether a URL carries a password: scheme://user:pass@host.
func credentialURL(v string) bool {
	_, rest, ok := strings.Cut(v, "://")
	if !ok {
		return false
	}
	authority, _, _ := strings.Cut(rest, "/")
	info, _, ok := strings.Cut(authority, "@")
	_, pass, colon := strings.Cut(info, ":")
	return ok && colon && len(pass) > 0 && !strings.ContainsAny(pass, "${<*")
}

// awsSecretLen is the length of AWS secret access keys, one in 64 of which begins
// with a slash.
const awsSecretLen = 40

// isPath reports whether a value is an absolute path.
func isPath(v string) bool {
	if i := strings.LastIndexByte(v, '.'); i > 0 && strings.Contains(v[:i], "/") && codeFile(v[i:]) && strings.Trim(v, identifierBytes+"-./@") == "" {
		return true // of a file of code
	}
	if v[0] != '/' && (len(v) < 3 || v[1] != ':' || v[2] != '\\') {
		return false
	}
	if len(v) == awsSecretLen && !strings.ContainsAny(v, ".-_") {
		return entropy([]byte(v)) < 4.5
	}
	return !strings.ContainsAny(v, " \t\"'")
}

func identifier(v string) bool {
	for i := range len(v) {
		if !nameByte(v[i]) {
			return false
		}
	}
	return true
}

// isVersion reports whether a value is a version or a range of them: "^3.540.0".
func isVersion(v string) bool {
	bare := strings.TrimLeft(v, "^~<>=v ")
	return strings.Count(bare, ".") >= 2 && len(bare) < 20 && bare[0] >= '0' && bare[0] <= '9' && strings.Trim(bare, "0123456789.x*") == ""
}

// isAsset reports whether a value names an uploaded file by its checksum:
// "9f0d….zip", as deployment tools write the keys of objects.
func isAsset(v string) bool {
	sum, ok := strings.CutSuffix(strings.ToLower(v), ".zip")
	return ok && len(sum) >= 32 && isHex([]byte(path.Base(sum)))
}

func oneLetter(v string) bool {
	return strings.Count(v, v[:1]) == len(v)
}

// isSwitch reports whether a value is a boolean, a number or the like.
func isSwitch(v string) bool {
	switch strings.ToLower(v) {
	case "true", "false", "yes", "no", "on", "off", "null", "none", "enabled", "disabled", "default", "auto", "always", "never", "optional",
		"password", "secret", "token", "passwd", "pass", "apikey", "test", "seconds", "minutes", "hours", "days":
		return true
	}
	return len(v) < 8 && strings.Trim(v, "0123456789.") == ""
}
