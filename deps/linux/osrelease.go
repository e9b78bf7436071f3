package linux

import (
	"bytes"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
)

// WantOSRelease says whether a file is an os-release file at the root of its container.
func WantOSRelease(name string) bool {
	return name == "etc/os-release" || name == "usr/lib/os-release"
}

// ParseOSRelease reads os-release(5). It returns nil when there is no ID.
func ParseOSRelease(data []byte) *fnvet.Distro {
	var d fnvet.Distro
	for len(data) > 0 {
		raw, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		key, value, ok := strings.Cut(strings.TrimSpace(string(raw)), "=")
		if !ok || len(value) > entry.MaxField {
			continue
		}
		value = unquote(value)
		switch key {
		case "ID":
			d.ID = value
		case "VERSION_ID":
			d.VersionID = value
		case "PRETTY_NAME":
			d.Name = value
		case "VERSION_CODENAME":
			d.Codename = value
		}
	}
	if d.ID == "" {
		return nil
	}
	return &d
}

// unquote takes off the quotes and backslashes of a shell word.
func unquote(value string) string {
	if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		value = value[1 : n-1]
	}
	return strings.NewReplacer(`\"`, `"`, `\$`, `$`, `\\`, `\`, "\\`", "`").Replace(value)
}
