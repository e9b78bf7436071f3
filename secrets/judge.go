package secrets

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/secretname"
)

// nearBytes is how far from a bare value the name of its provider is looked for.
const nearBytes = 200

// judge says how sure a candidate is a live secret, from its rule, its place, the
// name it is assigned to and its value; or that it is none at all.
func (w *worker) judge(c *candidate, t *text) (fnvet.Confidence, bool) {
	confidence := confidenceOf(c.rule, w.place)
	secret := c.secret()
	if c.rule.id == "sourcegraph-access-token" && isHex(secret) && !near(c, "sourcegraph") {
		return "", false // any commit or checksum in a file that names Sourcegraph
	}
	if literalRule(c.rule.id) && !w.literal(c) {
		return "", false
	}
	verdict := w.s.prove(c.rule, secret)
	switch verdict {
	case refuted:
		return "", false
	case stale:
		return fnvet.ConfidenceLow, true
	case proven:
		if confidence == fnvet.ConfidenceMedium && !w.place.docs {
			return fnvet.ConfidenceHigh, true
		}
	case partial:
		if !w.trusted() { // documentation shows the first line of a key
			return fnvet.ConfidenceLow, true
		}
	case open:
	}
	if guess := c.rule.generic || c.rule.assigned || c.rule.id == "hashicorp-tf-password" || strings.HasPrefix(c.rule.id, "curl-auth-"); guess && w.trusted() && w.nothing(c, t) {
		return "", false
	}
	if c.rule.generic && w.harmless(c, t) {
		return fnvet.ConfidenceLow, true
	}
	return confidence, true
}

// literalRule names the rules that know a credential by the call or header it is
// in. They are for a function's own code, and read no other.
func literalRule(id string) bool {
	switch id {
	case "authorization-header", "authorization-header-line", "authorization-header-basic", "password-argument", "jwt-signing-secret", "password-literal":
		return true
	}
	return false
}

// literal reports whether a candidate of such a rule counts. What a file of settings
// says of passwords is read there.
func (w *worker) literal(c *candidate) bool {
	return w.trusted() && (c.rule.id != "password-literal" || formatOf(w.file.Name) == noFormat) && strong(c.rule.id, string(c.secret()))
}

// strong reports whether a literal may be a real credential of such a rule: of
// letters and digits or signs that no sentence has, and no words. Of a user and password in base64 the password counts.
func strong(id, value string) bool {
	if id == "authorization-header-basic" {
		plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
		_, pass, ok := strings.Cut(string(plain), ":")
		return err != nil || !ok || !isPlaceholder(pass)
	}
	low := strings.ToLower(value)
	if !strings.ContainsAny(value, "0123456789#=[]|^~+/@%&*") || !strings.ContainsAny(low, identifierBytes[:26]) || strings.Contains(low, "password") || isPlaceholder(value) {
		return false
	}
	mixed := strings.ContainsAny(value, identifierBytes[:26]) && strings.ContainsAny(value, upperCase)
	return mixed || !wordy(value)
}

// trusted reports whether the file is the function's own.
func (w *worker) trusted() bool { return !w.place.thirdParty && !w.place.docs }

// nothing reports whether a value is a reference or placeholder, or its name says
// that it is no secret.
func (w *worker) nothing(c *candidate, t *text) bool {
	name := nameBefore(t.data, c.secretStart)
	if c.rule.id == "url-password" && c.schematic() {
		return true
	}
	if c.isKey() || c.rule.assigned && (w.symbol(c, t) || c.digest() || inList(c, t.data) && spelled(string(c.secret()))) {
		return true
	}
	return secretname.About(name) || fileKey(name) || isPlaceholder(string(c.secret()))
}

// isKey reports whether what would be the value is the name of a member:
// "documentationUrl":"linkedin","properties":[…].
func (c *candidate) isKey() bool {
	rest := c.data[c.secretEnd:]
	if len(rest) < 2 || rest[0] != '"' && rest[0] != '\'' {
		return false
	}
	rest = bytes.TrimLeft(rest[1:], " \t")
	return len(rest) > 0 && rest[0] == ':'
}

// symbol reports whether what a rule takes for a value is a symbol of code, because
// no quotes are around it: exports.AirtableLoader = AirtableLoader; or the name of a
// variable of the environment.
func (w *worker) symbol(c *candidate, t *text) bool {
	value := string(c.secret())
	if wordy(strings.ToLower(value)) && strings.Contains(value, "_") && strings.Trim(value, upperCase+"_") == "" {
		return true
	}
	switch c.rule.id {
	case "connection-string-password":
		return w.place.code && expression(value) && strings.Contains(value, ".") // s.password=r.password,s.host=r.host
	case "url-password", "jdbc-password":
		return false // they stand inside strings
	}
	if !w.place.code || !t.lines || c.secretStart > 0 && strings.IndexByte("\"'`", t.data[c.secretStart-1]) >= 0 {
		return false
	}
	head, _, called := strings.Cut(value, "[")
	if !called {
		head, _, called = strings.Cut(value, "(")
	}
	return head != "" && identifier(head) && (called && head[0] > '9' || spelled(value))
}

// digest reports whether a value in hex is said to be a digest on its line.
func (c *candidate) digest() bool {
	if len(c.secret()) < md5Hex || !isHex(c.secret()) {
		return false
	}
	line := c.data[max(c.line().start, c.secretStart-digestBytes):c.secretStart]
	for _, word := range []string{"hash", "digest", "checksum", "sha256", "integrity"} {
		if bytes.Contains(bytes.ToLower(line), []byte(word)) {
			return true
		}
	}
	return false
}

// digestBytes is how far before a value what it is said to be is looked for.
const digestBytes = 60

// md5Hex is the length of the shortest digest in use, in hex digits.
const md5Hex = 32

// schematic reports whether a URL is a form of one, http://[user[:pass]]@host, or opens
// a database of the machine itself with a password that is the user's name.
func (c *candidate) schematic() bool {
	if bytes.HasSuffix(c.secret(), []byte("]")) && !bytes.ContainsAny(c.secret(), "[") {
		return true
	}
	head := c.data[c.start:c.secretStart]
	_, user, ok := bytes.Cut(head, []byte("://"))
	rest := c.data[min(c.secretEnd+1, len(c.data)):]
	return ok && bytes.Equal(bytes.TrimSuffix(user, []byte(":")), c.secret()) &&
		(bytes.HasPrefix(rest, []byte("localhost")) || bytes.HasPrefix(rest, []byte("127.0.0.1")))
}

// near reports whether a word stands on the candidate's line shortly before it.
func near(c *candidate, word string) bool {
	head := c.data[max(0, c.secretStart-nearBytes):c.secretStart]
	return bytes.Contains(bytes.ToLower(head), []byte(word))
}

func isHex(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// harmless reports whether a value that only its name makes suspicious is none to
// worry about: the name is that of a page mark or of something about secrets, or
// the value is a placeholder, words, or code.
func (w *worker) harmless(c *candidate, t *text) bool {
	name, value := nameBefore(t.data, c.secretStart), string(c.secret())
	if name != "" && (transient(name) || secretname.About(name) || publicName(name)) || inList(c, t.data) {
		return true
	}
	if inner, _, ok := strings.Cut(value, "="); ok && identifier(inner) && publicName(inner) {
		return true
	}
	quoted := c.secretStart > 0 && strings.IndexByte("\"'`", t.data[c.secretStart-1]) >= 0
	if w.place.code && !quoted && scrambled(name) {
		return true
	}
	return strings.Contains(value, "...") || strings.Trim(value, "0123456789.") == "" || isPlaceholder(value) || wordy(value) ||
		w.place.code && !quoted && t.lines && expression(value)
}

// fileKey reports whether a name is that of a key that opens nothing: of an object
// in a bucket, or of who signs a release.
func fileKey(name string) bool {
	words := secretname.Words(name)
	n := len(words)
	if n < 2 || words[n-1] != "key" {
		return false
	}
	switch words[n-2] {
	case "s3", "asset", "object", "artifact", "gpg", "pgp":
		return true
	}
	return false
}

// publicName reports whether a name is that of something that goes over the wire in
// the open: a request's signature, a client's identifier, the key browsers subscribe to messages with.
func publicName(name string) bool {
	words := secretname.Words(name)
	n := len(words)
	return n > 0 && (words[n-1] == "signature" || words[n-1] == "client") || slices.Contains(words, "vapid") && !slices.Contains(words, "private")
}

// inList reports whether a value and what stands for its name are neighbours in a
// list of strings: ["getUserPassword","getEncryptionKeyR5"].
func inList(c *candidate, data []byte) bool {
	i := c.secretStart - 1
	if i < 2 || c.secretEnd+1 >= len(data) {
		return false
	}
	quote := data[i]
	if quote != '"' && quote != '\'' || data[c.secretEnd] != quote || data[c.secretEnd+1] != ',' && data[c.secretEnd+1] != ']' {
		return false
	}
	for i--; i > 0 && strings.IndexByte(" \t\n", data[i]) >= 0; i-- {
	}
	if i < 1 || data[i] != ',' || data[i-1] != quote {
		return false
	}
	start := literalStart(data, i-1)
	return start == 0 || start > 0 && (data[start-1] == ',' || data[start-1] == '[' || data[start-1] == ' ')
}

// scrambled reports whether a name is a piece of base64 that happens to hold a word.
func scrambled(name string) bool {
	if strings.ContainsAny(name, "_-.") || strings.ToLower(name) == name || strings.ToUpper(name) == name {
		return false
	}
	for _, w := range secretname.Words(name) {
		if len(w) >= 4 && readable(w) {
			return false
		}
	}
	return true
}

// transient reports whether a name is that of a token that opens nothing: a page
// mark, a key against doing something twice, a lookup key.
func transient(name string) bool {
	words := secretname.Words(name)
	if len(words) == 0 {
		return false
	}
	for _, w := range words {
		switch w {
		case "next", "continuation", "idempotency", "idempotent", "pagination", "paginator", "page", "cursor", "change", "lifecycle", "purchase",
			"postman", "sync", "resume", "request", "cache", "sort", "partition", "object", "foreign", "primary", "result", "output", "input",
			"translation", "i18n", "locale", "map", "map_key", "row", "column", "group", "hash", "checksum", "digest", "integrity", "etag",
			"fingerprint", "public", "csrf", "xsrf", "nonce", "csp", "verification", "query", "index", "search", "storage_key", "event":
			return true
		}
	}
	return false
}

// expression reports whether a bare value in code is an identifier, a member of
// one, or a named argument: "attributes.PASSIVE_OFF".
func expression(v string) bool {
	parts := strings.FieldsFunc(v, func(r rune) bool { return r == '.' || r == '=' })
	for _, p := range parts {
		if p[0] >= '0' && p[0] <= '9' || strings.Trim(p, identifierBytes) != "" {
			return false
		}
	}
	return len(parts) > 1 || strings.Contains(v, "_") && strings.Trim(v, "_") == v
}

const identifierBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$"

// wordyEntropy is the most entropy, in bits a byte, that a short text of words has.
const wordyEntropy = 4.0

// wordy reports whether at least 7 in 10 of a value's letters and digits belong
// to parts that read as words: "v4-unsigned-body", "Ipv6CidrAssociations".
func wordy(v string) bool {
	all := 0
	for _, w := range secretname.Words(v) {
		all += len(w)
	}
	return all > 0 && inWords(v)*10 >= all*7 && entropy([]byte(v)) <= wordyEntropy
}

// spelled reports whether half of a value are words, as of a symbol: getUrlAnalysis.
func spelled(v string) bool { return inWords(v)*2 >= len(v) }

// inWords is how many letters of a value belong to parts that read as words.
func inWords(v string) int {
	n := 0
	for _, w := range secretname.Words(v) {
		if letters := strings.TrimRight(w, "0123456789"); len(letters) >= 4 && readable(letters) {
			n += len(letters)
		}
	}
	return n
}

// readable reports whether a lower case word has a vowel in every four letters
// and between a quarter and two thirds of vowels.
func readable(w string) bool {
	vowels, run := 0, 0
	for i := range len(w) {
		switch c := w[i]; {
		case strings.IndexByte("aeiouy", c) >= 0:
			vowels++
			run = 0
		case c >= 'a' && c <= 'z':
			if run++; run > 3 {
				return false
			}
		default:
			return false
		}
	}
	return vowels*4 >= len(w) && vowels*3 <= len(w)*2
}
