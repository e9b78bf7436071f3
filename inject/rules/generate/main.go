// Command generate writes the built-in tables as JSON, which is read in a fifth of
// the time that YAML takes. It is run by "go generate ./inject/rules".
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate: error:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func run() error {
	names, err := filepath.Glob("*.yaml")
	if err != nil || len(names) == 0 {
		return fmt.Errorf("no tables here: %w", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var table map[string]any
		if err := yaml.Unmarshal(data, &table); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		var out bytes.Buffer
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false)
		if err := e.Encode(table); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(strings.TrimSuffix(name, ".yaml")+".json", out.Bytes(), 0o644); err != nil { //nolint:gosec // a source file
			return err
		}
	}
	return nil
}
