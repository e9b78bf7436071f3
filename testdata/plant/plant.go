// Package plant makes fake secrets for tests: made up from a fixed seed, of the
// shape that the rules of gitleaks v8 look for, and of no use to anyone. They
// are put together here so that no file of the repository holds one in plain
// text. It knows nothing of rules engines and finds nothing.
package plant

import (
	"crypto/sha256"
	"encoding/base64"
	"math/rand/v2"
	"strings"
)

// A Secret is one fake secret.
type Secret struct {
	Name  string // how recipes and tests ask for it: "github-pat"
	Rule  string // id of the gitleaks rule it is shaped for
	Key   string // variable or key it is usually assigned to
	Value string
}

const (
	digits  = "0123456789"
	hexa    = digits + "abcdef"
	lower   = "abcdefghijklmnopqrstuvwxyz"
	upper   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	alnum   = digits + lower + upper
	base32  = upper + "234567"
	loAlnum = digits + lower
)

// A shape says how a value is made: from literal text and characters drawn from
// an alphabet.
type shape struct {
	name, rule, key string
	parts           []part
}

type part struct {
	text     string // literal, when alphabet is empty
	alphabet string
	n        int
}

func lit(text ...string) part          { return part{text: strings.Join(text, "")} }
func draw(alphabet string, n int) part { return part{alphabet: alphabet, n: n} }
func b64(text string) string           { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// shapes is the whole table. Prefixes are split so that they do not stand in the source.
func shapes() []shape {
	return []shape{
		{"aws-key-id", "aws-access-token", "AWS_ACCESS_KEY_ID", []part{lit("AK", "IA"), draw(base32, 16)}},
		{"aws-secret", "generic-api-key", "AWS_SECRET_ACCESS_KEY", []part{draw(alnum, 40)}},
		{"databricks", "databricks-api-token", "DATABRICKS_TOKEN", []part{lit("da", "pi"), draw(hexa, 32)}},
		{"digitalocean", "digitalocean-pat", "DIGITALOCEAN_TOKEN", []part{lit("dop", "_v1_"), draw(hexa, 64)}},
		{"gcp", "gcp-api-key", "MAPS_KEY", []part{lit("AI", "za"), draw(alnum, 35)}},
		{"generic", "generic-api-key", "PAYMENTS_API_TOKEN", []part{draw(loAlnum, 40)}},
		{"github-pat", "github-pat", "GITHUB_TOKEN", []part{lit("gh", "p_"), draw(alnum, 36)}},
		{"gitlab-pat", "gitlab-pat", "CI_TOKEN", []part{lit("glp", "at-"), draw(alnum, 20)}},
		{"jwt", "jwt", "SESSION", []part{lit(b64(`{"alg":"HS256","typ":"JWT"}`), ".", b64(`{"sub":"orders","iat":1600000000}`), "."), draw(alnum, 43)}},
		{"mailgun", "mailgun-private-api-token", "MAILGUN_API_KEY", []part{lit("ke", "y-"), draw(hexa, 32)}},
		{"npm", "npm-access-token", "NPM_TOKEN", []part{lit("np", "m_"), draw(alnum, 36)}},
		{"openai", "openai-api-key", "OPENAI_API_KEY", []part{lit("s", "k-"), draw(alnum, 20), lit("T3Blb", "kFJ"), draw(alnum, 20)}},
		{"private-key", "private-key", "", nil},
		{"pypi", "pypi-upload-token", "TWINE_PASSWORD", []part{lit("py", "pi-", "AgEIcHlwaS5vcmc"), draw(alnum, 70)}},
		{"sendgrid", "sendgrid-api-token", "SENDGRID_API_KEY", []part{lit("S", "G."), draw(alnum, 22), lit("."), draw(alnum, 43)}},
		{"shopify", "shopify-access-token", "SHOPIFY_TOKEN", []part{lit("shp", "at_"), draw(hexa, 32)}},
		{"slack-bot", "slack-bot-token", "SLACK_TOKEN", []part{lit("xo", "xb-"), draw(digits[1:], 12), lit("-"), draw(digits[1:], 12), lit("-"), draw(alnum, 24)}},
		{"slack-webhook", "slack-webhook-url", "SLACK_WEBHOOK", []part{lit("https://hooks.", "slack.com/", "services/T"), draw(upper+digits, 8), lit("/B"), draw(upper+digits, 8), lit("/"), draw(alnum, 24)}},
		{"stripe", "stripe-access-token", "STRIPE_KEY", []part{lit("s", "k_", "live_"), draw(alnum, 24)}},
		{"telegram", "telegram-bot-api-token", "TELEGRAM_BOT_TOKEN", []part{draw(digits[1:], 10), lit(":A"), draw(alnum, 34)}},
		{"twilio", "twilio-api-key", "TWILIO_KEY", []part{lit("S", "K"), draw(hexa, 32)}},
	}
}

// All returns every fake secret, sorted by name; the same in every run.
func All() []Secret {
	var all []Secret
	for _, s := range shapes() {
		all = append(all, Secret{Name: s.name, Rule: s.rule, Key: s.key, Value: s.make()})
	}
	return all
}

// Named returns the value of one fake secret, or "" for a name that All does not list.
func Named(name string) string {
	for _, s := range shapes() {
		if s.name == name {
			return s.make()
		}
	}
	return ""
}

func (s shape) make() string {
	r := rand.New(rand.NewChaCha8(sha256.Sum256([]byte("fnvet test secret " + s.name)))) //nolint:gosec // fakes must be the same in every run
	if s.name == "private-key" {
		return privateKey(r)
	}
	var b strings.Builder
	for _, p := range s.parts {
		b.WriteString(p.text)
		for range p.n {
			b.WriteByte(p.alphabet[r.IntN(len(p.alphabet))])
		}
	}
	return b.String()
}

// privateKey is the PEM armour of a private key around random text, not a key.
func privateKey(r *rand.Rand) string {
	var b strings.Builder
	armour := func(word string) { b.WriteString("-----" + word + " OPENSSH " + "PRIVATE" + " KEY-----\n") }
	armour("BEGIN")
	for range 6 {
		for range 70 {
			b.WriteByte(alnum[r.IntN(len(alnum))])
		}
		b.WriteByte('\n')
	}
	armour("END")
	return b.String()
}
