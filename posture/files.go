package posture

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/azure"
	"github.com/fnvet/fnvet/posture/serverless"
)

// Bounds of what is kept of an artifact for templates.
const (
	maxText  = 4 << 20   // bytes of one file
	maxKept  = 128 << 20 // of all files
	maxNames = 300_000   // of code
)

// textFiles are the extensions of templates and of what they include.
var textFiles = map[string]bool{
	".yml": true, ".yaml": true, ".json": true, ".template": true, ".cfn": true, ".sam": true,
	".tf": true, ".tfvars": true, ".tpl": true, ".tftpl": true, ".tmpl": true, ".hcl": true, ".bicep": true, ".bicepparam": true, ".env": true, ".flags": true,
}

// codeFiles are the extensions of files that a handler may name.
var codeFiles = map[string]bool{
	".js": true, ".mjs": true, ".cjs": true, ".ts": true, ".mts": true, ".cts": true, ".jsx": true, ".tsx": true, ".py": true, ".pyc": true, ".rb": true,
	".class": true, ".java": true, ".kt": true, ".jar": true, ".dll": true, ".cs": true, ".go": true, ".so": true, ".zip": true, ".rs": true, "": true,
}

// foreign are folders of what others wrote, what a build left behind, and tests:
// templates in them are not those of the artifact.
var foreign = map[string]bool{
	"node_modules": true, "bower_components": true, "site-packages": true, "dist-packages": true, "vendor": true, ".venv": true, "venv": true, "__pycache__": true,
	".git": true, ".terraform": true, ".aws-sam": true, ".serverless": true, ".github": true, ".gitlab": true, ".circleci": true, ".vscode": true, ".idea": true,
	"test": true, "tests": true, "__tests__": true, "testdata": true, "fixtures": true, "__fixtures__": true, "__snapshots__": true,
}

// system are the folders of an image that belong to its distribution.
var system = map[string]bool{"usr": true, "lib": true, "lib64": true, "etc": true, "bin": true, "sbin": true, "var/lib": true, "var/cache": true, "proc": true, "sys": true, "boot": true, "dev": true, "run": true}

func inForeign(name string) bool {
	for seg := range strings.SplitSeq(path.Dir(name), "/") {
		if foreign[seg] || strings.HasSuffix(seg, ".dist-info") || strings.HasSuffix(seg, ".egg-info") {
			return true
		}
	}
	return false
}

// inSystem reports a file of an image's distribution.
func inSystem(f *fnvet.File) bool {
	if f.DiffID == "" {
		return false
	}
	first, rest, _ := strings.Cut(f.Name, "/")
	second, _, _ := strings.Cut(rest, "/")
	return system[first] || system[first+"/"+second] || strings.HasPrefix(f.Name, "var/runtime/")
}

func wantText(f *fnvet.File) bool {
	base := path.Base(f.Name)
	ext := strings.ToLower(path.Ext(base))
	// Functions of Azure may be declared by the code.
	return f.Depth <= 1 && f.Size <= maxText && (textFiles[ext] || base == ".env" || strings.HasPrefix(base, ".env.") || serverless.IsProgram(base) || azure.IsCode(f.Name, f.Data)) &&
		!inForeign(f.Name) && !inSystem(f) && !lockfile(base)
}

// lockfile reports large files of package managers, which no template includes.
func lockfile(base string) bool {
	switch base {
	case "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "composer.lock", "Pipfile.lock", "packages.lock.json", "project.assets.json":
		return true
	}
	return strings.HasSuffix(base, ".deps.json")
}

func wantName(f *fnvet.File) bool {
	return f.Depth <= 1 && codeFiles[strings.ToLower(path.Ext(f.Name))] && !strings.Contains(f.Name, "node_modules/") && !inSystem(f)
}

// A tree is the files of one container that may matter. It is an fs.FS.
type tree struct {
	container string
	prefix    string              // of the paths in reports
	files     map[string]*kept    // by name
	names     map[string]struct{} // of code
}

// kept is the text of one file. Most texts are data that no template includes, and
// are asked for once: they are held compressed.
type kept struct {
	name, layer string
	path        string
	packed      []byte // by s2
	size        int64  // of the text
	reader      int    // the row of readers that takes it for a template, or -1
	older       *kept  // of a lower layer
}

// text is the file's own bytes.
func (k *kept) text() []byte {
	data, err := s2.Decode(nil, k.packed)
	if err != nil {
		return nil // not with what Encode made
	}
	return data
}

// keep notes a file.
func (d *Detector) keep(f *fnvet.File) {
	text, name := wantText(f), wantName(f)
	if !text && !name {
		return
	}
	var k *kept
	if text {
		k = &kept{
			name: strings.Clone(f.Name), layer: strings.Clone(f.Layer), path: strings.Clone(f.Path),
			packed: bytes.Clone(s2.Encode(nil, f.Data)), size: f.Size, reader: recognise(f.Name, f.Data),
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.trees[f.Container]
	if t == nil {
		if len(d.trees) > 500 {
			d.cut = true
			return
		}
		t = &tree{container: strings.Clone(f.Container), prefix: strings.Clone(strings.TrimSuffix(f.Path, f.Name)), files: map[string]*kept{}, names: map[string]struct{}{}}
		d.trees[t.container] = t
	}
	if name {
		if len(t.names) >= maxNames {
			d.cut = true
		} else {
			t.names[strings.Clone(f.Name)] = struct{}{}
		}
	}
	if !text {
		return
	}
	if d.kept += f.Size; d.kept > maxKept {
		d.cut = true
		return
	}
	k.older = t.files[k.name]
	t.files[k.name] = k
}

// settle drops what a later layer removes.
func (t *tree) settle(removed func(path, layer string) bool) {
	for name, k := range t.files {
		for k != nil && removed(k.path, k.layer) {
			k = k.older
		}
		if k == nil {
			delete(t.files, name)
			continue
		}
		t.files[name] = k
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Open gives a file, or a folder with its entries.
func (t *tree) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if k := t.files[name]; k != nil {
		return &openFile{Reader: bytes.NewReader(k.text()), info: info{name: path.Base(name), size: k.size}}, nil
	}
	entries := t.entries(name)
	if len(entries) == 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &openDir{info: info{name: path.Base(name), dir: true}, entries: entries}, nil
}

func (t *tree) entries(dir string) []fs.DirEntry {
	prefix := dir + "/"
	if dir == "." {
		prefix = ""
	}
	seen := map[string]info{}
	for name, k := range t.files {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		if first, _, deeper := strings.Cut(rest, "/"); deeper {
			seen[first] = info{name: first, dir: true}
		} else {
			seen[first] = info{name: first, size: k.size}
		}
	}
	var out []fs.DirEntry
	for _, name := range sortedKeys(seen) {
		out = append(out, fs.FileInfoToDirEntry(seen[name]))
	}
	return out
}

type openFile struct {
	*bytes.Reader
	info info
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

type openDir struct {
	info    info
	entries []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }
func (d *openDir) Read([]byte) (int, error)   { return 0, errors.New("is a directory") }

func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(d.entries) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.entries) {
		n = len(d.entries)
	}
	out := d.entries[:n]
	d.entries = d.entries[n:]
	return out, nil
}

// info describes a file or folder of a tree.
type info struct {
	name string
	size int64
	dir  bool
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.dir }
func (i info) Sys() any           { return nil }

func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}
