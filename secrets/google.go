package secrets

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

const serviceAccountID = "google-service-account"

func serviceAccountRule() fnvet.Rule {
	return fnvet.Rule{
		ID: idPrefix + serviceAccountID, Kind: fnvet.SecretKind, Severity: fnvet.Critical,
		Title: "Google service account key",
		Help: "The JSON key of a Google service account holds its private key: whoever can read the package acts as the account in its project. " +
			"Delete the key in the project's IAM page, and give the function the account itself, or a workload identity, in its place. " +
			"Documented at " + serviceAccountPage + ".",
	}
}

const serviceAccountPage = "https://cloud.google.com/iam/docs/keys-create-delete"

// A serviceAccount is what a key file of Google's says of an account.
type serviceAccount struct {
	Type    string `json:"type"`
	Project string `json:"project_id"`
	Email   string `json:"client_email"`
}

// maxAround is how far around a private key the rest of its JSON object is looked
// for, in bytes.
const maxAround = 2048

// asServiceAccount makes a finding of a private key one of a Google service
// account, when it stands in the JSON of one. The private key was judged before.
func asServiceAccount(c *candidate, f *fnvet.Finding) {
	from, to := max(0, c.secretStart-maxAround), min(len(c.data), c.secretEnd+maxAround)
	open := bytes.LastIndexByte(c.data[from:c.secretStart], '{')
	end := bytes.IndexByte(c.data[c.secretEnd:to], '}')
	if open < 0 || end < 0 {
		return
	}
	// The key itself is left out: nothing of it is copied.
	head, tail := c.data[from+open:c.secretStart], c.data[c.secretEnd:c.secretEnd+end+1]
	object := append(bytes.Clone(head), tail...)
	if bytes.Contains(head, []byte(`\"`)) { // JSON in a string of another file
		var plain string
		if json.Unmarshal(slices.Concat([]byte(`"`), object, []byte(`"`)), &plain) != nil {
			return
		}
		object = []byte(plain)
	}
	var a serviceAccount
	if json.Unmarshal(object, &a) != nil || a.Type != "service_account" || !plainName(a.Email) || !strings.HasSuffix(a.Email, "gserviceaccount.com") {
		return
	}
	r := serviceAccountRule()
	f.ID, f.Severity, f.Title = r.ID, r.Severity, r.Title+" of "+a.Email
	if plainName(a.Project) {
		f.Title += " in project " + a.Project
	}
	f.Secret.Rule = serviceAccountID
	f.References = []string{serviceAccountPage}
	f.Remediation = "Delete the key in the project's IAM page and give the function the account itself."
}

// maxPlain is the longest name that is shown, in bytes: Google's own limit for an
// account's address is shorter.
const maxPlain = 128

// plainName reports whether a text is a name that can be shown: letters, digits,
// and what stands between them in addresses.
func plainName(s string) bool {
	return s != "" && len(s) <= maxPlain && strings.Trim(s, base62+"@.:_-") == ""
}
