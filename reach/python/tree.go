package python

import (
	"bytes"
	"path"
	"strings"
)

// A File is one file of a file system, as Reach needs it.
type File struct {
	Name   string // slash-separated, from the root, without a leading slash
	Source Source
	kind   fileKind
	dist   *dist // of a METADATA, PKG-INFO, RECORD, top_level.txt or entry_points.txt
	shown  bool  // it defines a function: it may be the handler
}

type fileKind uint8

const (
	otherFile fileKind = iota
	module             // source
	opaque             // an extension or compiled module
	config             // text that may name modules
	pickled            // data that names modules
	start              // .pth: lines that run at start
)

// dist is what one file of a *.dist-info or *.egg-info states.
type dist struct {
	dir      string // of the files, relative to the root
	needs    []string
	packages []string // directories that hold its modules, from RECORD
	modules  []string // single modules, from RECORD
	top      []string // top_level.txt
	plugins  bool
	record   bool
	manifest bool
}

const (
	maxSource = 32 << 20
	maxConfig = 1 << 20
	maxRecord = 16 << 20
)

var textual = map[string]bool{".yaml": true, ".yml": true, ".toml": true, ".ini": true, ".cfg": true, ".env": true, ".json": true}

var pickles = map[string]bool{".pkl": true, ".pickle": true, ".joblib": true, ".p": true, ".sav": true, ".pck": true, ".dill": true}

// Wants says whether a file belongs among those of Reach, by its name.
func Wants(name string) bool {
	switch ext := path.Ext(name); {
	case ext == ".py", ext == ".so", ext == ".pyd", ext == ".pth", pickles[ext]:
		return true
	case ext == ".pyc":
		return !strings.Contains(name, "__pycache__/")
	case infoDir(name) != "":
		switch path.Base(name) {
		case "METADATA", "PKG-INFO", "RECORD", "top_level.txt", "entry_points.txt", "installed-files.txt":
			return true
		}
		return false
	default:
		return textual[ext] && strings.Count(name, "/") < 4 && !strings.Contains("/"+name, "/node_modules/")
	}
}

// infoDir is the *.dist-info or *.egg-info directory that a file is right in, or "".
func infoDir(name string) string {
	dir := path.Dir(name)
	if strings.HasSuffix(dir, ".dist-info") || strings.HasSuffix(dir, ".egg-info") {
		return dir
	}
	return ""
}

// Read makes a File of content that Wants took. It keeps nothing of data.
func Read(name string, data []byte) File {
	f := File{Name: name}
	if dir := infoDir(name); dir != "" {
		f.dist = readInfo(dir, path.Base(name), data)
		return f
	}
	switch ext := path.Ext(name); {
	case ext == ".py" && len(data) > maxSource:
		f.kind, f.Source.Flags = module, Dynamic|Broken
	case ext == ".py":
		f.kind, f.Source = module, Scan(data)
		f.shown = bytes.Contains(data, []byte("def "))
	case ext == ".so", ext == ".pyd":
		f.kind, f.Source = opaque, ScanOpaque(data)
	case ext == ".pyc":
		f.kind, f.Source = opaque, ScanOpaque(data)
		f.Source.Flags |= Dynamic
	case ext == ".pth":
		f.kind = start
		if len(data) <= maxConfig {
			f.Source = Scan(data)
			f.Source.Flags &^= Broken
		}
	case pickles[ext]:
		f.kind = pickled
	case len(data) <= maxConfig:
		f.kind, f.Source = config, ScanOpaque(data)
	}
	return f
}

func readInfo(dir, base string, data []byte) *dist {
	d := &dist{dir: strings.Clone(dir)}
	if len(data) > maxRecord {
		return d
	}
	switch base {
	case "METADATA", "PKG-INFO":
		d.manifest = true
		d.needs = requires(data)
	case "RECORD", "installed-files.txt":
		d.record = base == "RECORD"
		d.files(data)
	case "top_level.txt":
		for line := range bytes.Lines(data) {
			if s := strings.TrimSpace(string(line)); s != "" && len(d.top) < 1000 {
				d.top = append(d.top, s)
			}
		}
	case "entry_points.txt":
		for line := range bytes.Lines(data) {
			s := strings.TrimSpace(string(line))
			if strings.HasPrefix(s, "[") && s != "[console_scripts]" && s != "[gui_scripts]" {
				d.plugins = true
			}
		}
	}
	return d
}

// requires reads the Requires-Dist headers.
func requires(data []byte) []string {
	var out []string
	for line := range bytes.Lines(data) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break // the description follows
		}
		rest, ok := bytes.CutPrefix(line, []byte("Requires-Dist:"))
		if !ok {
			continue
		}
		rest = bytes.TrimSpace(rest)
		end := 0
		for end < len(rest) && (wordByte(rest[end]) || rest[end] == '-' || rest[end] == '.') {
			end++
		}
		out = append(out, normal(string(rest[:end])))
	}
	return out
}

// normal is the normalised name of a distribution (PEP 503).
func normal(name string) string {
	return strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(name))
}

// files reads the paths of RECORD: directories with modules, and single modules.
func (d *dist) files(data []byte) {
	seen := make(map[string]bool)
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if i := bytes.IndexByte(line, ','); i >= 0 {
			line = line[:i]
		}
		line = bytes.Trim(line, `"`)
		if !bytes.HasSuffix(line, []byte(".py")) && !bytes.HasSuffix(line, []byte(".so")) && !bytes.HasSuffix(line, []byte(".pyd")) {
			continue
		}
		i := bytes.LastIndexByte(line, '/')
		if i < 0 {
			if len(d.modules) < 10_000 {
				d.modules = append(d.modules, string(line))
			}
			continue
		}
		if dir := line[:i]; !seen[string(dir)] && len(seen) < 20_000 && !bytes.HasPrefix(dir, []byte("..")) {
			seen[string(dir)] = true
			d.packages = append(d.packages, string(dir))
		}
	}
}
