package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/fnvet/fnvet/internal/lazyregexp"
	"github.com/fnvet/fnvet/posture"
	"github.com/fnvet/fnvet/posture/data"
)

// A givenTemplate is one --template, or a target that is a template itself, which
// is read with what lies around it.
type givenTemplate struct {
	Path string // as the user wrote it
	Self bool
}

// checkTemplates refuses names that are not there.
func checkTemplates(paths []string) error {
	for _, p := range paths {
		if _, err := os.Stat(p); err != nil {
			if errors.Is(err, os.ErrNotExist) {
				return hinted{fmt.Errorf("--template: %s: there is no such file or directory", p), "fnvet scan --template template.yaml fn.zip"}
			}
			return fmt.Errorf("--template: %w", err)
		}
	}
	return nil
}

// templateTarget recognises a target that may be a template: the same bytes mean
// more with the files beside them, such as nested stacks and modules.
var templateWords = lazyregexp.New(`(?m)AWSTemplateFormatVersion|["']?Type["']?\s*:\s*["']?AWS::|^["']?(service|provider)["']?\s*:|^\s*(resource|module|variable|provider|terraform)\s+("[^"]*"\s*)*\{|serving\.knative\.dev|"FunctionArn"|"Statement"`)

const maxPeek = 1 << 20

// templateTarget reports whether a target is a file that reads like a template.
func templateTarget(target string) bool {
	switch strings.ToLower(filepath.Ext(target)) {
	case ".yaml", ".yml", ".json", ".template", ".tf", ".cfn", ".bicep":
	default:
		return false
	}
	info, err := os.Stat(target)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(target) // #nosec G304 -- the user names the file
	if err != nil {
		return false
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, maxPeek))
	return err == nil && !bytes.Contains(head, []byte{0}) && templateWords().Match(head)
}

// readPrices reads a price file, which must parse; nil when none is named.
func readPrices(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file) // #nosec G304 -- the user names the file
	if err != nil {
		return nil, fmt.Errorf("--price-file: %w", err)
	}
	if _, err := data.ParsePrices(text); err != nil {
		return nil, hinted{fmt.Errorf("--price-file: %s: %w", file, err), "echo '* * 0.0000166667 0.0000002' > prices.txt"}
	}
	return text, nil
}

// folderOf is the folder of a template, or the folder itself.
func (g *givenTemplate) folderOf() (dir, file string) {
	if info, err := os.Stat(g.Path); err == nil && info.IsDir() {
		return g.Path, ""
	}
	return filepath.Dir(g.Path), filepath.Base(g.Path)
}

// readableFolders are the folders of the templates, for the sandbox.
func (q *walkRequest) readableFolders() []string {
	var dirs []string
	for i := range q.Templates {
		dir, _ := q.Templates[i].folderOf()
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			dir = real
		}
		if abs, err := filepath.Abs(dir); err == nil {
			dirs = append(dirs, abs)
		}
	}
	return dirs
}

// given opens the folders of the templates. Nothing leads out of them: neither ..
// nor a link.
func (q *walkRequest) given() ([]posture.Given, error) {
	var out []posture.Given
	for i := range q.Templates {
		g := &q.Templates[i]
		dir, file := g.folderOf()
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, fmt.Errorf("--template: %w", err)
		}
		path := filepath.ToSlash(filepath.Clean(g.Path))
		if g.Self {
			path = file
		}
		out = append(out, posture.Given{Path: path, FS: root.FS(), File: file, Self: g.Self})
	}
	return out, nil
}
