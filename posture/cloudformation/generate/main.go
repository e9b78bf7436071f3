// Generate writes sam.json: what the policy templates and connectors of the AWS
// Serverless Application Model grant, from the PyPI package aws-sam-translator,
// which pip fetches.
package main

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	version = "1.115.0"
	archive = "aws_sam_translator-" + version + "-py3-none-any.whl"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

// statements is a policy as both files of the package write it.
type statements struct{ Statement json.RawMessage }

func run() error {
	dir, err := os.MkdirTemp("", "sam")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	pip := exec.CommandContext(context.Background(), "pip", "download", "--quiet", "--no-deps", "-d", dir, "aws-sam-translator=="+version) // #nosec G204 -- constants
	pip.Stderr = os.Stderr
	if err := pip.Run(); err != nil {
		return fmt.Errorf("pip: %w", err)
	}
	wheel, err := zip.OpenReader(filepath.Join(dir, archive))
	if err != nil {
		return err
	}
	defer wheel.Close()
	var policies struct {
		Templates map[string]struct {
			Definition statements
		}
	}
	var profiles struct {
		Permissions map[string]map[string]struct {
			Type       string
			Properties struct {
				SourcePolicy     bool
				AccessCategories map[string]statements
			}
		}
	}
	err = errors.Join(read(wheel, "samtranslator/policy_templates_data/policy_templates.json", &policies),
		read(wheel, "samtranslator/model/connector_profiles/profiles.json", &profiles))
	if err != nil {
		return err
	}
	out := map[string]any{"origin": "PyPI aws-sam-translator " + version, "licence": "Apache-2.0", "date": time.Now().UTC().Format(time.DateOnly)}
	templates, connectors := map[string]any{}, map[string]any{}
	for name, t := range policies.Templates {
		templates[name] = t.Definition
	}
	for from, tos := range profiles.Permissions {
		for to, p := range tos {
			if p.Type != "AWS_IAM_ROLE_MANAGED_POLICY" || !p.Properties.SourcePolicy {
				continue
			}
			for access, s := range p.Properties.AccessCategories {
				connectors[strings.Join([]string{from, to, access}, " ")] = s
			}
		}
	}
	out["templates"], out["connectors"] = templates, connectors
	data, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return os.WriteFile("sam.json", append(data, '\n'), 0o644) // #nosec G306 -- a source file
}

func read(wheel *zip.ReadCloser, name string, into any) error {
	f, err := wheel.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return json.NewDecoder(f).Decode(into)
}
