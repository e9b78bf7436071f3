// Package secretname judges the names of settings: what their words are, and which
// say that a value is only about a secret.
package secretname

import "strings"

// Words splits a variable's name at separators and changes of case:
// "dbPassword", "DB_PASSWORD" and "db.password" are all "db", "password".
func Words(name string) []string {
	var words []string
	start := 0
	cut := func(end int) {
		if end > start {
			words = append(words, strings.ToLower(name[start:end]))
		}
		start = end
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '_' || c == '-' || c == '.' || c == ' ' || c == '/' || c == ':':
			cut(i)
			start = i + 1
		case isUpper(c) && i > 0 && !isUpper(name[i-1]):
			cut(i)
		case isUpper(c) && i+1 < len(name) && name[i+1] >= 'a' && name[i+1] <= 'z':
			cut(i) // the "Id" of "APIId"
		}
	}
	cut(len(name))
	return words
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

// About reports whether a name says that its value describes a secret, or where
// one is kept, without being one: PASSWORD_FILE, TOKEN_URL, SECRET_ARN, TOKEN_TABLE,
// ENCRYPTION_KEY_ALIAS. The last word decides.
func About(name string) bool {
	words := Words(name)
	if len(words) == 0 {
		return false
	}
	if strings.HasSuffix(strings.ToLower(name), "__credential") {
		return true // of an identity-based connection of Azure Functions: "managedidentity"
	}
	switch words[len(words)-1] {
	case "arn", "name", "names", "id", "ids", "path", "paths", "file", "files", "dir", "url", "uri", "endpoint", "host", "port",
		"version", "type", "types", "fields", "vendor", "tokenizer", "allowed", "length", "len", "size", "min", "max", "count", "ttl", "expiry", "expires", "expiration", "timeout", "age",
		"enabled", "enable", "disabled", "disable", "required", "policy", "rotation", "region", "ref", "reference", "prefix", "suffix",
		"header", "field", "param", "parameter", "alg", "algorithm", "format", "hint", "label", "title", "description", "command", "cmd",
		"spec", "status", "state", "usage", "kind", "mode", "class", "source", "provider", "store", "manager", "location", "issuer",
		"audience", "scope", "scopes", "limit", "limits", "user", "username", "encoding",
		"table", "tables", "queue", "topic", "bucket", "stream", "cache", "domain", "namespace", "role", "strategy", "backend", "driver",
		"algo", "algorithms", "alias", "aliases", "template", "unit", "units", "validity", "lifetime", "duration", "seconds", "minutes",
		"hours", "days", "rounds", "iterations", "fingerprint", "thumbprint":
		return true
	}
	return false
}
