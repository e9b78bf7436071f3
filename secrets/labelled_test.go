package secrets

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
)

// negativeTemplates are lines as packages have them around values that look
// random and are no secrets; %s takes the value of the kind named first.
func negativeTemplates() []string {
	return []string{
		`sha512 "integrity": "sha512-%s",`, `sha1 "_shasum": "%s",`, `sha1 "gitHead": "%s",`, `sha1 const commit = "%s";`,
		`sha1 Build-Ids: %[1]s %[1]s`, `sha1 "resolved": "https://registry.acme.test/x/-/x-1.2.3.tgz#%s",`, `sha256 image: app@sha256:%s`,
		`sha256 x1.2.3.tgz --hash=sha256:%s \`, `sha256 'x-amz-content-sha256': '%s',`, `sha256 checksum = "%s"`, `md5 etag: "%s",`, `md5 ETag: W/"%s"`,
		`md5 "contentHash": "%s",`, `md5 cacheKey: "%s",`, `md5 __webpack_require__.h = () => ("%s")`, `md5 build_id=%s`, `md5 "fingerprint": "%s"`,
		`uuid id: "%s",`, `uuid clientRequestToken: "%s",`, `uuid "ChangeToken": "%s",`, `uuid idempotencyKey = "%s"`, `uuid KmsKeyId: %s`,
		`uuid "traceId":"%s"`, `uuid ProjectGuid="{%s}"`, `base64 "NextToken": "%s",`, `base64 "ContinuationToken": "%s",`, `base64 publicKey = "%s"`,
		`base64 const wasm = "%s";`, `base64 pin-sha256="%s"; max-age=5184000`, `base64 nonce: "%s",`, `base64 sourceMappingURL=data:application/json;base64,%s`,
		`base64 ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB%s bob@acme`, `words token: this.%s.value1,`, `words passwordField = "%s"`, `words const keyName = "%s-1";`,
		`words secretName: "prod/%s-2",`, `words accessKeyPath = "config.%s"`, `words token = process.env.%s_TOKEN`, `words apiKey: options.%s || ""`,
		`words "password": "Please enter your %s",`, `words authType = "v4-%s"`, `words password = get_%s()`, `words https://%s.acme.test/oauth2/token`,
		`words tokenUrl: "https://login.%s.test/oauth2/v2.0/token",`, `ident function %[1]s(t,e){return t.key=%[1]s(e)}`, `ident e.token=%s.exports;`,
		`version "@acme/credential-provider-node": "%s",`, `version "firebase-token-generator": "%s",`, `version "jsonwebtoken": "%s"`, `version "@types/passport": "%s",`,
		`words ["get%[1]sPassword","process%[1]sPassword","%[1]sEncryptionKeyR5"]`, `words "names":["is%[1]sKeyEqual","is%[1]sDhEqual","update%[1]sToken"],`,
		`words exports.REGISTRATION_%[1]s_KEY = "registration-%[1]s-key";`, `words const ENV_SECRET = "ACME_SECRET_ACCESS_KEY"; // %s`, `words if ($null -eq $password) { $password = [NullString]::%s }`,
		`words "Unexpected_token_A_%s_was_expected_1068": "意外的标记。应为构造函数。",`, `words * in the form (http|https|ftp)://[user[:pass]]@%s.domain`, `sha256 SignedHeaders=host;x-amz-security-token, Signature=%s`,
		`base64 const DEFAULT_VAPID_KEY = "%s";`, `words throw new Error("Failed to get token: "+%s),o||n.close();`, `words dao = DAO("postgresql://%[1]s:%[1]s@localhost/%[1]s")`,
		`md5 data-turbo-track="reload" href="/assets/app-%s.css"`, `sha1 "lockfileVersion": 3, "hash": "%s"`, `base64 integrity="sha256-%s" crossorigin`, `uuid <Guid>%s</Guid>`, `uuid sessionId: "%s"`,
		`sha256 const knownHashes = new Set(["%s"]);`, `md5 if (digest === "%s") return true;`, `words i18n.t("password.%s.reset.token")`, `words <input type="password" name="%s" autocomplete="new-password">`,
		`words .token.%s, .token-keyword { color: #07a }`, `words @param {string} token - the %s token`, `words logger.info("access token for %s expired")`, `words ALTER TABLE %s ADD COLUMN password_hash varchar(255);`,
		`words grant_type=password&username=%s`, `words token_endpoint_auth_method: "client_secret_%s"`, `num "exp": %s,`, `num apiVersion = %s`, `words secretKeyRef: {name: %s, key: password}`,
		`words aws_secretsmanager_secret.%s.arn`, `words data.vault_generic_secret.%s.data["password"]`, `words "Authorization": "Bearer " + get%sToken()`, `words password=$(cat /run/secrets/%s)`,
		`words keytool -storepass:env %s_PASSWORD`, `ident for(var k in t)t[k].key=%s;`, `base64 -----BEGIN CERTIFICATE----- %s`, `base64 -----BEGIN PUBLIC KEY----- %s`,
		`ident var key=%s[0],t={};`, `num timestampKey: %s,`, `num token_expires_at = %s`,
	}
}

func negativeValue(kind string, r *rand.Rand) string {
	raw := make([]byte, 64)
	for i := range raw {
		raw[i] = byte(r.Uint32())
	}
	words := []string{"context", "session", "default", "parser", "module", "account", "payload", "handler", "billing", "profile"}
	switch kind {
	case "sha512":
		return base64.StdEncoding.EncodeToString(raw)
	case "sha256":
		return hex.EncodeToString(raw[:32])
	case "sha1":
		return hex.EncodeToString(raw[:20])
	case "md5":
		return hex.EncodeToString(raw[:16])
	case "uuid":
		return fmt.Sprintf("%x-%x-4%03x-a%03x-%x", raw[:4], raw[4:6], r.IntN(1<<12), r.IntN(1<<12), raw[10:16])
	case "base64":
		return base64.StdEncoding.EncodeToString(raw[:32+r.IntN(3)])
	case "words":
		return words[r.IntN(len(words))] + words[r.IntN(len(words))]
	case "version":
		return fmt.Sprintf("%s%d.%d.%d", []string{"^", "~", ""}[r.IntN(3)], r.IntN(9), r.IntN(900), r.IntN(30))
	case "ident":
		return string("abcdefgh"[r.IntN(8)]) + string("tnrsei"[r.IntN(6)])
	}
	return fmt.Sprint(1600000000000 + r.Int64N(1e11))
}

// TestLabelled measures recall of every rule on samples of its format, and counts
// false alarms on lines of noise, in a file of the function's own.
// FNVET_UPDATE=1 writes the table of docs/secrets-rules.md.
func TestLabelled(t *testing.T) {
	s := newScanner(t)
	negatives, alarms := 0, map[string]int{}
	r := rand.New(rand.NewPCG(21, 21))
	for _, line := range negativeTemplates() {
		kind, format, _ := strings.Cut(line, " ")
		for range 16 {
			text := fmt.Sprintf(format, negativeValue(kind, r)) + "\n"
			negatives++
			for _, f := range find(t, s, file("src/app.js", text)) {
				if f.Secret.Confidence != fnvet.ConfidenceLow {
					alarms[f.Secret.Rule]++
					t.Logf("%s in %s", f.Secret.Rule, text)
				}
			}
		}
	}
	documented, _ := documentedScores(t, s)
	near := nearMissScores(t, s)
	var table strings.Builder
	positives, found, rules := 0, 0, 0
	all := slices.Clone(s.set.rules)
	slices.SortFunc(all, func(a, b *rule) int { return strings.Compare(a.id, b.id) })
	for _, rule := range all {
		if rule.regexText == "" {
			continue
		}
		rules++
		hits, tries := recall(t, s, rule, rand.New(rand.NewPCG(22, uint64(len(rule.id)))))
		positives, found = positives+tries, found+hits
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s | %s |\n", rule.id, origin(rule), documented[rule.id],
			score{tries, hits}, near[rule.id], score{negatives, alarms[rule.id]})
	}
	total := 0
	for _, n := range alarms {
		total += n
	}
	t.Logf("%d rules: %d of %d positives found, %d false alarms in %d negatives", rules, found, positives, total, negatives)
	if positives < 600 || negatives < 600 || found*100 < positives*98 || total > 0 {
		t.Error("below what docs/secrets.md states")
	}
	if os.Getenv("FNVET_UPDATE") != "" {
		writeTable(t, rules, found, positives, total, negatives, table.String())
	}
}

// origin says where a rule's format is from.
func origin(r *rule) string {
	switch {
	case r.reference == "":
		return "gitleaks"
	case r.checked == "":
		return "ours, unchecked"
	}
	return "ours, " + r.checked
}

func recall(t *testing.T, s *Scanner, rule *rule, r *rand.Rand) (hits, tries int) {
	t.Helper()
	re := regexp.MustCompile(rule.regexText)
	for try := 0; try < 60 && tries < 4; try++ {
		name, data := sample(t, rule, r)
		switch low := strings.ToLower(data); {
		case rule.id == "private-key": // its expression allows any bytes as the body
			data = "-----BEGIN RSA PRIVATE KEY-----\n" + armour(r) + "-----END RSA PRIVATE KEY-----\n"
		case !slices.ContainsFunc(rule.keywords, func(k string) bool { return strings.Contains(low, k) }):
			data = "// " + rule.keywords[len(rule.keywords)-1] + " " + strings.TrimPrefix(data, "// one\nx; ") // a format that needs its provider's name
		}
		m := re.FindStringSubmatchIndex(data)
		c := candidate{rule: rule, data: []byte(data)}
		c.cut(match{m[0], relative(m)})
		secret := string(c.secret())
		if entropy(c.secret()) <= rule.entropy || isPlaceholder(secret) && !strings.Contains(secret, "://") || strings.Contains(secret, "\n") && rule.id != "private-key" {
			continue // not what the format means
		}
		tries++
		if slices.ContainsFunc(find(t, s, file(name, data)), func(f fnvet.Finding) bool {
			return f.Secret.Start < c.secretEnd && c.secretStart < f.Secret.End
		}) {
			hits++
		} else {
			t.Logf("%s: missed %q", rule.id, data)
		}
	}
	return hits, tries
}

// armour is six lines of base64.
func armour(r *rand.Rand) string {
	var b strings.Builder
	for range 6 {
		raw := make([]byte, 48)
		for i := range raw {
			raw[i] = byte(r.Uint32())
		}
		b.WriteString(base64.StdEncoding.EncodeToString(raw) + "\n")
	}
	return b.String()
}

// relative makes the offsets of a match relative to its start.
func relative(m []int) []int {
	out := slices.Clone(m)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] >= 0 {
			out[i] -= m[0]
		}
	}
	return out
}

func writeTable(t *testing.T, rules, found, positives, alarms, negatives int, table string) {
	t.Helper()
	text := fmt.Sprintf("# Secret rules: recall and false alarms\n\nWritten by `FNVET_UPDATE=1 go test ./secrets -run TestLabelled`: "+
		"%d rules; %d of %d samples of their formats found; %d false alarms of medium or higher confidence in %d lines of noise.\n\n"+
		"The format is that of gitleaks, or ours: compared with what the provider publishes, with another scanner's expression, or with neither yet. "+
		"Documented are values of formats.txt that are found, written apart from the expressions; samples are made from the expressions. "+
		"Near misses are lines of nearmisses.txt, from real packages, that are wrongly reported; noise the made-up lines that are. "+
		"None: no documented format was written down, or the packages looked through have no near miss.\n\n"+
		"| rule | format | documented found | samples found | near misses wrong | noise wrong |\n| --- | --- | --- | --- | --- | --- |\n%s", rules, found, positives, alarms, negatives, table)
	if err := os.WriteFile(filepath.Join("..", "docs", "secrets-rules.md"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
