package check_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/azure"
	"github.com/fnvet/fnvet/posture/check"
	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/terraform"
)

// Azure's apps in Bicep, and one that is well built.
func TestAzureInBicep(t *testing.T) {
	const faulty = `resource site 'Microsoft.Web/sites@2023-12-01' = {
  name: 'shop'
  location: 'westeurope'
  kind: 'functionapp,linux'
  properties: {
    httpsOnly: false
    siteConfig: {
      linuxFxVersion: 'NODE|16'
      minTlsVersion: '1.0'
      cors: { allowedOrigins: [ '*' ] }
      appSettings: [
        { name: 'API_TOKEN', value: 's3cr3t-live-9f8e7d6c' }
        { name: 'DB_PASSWORD', value: '@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/db/)' }
      ]
    }
  }
}
`
	well := strings.NewReplacer("httpsOnly: false", "httpsOnly: true", "NODE|16", "NODE|24", "'1.0'", "'1.2'", "'*'", "'https://shop.example'",
		"{ name: 'API_TOKEN', value: 's3cr3t-live-9f8e7d6c' }", "").Replace(faulty)
	for text, want := range map[string]string{
		faulty: "config/cors-any-origin config/env-secret config/https-not-required config/old-tls config/runtime-deprecated",
		well:   "",
	} {
		m, err := azure.ReadBicep(t.Context(), &model.Source{Name: "main.bicep", Data: []byte(text), FS: fstest.MapFS{"main.bicep": {Data: []byte(text)}}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range check.Run(m, check.Context{Now: time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)}) {
			if f.Severity.Rank() >= fnvet.Low.Rank() {
				got = append(got, f.ID)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, strings.Join(slices.Compact(got), " ")); diff != "" {
			t.Error(diff)
		}
	}
}

// Stacks of other clouds in Terraform, with what is said of them at low or above.
func TestOtherCloudsInTerraform(t *testing.T) {
	for name, want := range map[string]string{
		"google-faulty": "config/env-secret config/iam-managed-policy config/ingress-all config/no-concurrency-limit config/public-invoker config/runtime-deprecated",
		"google-well":   "",
	} {
		t.Run(name, func(t *testing.T) {
			m, err := terraform.Read(t.Context(), &model.Source{Name: ".", FS: os.DirFS(filepath.Join("testdata/clouds", name))})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range check.Run(m, check.Context{Now: time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)}) {
				if f.Severity.Rank() >= fnvet.Low.Rank() {
					got = append(got, f.ID)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(strings.Fields(want), slices.Compact(got), cmp.Transformer("joined", func(s []string) string { return strings.Join(s, " ") })); diff != "" {
				t.Error(diff)
			}
		})
	}
}
