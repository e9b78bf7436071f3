package secrets

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
)

// accountFile is the JSON of a service account, with a key made for the test.
func accountFile(t *testing.T, kind, email string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(map[string]string{
		"type": kind, "project_id": "acme-orders", "private_key_id": strings.Repeat("4f", 20), "client_email": email,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"token_uri":   "https://oauth2.googleapis.com/token",
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestServiceAccount(t *testing.T) {
	const email = "deploy@acme-orders.iam.gserviceaccount.com"
	s, account := newScanner(t), accountFile(t, "service_account", email)
	quoted, _ := json.Marshal(account)
	for _, tt := range []struct {
		name, data, id, why string
	}{
		{"key.json", account, serviceAccountID, "as Google gives it"},
		{"config.json", `{"a":{"b":1},"google":` + account + `,"c":2}`, serviceAccountID, "inside another object"},
		{"index.js", "const key = " + string(quoted) + ";", serviceAccountID, "as JSON in a string"},
		{".env", "GOOGLE_CREDENTIALS=" + base64.StdEncoding.EncodeToString([]byte(account)), serviceAccountID, "in base64"},
		{"key.json", accountFile(t, "authorized_user", email), "private-key", "another type"},
		{"key.json", accountFile(t, "service_account", "deploy@acme.test"), "private-key", "another host"},
		{"key.json", accountFile(t, "service_account", "a\u001b[31m@x.iam.gserviceaccount.com"), "private-key", "an address that is none"},
	} {
		var hit *fnvet.Finding
		for _, f := range find(t, s, file(tt.name, tt.data)) {
			if f.Secret.Rule == "private-key" || f.Secret.Rule == serviceAccountID {
				hit = &f
			}
		}
		if hit == nil || hit.Secret.Rule != tt.id || hit.ID != idPrefix+tt.id {
			t.Errorf("%s: %+v, want %s", tt.why, hit, tt.id)
			continue
		}
		if named := strings.Contains(hit.Title, email) && strings.Contains(hit.Title, "project acme-orders"); named != (tt.id == serviceAccountID) {
			t.Errorf("%s: title %q", tt.why, hit.Title)
		}
	}
	found := find(t, s, file("key.json", account))
	if found[0].Secret.Confidence != fnvet.ConfidenceHigh || found[0].Severity != fnvet.Critical {
		t.Errorf("%+v", found[0])
	}
}

// indefinite rewrites DER as BER: no lengths, long octet strings in two pieces.
func indefinite(t *testing.T, der []byte) []byte {
	t.Helper()
	var out []byte
	for len(der) > 0 {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(der, &v)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case v.IsCompound:
			out = append(out, v.FullBytes[0], 0x80)
			out = append(append(out, indefinite(t, v.Bytes)...), 0, 0)
		case v.Tag == asn1.TagOctetString && v.Class == 0 && len(v.Bytes) > 40:
			out = append(out, 0x24, 0x80)
			for _, piece := range [][]byte{v.Bytes[:20], v.Bytes[20:]} {
				whole, err := asn1.Marshal(piece)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, whole...)
			}
			out = append(out, 0, 0)
		default:
			out = append(out, v.FullBytes...)
		}
		der = rest
	}
	return out
}

func TestKeystoreInBER(t *testing.T) {
	der, err := os.ReadFile("testdata/changeit.p12")
	if err != nil {
		t.Fatal(err)
	}
	ber := indefinite(t, der)
	if string(derOf(ber)) != string(der) {
		t.Error("the DER of the BER is not what it was made from")
	}
	s := newScanner(t)
	if got := ids(find(t, s, file("conf/a.p12", string(ber)))); !strings.Contains(got, keystoreID) {
		t.Errorf("%q", got)
	}
	for i := range ber { // no cut panics, or is taken for a value
		if derOf(ber[:i]) != nil {
			t.Errorf("cut at %d", i)
		}
	}
}

// FuzzDER: what derOf makes of any bytes, asn1 reads as one value.
func FuzzDER(f *testing.F) {
	f.Add([]byte("\x30\x80\x24\x80\x04\x01a\x04\x01b\x00\x00\x00\x00"))
	f.Add([]byte(strings.Repeat("\x30\x80", 100)))
	f.Fuzz(func(t *testing.T, data []byte) {
		out := derOf(data)
		if out == nil || out[0] == 0 || out[0]&0x1f == 0 {
			return
		}
		var v asn1.RawValue
		if rest, err := asn1.Unmarshal(out, &v); len(data) > 1 && data[0]&0x20 != 0 && (err != nil || len(rest) > 0) {
			t.Errorf("%x: %x: %v", data, out, err)
		}
	})
}
