package secrets

import (
	"archive/zip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fnvet/fnvet"
)

func TestJudge(t *testing.T) {
	s := newScanner(t)
	hex40 := "da39a3ee5e6b4b0d3255bfef95601890afd80709"
	for _, tt := range []struct {
		name, data string
		want       fnvet.Confidence // "" for no finding
		why        string
	}{
		{"src/a.js", `apiToken = "` + generic + `"`, "medium", "a name"},
		{"botocore/data/x.json", `"apiToken": "` + generic + `"`, "low", "a package beside the function's modules"},
		{"python/requests/x.py", `api_token = "` + generic + `"`, "low", "a package in a layer"},
		{"requests.json", `"apiToken": "` + generic + `"`, "medium", "a file that is only called like a package"},
		{"usr/lib/x/a.conf", `api_token = "` + generic + `"`, "low", "what the distribution installs"},
		{"usr/src/app/a.js", `api_token = "` + generic + `"`, "medium", "what the author adds"},
		{"a.json", `"NextContinuationToken": "` + generic + `"`, "low", "a page mark"},
		{"a.py", `auth_type = "v4-unsigned-body1"`, "", "the name says type"},
		{"t.json", `{"S3Key": "9f0d8ac7b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d6e7f809102.zip"}`, "", "an object's name"},
		{"a.js", `assetKey: "` + generic + `"`, "", "an object's name"},
		{"Dockerfile", "FROM x\nENV GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305\n", "", "who signs Python's releases"},
		{"a.js", `hook = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"`, "", "one letter over and over"},
		{"t.yaml", "AWSTemplateFormatVersion: x\nTokenValidityUnits: {AccessToken: hours, IdToken: hours}\n", "", "units"},
		{"t.yaml", "AWSTemplateFormatVersion: x\nGenerateSecretString:\n  SecretStringTemplate: '{\"username\":\"app\"}'\n", "", "what a secret is generated into"},
		{"h.py", `h = {"Authorization": "Bearer ` + generic + generic[3:] + `"}`, "medium", "a header"},
		{"h.js", "headers: { Authorization: 'Bearer ' + token }", "", "a header put together"},
		{"h.py", `h = {"Authorization": "Bearer your-token-goes-here-please-1"}`, "", "a placeholder"},
		{"h.py", `h = {"Authorization": "Basic b3JkZXJzOlBhNTV3MHJkWDk="}`, "medium", "orders:Pa55w0rdX9"},
		{"h.py", `h = {"Authorization": "Basic dXNlcm5hbWU6cGFzc3dvcmQ="}`, "", "username:password"},
		{"a.http", "GET https://x.test\nAuthorization: Bearer " + generic + generic[3:] + "\n", "medium", "a header of a file of requests"},
		{"a.http", "GET https://x.test\nAuthorization: Bearer {{token}}\n", "", "a variable of a file of requests"},
		{"h.py", `requests.get(url, auth=("user", "` + generic + `"))`, "medium", "requests"},
		{"h.py", `requests.get(url, auth=("user", "password1234"))`, "", "words"},
		{"h.py", `smtp.login(user, "Zq7Wm2xVb9Lk")`, "medium", "smtplib"},
		{"h.js", `jwt.sign(payload, '` + generic + `abcd')`, "medium", "jsonwebtoken"},
		{"h.js", `jwt.sign(payload, process.env.JWT_SECRET1)`, "", "jsonwebtoken, a reference"},
		{"h.py", `db = {"user": "a", "password": "Hunter2-Kilo9"}`, "medium", "a literal of a dictionary"},
		{"h.py", `e = {"password": "password_too_short1"}`, "", "words"},
		{"node_modules/x/h.js", `e = {"password": "Hunter2-Kilo9"}`, "", "other people's code"},
		{"a.py", `auth_key = "v4-unsigned-body1"`, "low", "words"},
		{"a.py", `token = argon2id.PASSWD_MIN1`, "low", "a member"},
		{"a.env", `API_TOKEN=argon2id.PASSWD_MIN1`, "medium", "not code: a bare value is a value"},
		{"a.py", "f(self, state, key, passive=attributes.PASSIVE_OFF\n)", "low", "a named argument"},
		{"a.js", "x = '" + hex40 + "' // sourcegraph is mentioned after", "", "a bare checksum"},
		{"a.js", "sourcegraph_token = 'a" + hex40[1:] + "'", "medium", "the provider's name before it"},
		{"a.js", "k = '" + awsKey + "'", "high", "a format"},
		{"METADATA", "k = '" + awsKey + "'", "medium", "a format in documentation"},
	} {
		got := fnvet.Confidence("")
		for _, f := range find(t, s, file(tt.name, tt.data)) {
			got = f.Secret.Confidence
		}
		if got != tt.want {
			t.Errorf("%s %s: %q, want %q (%s)", tt.name, tt.data, got, tt.want, tt.why)
		}
	}
}

// TestSeverity: what a name says outright is a secret blocks, however strong it is.
func TestSeverity(t *testing.T) {
	s := newScanner(t)
	aws := "h7Kd92LmQp0VbN4sTzR6yWcE1HgJ5fUa3oXi8Rt2"
	for _, tt := range []struct {
		name, data, rule string
		want             fnvet.Severity
		why              string
	}{
		{".env", "DB_PASSWORD=Winter-Kestrel\n", "plain-setting", fnvet.High, "a weak password"},
		{".env", "DB_PASSWORD=Tr0ub4dor-Zebra-77\n", "plain-setting", fnvet.High, "a strong one, which the generic rule knows too"},
		{".env", "SECRET_KEY=" + generic + "zQ1wS5xD8cF2vG6bH9nJ4mK7lP3oL0\n", "plain-setting", fnvet.High, "50 at random"},
		{"settings.py", "SECRET_KEY = '" + generic + "zQ1wS5xD8cF2vG6bH9nJ4mK7lP3oL0'\n", "plain-setting", fnvet.High, "settings as code"},
		{"handler.py", "db = psycopg2.connect(host='db', password=\"" + generic + "\")\n", "generic-api-key", fnvet.High, "an argument in code"},
		{"handler.py", "aws_secret_access_key = \"" + aws + "\"\n", "aws-secret-access-key", fnvet.High, "one half of a key pair, alone"},
		{"handler.js", "new S3({secretAccessKey: '" + aws + "'})\n", "aws-secret-access-key", fnvet.High, "in an object"},
		{"handler.py", "storage_key = \"" + generic + "\"\n", "generic-api-key", fnvet.High, "a key to storage"},
		{"handler.py", "auth_value = \"" + generic + "\"\n", "generic-api-key", fnvet.Medium, "a name that may be anything"},
	} {
		got := find(t, s, file(tt.name, tt.data))
		if len(got) != 1 || got[0].ID != idPrefix+tt.rule || got[0].Severity != tt.want {
			t.Errorf("%s %s: %+v, want %s %v (%s)", tt.name, tt.data, got, tt.rule, tt.want, tt.why)
		}
	}
}

// crcToken ends random text in its checksum, as GitHub and npm do.
func crcToken(prefix, random string) string {
	n := crc32.ChecksumIEEE([]byte(random))
	sum := make([]byte, checksumLen)
	for i := range sum {
		sum[checksumLen-1-i] = base62[n%62]
		n /= 62
	}
	return prefix + random + string(sum)
}

// withCRC16 adds the checksum of Atlassian's tokens.
func withCRC16(s string) string { return fmt.Sprintf("%s%08X", s, crc32.ChecksumIEEE([]byte(s))) }

func TestProofs(t *testing.T) {
	s, err := New(Options{Key: make([]byte, KeySize), Now: time.Unix(1800000000, 0)})
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	armoured := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	jwt := func(claims string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2lnbmF0dXJl"
	}
	sum := sha256.Sum256([]byte("of everyone"))
	s.keys[hex.EncodeToString(sum[:])] = true
	for _, tt := range []struct {
		rule, secret string
		want         proof
		why          string
	}{
		{"github-pat", crcToken("ghp_", "9aLkQ2xZ7vBn4TyR8mWc5JdH3sFgP6"), proven, "its checksum"},
		{"github-pat", ghToken, open, "another checksum"},
		{"npm-access-token", crcToken("npm_", "9aLkQ2xZ7vBn4TyR8mWc5JdH3sFgP6"), proven, "its checksum"},
		{"private-key", armoured, proven, "DER"},
		{"private-key", strings.ReplaceAll(armoured, "\n", `\n`), proven, "DER in JSON"},
		{"private-key", "-----BEGIN PRIVATE KEY-----\nand then\n-----END PRIVATE KEY-----", refuted, "no body"},
		{"private-key", "-----BEGIN PRIVATE KEY-----\njava/lang/String\nformat\nopenssl.trustManagerMissing\njavax/net/ssl/X509TrustManager\nKEY-----", refuted, "names between two constants"},
		{"private-key", "-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat("MIIEpAIBAAKCAQEA7bq\n", 8) + "-----END RSA PRIVATE KEY-----\n", partial, "even lines that do not parse"},
		{"private-key", "-----BEGIN RSA PRIVATE KEY-----\nnone here\n-----END RSA PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\n" + strings.Repeat("MIICpzCCAhCgAwIBAgIJAP+q\n", 9) + "-----END CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----", refuted, "a certificate is no key"},
		{"bitbucket-app-password", withCRC16("ATBB9aLkQ2xZ7vBn4TyR8mWc5JdH"), proven, "its checksum"},
		{"bitbucket-access-token", withCRC16("ATCTT3xFfGN0" + strings.Repeat("9aLkQ2xZ7v", 17) + "="), proven, "its checksum"},
		{"bitbucket-app-password", "ATBB9aLkQ2xZ7vBn4TyR8mWc5JdH01234567", open, "another checksum"},
		{"jwt", jwt(`{"iss":"https://login.acme.test","exp":1900000000}`), proven, "an issuer, not expired"},
		{"jwt", jwt(`{"iss":"https://login.acme.test","exp":1700000000}`), stale, "expired"},
		{"jwt", jwt(`{"sub":"1"}`), open, "no issuer"},
		{"jwt", "a.b.c", open, "no token"},
		{"jwk-private-key", "of everyone", stale, "a key that software ships"},
		{"jwk-private-key", "of someone", open, "another key"},
		{"other", "x", open, "no proof known"},
	} {
		if got := s.prove(&rule{id: tt.rule}, []byte(tt.secret)); got != tt.want {
			t.Errorf("%s: %v, want %v (%s)", tt.rule, got, tt.want, tt.why)
		}
	}
}

func TestAWSAccount(t *testing.T) {
	// The first is the example of summitroute.com's article on key ids.
	for _, tt := range []struct{ id, want string }{
		{"ASIAQNZGKIQY56JQ7WML", "029608264753"}, {"AKIA0", ""}, {"AKIA11111111111111AA", ""},
	} {
		if got, _ := awsAccount(tt.id); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.id, got, tt.want)
		}
	}
}

func FuzzProve(f *testing.F) {
	f.Add("private-key", "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----")
	f.Add("jwt", "eyJhbGciOiJIUzI1NiJ9.e30.x")
	f.Add("github-pat", ghToken)
	f.Add("aws-access-token", awsKey)
	s := newScanner(f)
	f.Fuzz(func(t *testing.T, id, secret string) {
		if id == "aws-access-token" && strings.Contains(secret, "EXAMPLE") {
			return
		}
		if got := s.prove(&rule{id: id}, []byte(secret)); got == refuted && id != "private-key" {
			t.Errorf("%s refuted", id)
		}
		awsAccount(secret)
	})
}

// reviewed are the findings of medium or higher confidence that packages of the
// corpus really contain, by the end of their path.
func reviewed() map[string]string {
	return map[string]string{}
}

// TestQuietOnPackages searches real packages, zips named in FNVET_PACKAGES, in
// which nobody planted anything.
func TestQuietOnPackages(t *testing.T) {
	list := filepath.SplitList(os.Getenv("FNVET_PACKAGES"))
	if len(list) == 0 {
		t.Skip("FNVET_PACKAGES names no zips; docs/secrets.md says how to make them")
	}
	s := newScanner(t)
	for _, name := range list {
		z, err := zip.OpenReader(name)
		if err != nil {
			t.Fatal(err)
		}
		files, bytes, low := 0, 0, 0
		for _, e := range z.File {
			r, err := e.Open()
			if err != nil || e.FileInfo().IsDir() {
				continue
			}
			data, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			r.Close()
			f := file(e.Name, string(data))
			if !s.Want(f) {
				continue
			}
			files, bytes = files+1, bytes+len(data)
			facts, err := s.Detect(t.Context(), f)
			if err != nil {
				t.Error(err)
			}
			for _, x := range facts.Findings {
				if x.Secret.Confidence == fnvet.ConfidenceLow {
					low++
				} else if reviewed()[filepath.Base(e.Name)+" "+x.Secret.Rule] == "" {
					t.Errorf("%s:%d: %s %s %s", e.Name, x.Line, x.Secret.Confidence, x.ID, x.Secret.Name)
				}
			}
		}
		z.Close()
		t.Logf("%s: %d files, %d bytes, %d findings of low confidence", filepath.Base(name), files, bytes, low)
	}
}

// A word in code may be a state or the key of a message as well as a weak password:
// it is told, and does not block.
func TestWordsInCode(t *testing.T) {
	s, err := New(Options{Key: make([]byte, KeySize)})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fnvet.Confidence{"settings.py": fnvet.ConfidenceLow, "settings.ini": fnvet.ConfidenceMedium} {
		found, err := s.Detect(t.Context(), file(name, "DB_PASSWORD = \"correct_horse\"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if len(found.Findings) != 1 || found.Findings[0].Secret.Confidence != want {
			t.Errorf("%s: %+v, want one of confidence %s", name, found.Findings, want)
		}
	}
}
