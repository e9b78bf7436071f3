package server

import (
	"fmt"
	"strings"
	"testing"
)

func TestConfigurationIsChecked(t *testing.T) {
	t.Setenv("FNVET_TEST_SECRET", "x")
	for _, r := range []struct{ text, want string }{
		{"registries: [{host: a/b}]", "no host"},
		{"registries: [{host: a}, {host: a}]", "twice"},
		{"registries: [{host: a, username: u}]", "go together"},
		{"registries: [{host: a, password: written-out, username: u}]", "never written out"},
		{"registries: [{host: a, password: 'env:FNVET_TEST_NONE', username: u}]", "is empty"},
		{"sources: [{source: nobody, secret: 'env:FNVET_TEST_SECRET'}]", "none of"},
		{"sources: [{source: harbor}]", "wants a secret"},
		{"sources: [{source: pubsub}]", "audience"},
		{"sources: [{source: harbor, secret: 'env:FNVET_TEST_SECRET', registry: x}]", "no registry is named"},
		{"tokens: [{name: a, hash: plain, scopes: [read]}]", "64 hex digits"},
		{"tokens: [{name: a, hash: '" + HashToken("x") + "', scopes: [fly]}]", "none of read"},
		{"notifications: [{name: n, url: 'env:FNVET_TEST_SECRET'}]", "URL"},
		{"proxy_login: {header: X, from: [all]}", "no prefix"},
		{"proxy_login: {header: X, from: [10.0.0.0/8], scopes: [fly]}", "none of read"},
		{"{url: 'https://f.example', oidc_login: {issuer: 'https://i.example', client_id: a}}", "groups"},
		{"{url: 'https://f.example', oidc_login: {issuer: 'http://i.example', client_id: a, groups: {g: [read]}}}", "no https URL"},
		{"{url: 'http://f.example', oidc_login: {issuer: 'https://i.example', client_id: a, groups: {g: [read]}}}", "wants url"},
		{"{url: 'https://f.example', oidc_login: {issuer: 'https://i.example', client_id: a, groups: {g: [fly]}}}", "none of read"},
		{"{url: 'https://f.example', oidc_login: {issuer: 'https://i.example', client_id: a, groups: {g: [read]}, session: 1s}}", "at least 1m"},
		{"{url: 'https://f.example', oidc_login: {issuer: 'https://i.example', client_id: a, groups: {g: [read]}, scopes: [email]}}", "openid"},
		{"layer_cache_mib: -1", "size in MiB"},
		{"layer_cache_age: 1s", "at least 1h"},
		{"installation_key: written-out", "never written out"},
		{"unheard: of", "not found"},
	} {
		if _, err := ParseFile([]byte(r.text)); err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s: error %v, want %q", r.text, err, r.want)
		}
	}
	f, err := ParseFile([]byte("registries: [{host: a, username: u, password: 'env:FNVET_TEST_SECRET'}]"))
	if err != nil {
		t.Fatal(err)
	}
	if words := fmt.Sprintf("%v %+v %#v %s", f, *f, f.Registries[0], f.Registries[0].Password); strings.Contains(words, `"x"`) || strings.Contains(words, "{x}") {
		t.Errorf("a secret is printed: %s", words)
	}
}
