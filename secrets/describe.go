package secrets

import (
	"strings"

	"github.com/fnvet/fnvet"
)

// severityOf grades what a leaked credential of the rule's kind is worth,
// wherever it is found.
//
//	critical  private keys: they prove an identity on their own, often for years,
//	          and cannot be limited after the fact
//	high      credentials of one provider, known by their format or its name
//	medium    guesses by a variable's name (high where the name says outright
//	          that it is a secret), credentials of test systems, and files that
//	          hold keys behind a password
//	low       public halves and client identifiers: no secret alone, but they
//	          tell which account to attack
func severityOf(r *rule) fnvet.Severity {
	switch r.id {
	case "private-key", "putty-private-key", "jwk-private-key", "age-secret-key", "1password-secret-key", "1password-service-account-token":
		return fnvet.Critical
	case "pkcs12-file", "easypost-test-api-token", "jwt", "jwt-base64", "facebook-access-token":
		return fnvet.Medium
	}
	if strings.HasPrefix(r.id, "flutterwave") || r.generic {
		if strings.HasSuffix(r.id, "public-key") {
			return fnvet.Low
		}
		return fnvet.Medium // flutterwave: the formats of its test mode only
	}
	for _, suffix := range []string{"-client-id", "-public-key", "-access-id", "-api-id", "-user-id"} {
		if strings.HasSuffix(r.id, suffix) {
			return fnvet.Low
		}
	}
	return fnvet.High
}

// confidenceOf says how sure a match of the rule in such a place is a live
// secret. Formats are surer than names, and names mean little in other people's
// code, in documentation and in tests.
func confidenceOf(r *rule, p place) fnvet.Confidence {
	guess := r.generic || r.assigned
	switch {
	case guess && (p.thirdParty || p.docs || p.lock), p.thirdParty && (p.docs || loose(r.id)), p.docs && loose(r.id) && !shared(r.id):
		return fnvet.ConfidenceLow
	case guess, p.docs, loose(r.id):
		return fnvet.ConfidenceMedium
	}
	return fnvet.ConfidenceHigh
}

// shared names loose formats that are worth a look even in documentation and tests.
func shared(id string) bool {
	switch id {
	case "jwt", "jwt-base64", "pkcs12-file", "curl-auth-user", "curl-auth-header", "kubernetes-secret-yaml", "nuget-config-password":
		return true
	}
	return false
}

// loose names the formats that other things have too.
func loose(id string) bool {
	switch id {
	case "jwt", "jwt-base64", "twilio-api-key", "facebook-access-token", "sourcegraph-access-token", "pkcs12-file",
		"square-access-token", "vault-service-token", "octopus-deploy-api-key", "azure-ad-client-secret",
		"aws-session-token", "azure-sas-signature", "tencent-secret-id", "crates-io-token", "blockfrost-project-id", "statsig-secret-key",
		"launchdarkly-sdk-key", "exoscale-api-key", "scaleway-access-key", "firebase-server-key", "close-api-key",
		"google-oauth-refresh-token", "unleash-token", "rancher-token", "checkly-api-key", "woocommerce-secret", "laravel-app-key",
		"curl-auth-user", "curl-auth-header", "kubernetes-secret-yaml", "nuget-config-password":
		return true
	}
	return false
}

// titleOf turns a rule id into words: "aws-access-token" is "AWS access token".
func titleOf(id string) string {
	words := strings.FieldsFunc(id, func(r rune) bool { return r == '-' || r == '_' })
	for i, w := range words {
		words[i] = properWord(w, i == 0)
	}
	return strings.Join(words, " ")
}

func properWord(w string, first bool) string {
	switch w {
	case "aws", "api", "gcp", "jwt", "npm", "url", "id", "ad", "ptt", "rrt", "scim", "pkcs12", "cicd", "ca", "sdk", "ssh", "tf", "yaml", "sas":
		return strings.ToUpper(w)
	case "pat":
		return "personal access token"
	case "github", "gitlab", "openai", "pypi", "linkedin", "newrelic", "nytimes", "jfrog", "mailchimp", "rubygems",
		"sendgrid", "mailgun", "digitalocean", "planetscale", "launchdarkly", "hubspot", "hashicorp":
		return brand(w)
	}
	if first && w != "" {
		return strings.ToUpper(w[:1]) + w[1:]
	}
	return w
}

// brand writes a provider's name as the provider does.
func brand(w string) string {
	for _, b := range []string{
		"GitHub", "GitLab", "OpenAI", "PyPI", "LinkedIn", "NewRelic", "NYTimes", "JFrog", "Mailchimp", "RubyGems",
		"SendGrid", "Mailgun", "DigitalOcean", "PlanetScale", "LaunchDarkly", "HubSpot", "HashiCorp",
	} {
		if strings.EqualFold(b, w) {
			return b
		}
	}
	return w
}

// remediation is one line of what to do about a finding.
func remediation(r *rule) string {
	switch {
	case r.id == "private-key" || r.id == "pkcs12-file" || r.id == "age-secret-key":
		return "Replace the key pair, revoke certificates issued for it, and load the new key at run time from a secret manager."
	case r.generic:
		return "If this is a credential, revoke it and load its successor at run time from a secret manager."
	}
	return "Revoke this credential at its provider, then load its successor at run time from a secret manager; deleting the line is not enough."
}
