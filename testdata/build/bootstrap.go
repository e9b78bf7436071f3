package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// buildBootstrap compiles testdata/gofn for Lambda's provided runtimes and
// writes out/bootstrap.zip. It needs the Go modules that gofn pins.
func buildBootstrap(ctx context.Context, dir, out string) error {
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil { //nolint:gosec // a build folder
		return err
	}
	binary := filepath.Join(out, "bootstrap")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", binary, ".")
	cmd.Dir = filepath.Join(dir, "gofn")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=-mod=readonly", "GOWORK=off")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, text)
	}
	data, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	packed, err := zipped([]entry{{name: "bootstrap", mode: 0o755, data: data}})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "bootstrap.zip"), packed, 0o644) //nolint:gosec // a build folder
}
