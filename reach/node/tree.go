package node

import (
	"bytes"
	"path"
	"strings"
)

// A File is one file of a file system, as a Tree needs it.
type File struct {
	Name   string // slash-separated, from the root, without a leading slash
	Link   string // target, of a symbolic link
	Source Source
	kind   fileKind
	pkg    *manifest // of a package.json
	shown  bool      // it exports something: it may be a handler
}

type fileKind uint8

const (
	otherFile fileKind = iota // there, and nothing more
	script                    // JavaScript that was scanned
	jsonFile
	addon
	typed  // TypeScript
	config // a text file of the program that may name modules
)

// maxScript bounds what is lexed, in bytes.
const maxScript = 64 << 20

// maxConfig bounds the text files whose words are read, in bytes.
const maxConfig = 1 << 20

// configs are extensions of text files in which programs name plugins.
var configs = map[string]bool{".yaml": true, ".yml": true, ".toml": true, ".ini": true, ".env": true, ".properties": true}

// Wants says whether a file belongs into a Tree, by its name.
func Wants(name string) bool {
	switch ext := path.Ext(name); ext {
	case ".js", ".mjs", ".cjs", ".json", ".node":
		return true
	case ".ts", ".mts", ".cts":
		return !strings.HasSuffix(strings.TrimSuffix(name, ext), ".d") && !strings.Contains("/"+name, "/node_modules/")
	default:
		if configs[ext] {
			return !strings.Contains("/"+name, "/node_modules/")
		}
		base := path.Base(name)
		return !strings.Contains(base, ".") || base[0] == '.' && strings.HasSuffix(base, "rc")
	}
}

// Read makes a File of content that Wants took. It keeps nothing of data.
func Read(name string, data []byte) File {
	f := File{Name: name}
	ext := path.Ext(name)
	own := !strings.Contains("/"+name, "/node_modules/")
	switch {
	case path.Base(name) == "package.json":
		f.kind = jsonFile
		m, err := readManifest(data)
		if f.pkg = m; err != nil {
			f.Source.Flags |= Broken
		}
	case ext == ".json":
		f.kind = jsonFile
		if base := path.Base(name); own && len(data) <= maxConfig && base != "package-lock.json" && base != "npm-shrinkwrap.json" {
			f.Source = ScanWords(data)
		}
	case ext == ".node":
		f.kind = addon
	case configs[ext] || strings.HasSuffix(ext, "rc"):
		f.kind = config
		if len(data) <= maxConfig {
			f.Source = ScanWords(data)
		}
	case len(data) > maxScript:
		f.kind, f.Source.Flags = script, Dynamic|Broken
	case ext == "":
		if !text(data) {
			return f
		}
		f.kind, f.Source = script, Scan(data)
	default:
		f.kind, f.Source = script, Scan(data)
		if strings.HasSuffix(ext, "ts") {
			f.kind = typed
		}
		f.shown = own && bytes.Contains(data, []byte("export"))
	}
	return f
}

// text says whether a file without an extension may be a script.
func text(data []byte) bool {
	return len(data) > 0 && len(data) <= 8<<20 && bytes.IndexByte(data[:min(len(data), 1024)], 0) < 0
}

// packageDir is the directory of the package that a file or directory is in:
// up to the name after the last node_modules, or "" for a program's own code.
func packageDir(name string) string {
	i := strings.LastIndex("/"+name, "/node_modules/")
	if i < 0 {
		return ""
	}
	rest := name[i+len("node_modules/"):]
	pkg := packagePart(rest)
	return name[:i+len("node_modules/")+len(pkg)]
}

// Main is the main of a package.json, else "".
func (f *File) Main() string {
	if f.pkg == nil {
		return ""
	}
	return f.pkg.main
}

// Start is the start script of a package.json, else "".
func (f *File) Start() string {
	if f.pkg == nil {
		return ""
	}
	return f.pkg.start
}
