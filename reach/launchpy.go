package reach

import (
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/reach/python"
)

// conventionalPython are the files that are handlers when nothing else is said,
// from the documentation of Lambda, Azure Functions and Google Cloud Functions.
var conventionalPython = [...]string{
	"lambda_function.py", "app.py", "main.py", "handler.py", "index.py", "function_app.py", "function.py", "lambda_handler.py", "server.py",
	"src/lambda_function.py", "src/app.py", "src/main.py", "src/handler.py", "app/main.py", "app/app.py",
}

// pythonProgram says how a file system starts under Python, if it does.
func (d *Detector) pythonProgram(container string, files []python.File) (python.Program, bool) {
	p := python.Program{}
	c := d.artifact.Config
	image := d.artifact.Type == "image"
	ok := false
	found, unsure := d.handlers("python", c.Runtime)
	switch {
	case len(found) > 0 && container == "":
		for _, h := range found {
			root := path.Join(taskDir(image, c.WorkingDir), h.root)
			if !slices.Contains(p.Roots, root) {
				p.Roots = append(p.Roots, root)
			}
			p.Modules = append(p.Modules, handlerModule(h.handler))
		}
		ok = !notPython(c.Runtime)
	case container == "" && cmpOr(d.options.Handler, c.Handler) != "":
		return p, false
	case image:
		ok = d.pythonCommand(&p, append(slices.Clone(c.Entrypoint), c.Cmd...))
	case !notPython(c.Runtime):
		p.Guessed, p.Roots = true, []string{""}
		ok = guessPython(&p, files)
	}
	if container == "" {
		p.Free = unsure || d.env["AWS_LAMBDA_EXEC_WRAPPER"] != ""
		for dir := range strings.SplitSeq(d.env["PYTHONPATH"], ":") {
			if dir != "" {
				p.Roots = append(p.Roots, strings.Trim(path.Clean("/"+dir), "/"))
			}
		}
	}
	p.Roots = append(p.Roots, sitePackages(files)...)
	return p, ok
}

func taskDir(image bool, dir string) string {
	if image {
		return workingDir(dir)
	}
	return ""
}

func notPython(runtime string) bool {
	return runtime != "" && !strings.HasPrefix(runtime, "python")
}

// handlerModule is the module of a Lambda handler: up to its last dot.
func handlerModule(handler string) string {
	i := strings.LastIndexByte(handler, '.')
	if i < 0 {
		return ""
	}
	return strings.ReplaceAll(strings.Trim(handler[:i], "/"), "/", ".")
}

// sitePackages are the directories of installed packages that an interpreter or
// Lambda puts on sys.path.
func sitePackages(files []python.File) []string {
	seen := map[string]bool{"opt/python": true, "var/runtime": true}
	for i := range files {
		name := files[i].Name
		for _, dir := range []string{"/site-packages/", "/dist-packages/"} {
			if at := strings.Index("/"+name, dir); at >= 0 {
				seen[name[:at+len(dir)-2]] = true
			}
		}
	}
	dirs := make([]string, 0, len(seen))
	for d := range seen {
		dirs = append(dirs, d)
	}
	slices.Sort(dirs)
	return dirs
}

func guessPython(p *python.Program, files []python.File) bool {
	names := make(map[string]bool)
	for i := range files {
		names[files[i].Name] = true
	}
	for _, c := range conventionalPython {
		if names[c] {
			p.Scripts = []string{c}
			if dir := path.Dir(c); dir != "." {
				p.Roots = append(p.Roots, dir)
			}
			return true
		}
	}
	return false
}

// pythonCommand understands how an image starts: python with a script or -m, a
// Lambda handler, gunicorn and uvicorn.
func (d *Detector) pythonCommand(p *python.Program, words []string) bool {
	dir := workingDir(cmpOr(d.artifact.Config.WorkingDir, "/"))
	words = d.unwrap(words)
	if len(words) == 0 {
		return false
	}
	p.Roots = []string{dir}
	base := path.Base(words[0])
	switch {
	case base == "python" || strings.HasPrefix(base, "python3"):
		return pythonArguments(p, dir, words[1:])
	case base == "lambda-entrypoint.sh" && len(words) > 1:
		p.Roots = []string{workingDir(d.artifact.Config.WorkingDir)}
		p.Modules = []string{handlerModule(words[len(words)-1])}
		return true
	case base == "gunicorn" || base == "uvicorn" || base == "hypercorn":
		return served(p, base, words[1:])
	case len(words) == 1 && strings.Contains(words[0], "."):
		p.Modules = []string{handlerModule(words[0])}
		return true
	}
	return false
}

func pythonArguments(p *python.Program, dir string, words []string) bool {
	for len(words) > 0 && strings.HasPrefix(words[0], "-") {
		switch words[0] {
		case "-u", "-B", "-O", "-OO", "-s", "-S", "-E", "-I", "-q", "-v":
			words = words[1:]
		case "-W", "-X":
			words = words[min(2, len(words)):]
		case "-m":
			if len(words) < 2 {
				return false
			}
			return moduleArguments(p, words[1:])
		default:
			return false
		}
	}
	if len(words) == 0 {
		return false
	}
	script := inDir(dir, words[0])
	p.Scripts = []string{script}
	if at := path.Dir(script); at != "." {
		p.Roots = append([]string{at}, p.Roots...)
	}
	return true
}

func moduleArguments(p *python.Program, words []string) bool {
	switch words[0] {
	case "gunicorn", "uvicorn", "hypercorn":
		return served(p, words[0], words[1:])
	case "awslambdaric":
		if len(words) < 2 {
			return false
		}
		p.Modules = []string{"awslambdaric.__main__", handlerModule(words[len(words)-1])}
		return true
	}
	p.Modules = []string{words[0], words[0] + ".__main__"}
	return true
}

// served is a web server: its own program and the MODULE:NAME it serves.
func served(p *python.Program, server string, words []string) bool {
	for _, w := range words {
		if mod, _, ok := strings.Cut(w, ":"); ok && !strings.HasPrefix(w, "-") && !strings.ContainsAny(mod, "/[") && strings.Trim(mod, "0123456789.") != "" {
			p.Modules = []string{mod, server, server + ".__main__", server + ".main", server + ".app.wsgiapp"}
			return true
		}
	}
	return false
}
