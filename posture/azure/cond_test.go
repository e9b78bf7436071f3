package azure

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/fnvet/fnvet/posture/model"
)

// A condition goes both ways, whatever its parameter's default, and is known inside
// what it decides.
func TestConditions(t *testing.T) {
	const site = "resource s 'Microsoft.Web/sites@2023-12-01' = "
	for _, c := range []struct {
		name, text string
		want       []string // versions of TLS; nil: no function
		maybe      bool
		reason     string
	}{
		{"choice", "param p bool\n" + site + "{ properties: { siteConfig: { minTlsVersion: p ? '1.0' : '1.2' } } }", []string{"1.0", "1.2"}, false, "not known"},
		{"default", "param p bool = false\n" + site + "{ properties: { siteConfig: { minTlsVersion: p ? '1.0' : '1.2' } } }", []string{"1.0", "1.2"}, false, "a default is no decision"},
		{"value", "param v string = '1.0'\n" + site + "{ properties: { siteConfig: { minTlsVersion: v } } }", []string{"1.0"}, false, "a value has its default"},
		{"certain", "var p = false\n" + site + "{ properties: { siteConfig: { minTlsVersion: p ? '1.0' : '1.2' } } }", []string{"1.2"}, false, "the template decides"},
		{"resource", "param p bool = false\n" + site + "if (p) { properties: { siteConfig: { minTlsVersion: '1.0' } } }", []string{"1.0"}, true, "there, perhaps"},
		{"inside", "param p bool\n" + site + "if (p) { properties: { siteConfig: { minTlsVersion: p ? '1.2' : '1.0' } } }", []string{"1.2"}, true, "it holds where the resource is"},
		{"the opposite inside", "param p bool\n" + site + "if (p) { properties: { siteConfig: { minTlsVersion: !p ? '1.0' : '1.2' } } }", []string{"1.2"}, true, "the same in other words"},
		{"a comparison inside", "param e string\n" + site + "if (e == 'prod') { properties: { siteConfig: { minTlsVersion: e == 'prod' ? '1.2' : '1.0' } } }", []string{"1.2"}, true, "the same text"},
		{"another inside", "param p bool\nparam q bool\n" + site + "if (p) { properties: { siteConfig: { minTlsVersion: q ? '1.2' : '1.0' } } }", []string{"1.2", "1.0"}, true, "another condition"},
		{"never", "var p = false\n" + site + "if (p) { properties: {} }", nil, false, "certain"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := ReadBicep(t.Context(), &model.Source{Name: "main.bicep", Data: []byte(c.text), FS: fstest.MapFS{}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range m.Functions {
				got = append(got, f.Endpoint.MinTLS.Alts...)
				if f.Maybe != c.maybe {
					t.Errorf("maybe %v: %s", f.Maybe, c.reason)
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%s: %s", c.reason, d)
			}
		})
	}
	const arm = `{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","contentVersion":"1.0.0.0","parameters":{"p":{"type":"bool","defaultValue":false}},
"resources":[{"type":"Microsoft.Web/sites","apiVersion":"2023-12-01","name":"s","kind":"functionapp","condition":"[parameters('p')]","properties":{"siteConfig":{"minTlsVersion":"[if(parameters('p'),'1.2','1.0')]"}}}]}`
	m, err := ReadARM(t.Context(), &model.Source{Name: "t.json", Data: []byte(arm), FS: fstest.MapFS{}})
	if err != nil || len(m.Functions) != 1 || !m.Functions[0].Maybe || !cmp.Equal(m.Functions[0].Endpoint.MinTLS.Alts, []string{"1.2"}) {
		t.Errorf("ARM: %v %+v", err, m.Functions)
	}
}
