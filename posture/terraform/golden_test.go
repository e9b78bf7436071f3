package terraform

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/fnvet/fnvet/posture/internal/outline"
	"github.com/fnvet/fnvet/posture/model"
)

// Every directory in testdata gives the outline in the file of its name with .golden.
func TestGolden(t *testing.T) {
	dirs, err := filepath.Glob("testdata/*/main.tf")
	if err != nil || len(dirs) == 0 {
		t.Fatal("there is no configuration", err)
	}
	for _, file := range dirs {
		name := filepath.Base(filepath.Dir(file))
		t.Run(name, func(t *testing.T) {
			m, err := Read(context.Background(), &model.Source{Name: name, FS: os.DirFS("testdata")})
			if err != nil {
				t.Fatal(err)
			}
			outline.Hold(t, filepath.Join("testdata", name+".golden"), m)
		})
	}
}

// Plans and states give the outline in the file of their name with .golden.
func TestPlans(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("there is no plan", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !IsPlan(file, data) {
				t.Error("it is not recognised")
			}
			m, err := ReadPlan(context.Background(), &model.Source{Name: filepath.Base(file), Data: data})
			if err != nil {
				t.Fatal(err)
			}
			outline.Hold(t, file+".golden", m)
		})
	}
}
