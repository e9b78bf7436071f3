package azure

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/fnvet/fnvet/posture/internal/outline"
	"github.com/fnvet/fnvet/posture/model"
)

// Every app and template in testdata gives the outline in the file of its name with .golden.
func TestGolden(t *testing.T) {
	for _, c := range []struct {
		name string
		file string // that it is recognised by
		is   func(string, []byte) bool
		read func(context.Context, *model.Source) (*model.Model, error)
	}{
		{"app", "app/host.json", IsApp, ReadApp},
		{"python", "python/host.json", IsApp, ReadApp},
		{"arm.json", "arm.json", IsARM, ReadARM},
		{"main.bicep", "main.bicep", IsBicep, ReadBicep},
	} {
		t.Run(c.name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", c.file))
			if err != nil {
				t.Fatal(err)
			}
			if !c.is(c.file, data) {
				t.Error("it is not recognised")
			}
			m, err := c.read(context.Background(), &model.Source{Name: c.name, Data: data, FS: os.DirFS("testdata")})
			if err != nil {
				t.Fatal(err)
			}
			outline.Hold(t, filepath.Join("testdata", c.name+".golden"), m)
		})
	}
}
