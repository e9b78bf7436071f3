package reach

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/reach/node"
)

// lambdaPaths are the directories of packages that Lambda's Node.js runtimes
// put into NODE_PATH, within the file system of an image or of layers.
// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-layers.html
var lambdaPaths = [...]string{
	"opt/nodejs/node_modules", "opt/nodejs/node18/node_modules", "opt/nodejs/node20/node_modules",
	"opt/nodejs/node22/node_modules", "opt/nodejs/node24/node_modules", "var/runtime/node_modules", "var/runtime", "var/task", "",
}

// legacyPaths are directories that require tries last.
var legacyPaths = [...]string{"root/.node_modules", "root/.node_libraries", "usr/local/lib/node", "usr/lib/node", "usr/share/nodejs", "usr/lib/nodejs"}

// conventional are the files that are handlers when nothing else is said, first
// come first, from the documentation of Lambda, Azure Functions, Google Cloud
// Functions and the Serverless Framework.
var conventional = [...]string{
	"index.mjs", "index.js", "index.cjs", "handler.js", "handler.mjs", "handler.cjs", "app.js", "app.mjs", "app.cjs",
	"main.js", "main.mjs", "main.cjs", "lambda.js", "lambda.mjs", "function.js", "server.js", "server.mjs",
	"src/index.js", "src/index.mjs", "src/handler.js", "src/app.js", "src/main.js", "dist/index.js", "dist/index.mjs", "dist/main.js", "dist/handler.js", "dist/app.js",
}

// nodeProgram says how a file system starts under Node.js, if it does.
func (d *Detector) nodeProgram(container string, files []node.File) (node.Program, bool) {
	p := node.Program{Paths: slices.Concat(lambdaPaths[:], legacyPaths[:])}
	if container == "" {
		for dir := range strings.SplitSeq(d.env["NODE_PATH"], ":") {
			if dir = strings.Trim(path.Clean("/"+dir), "/"); dir != "" {
				p.Paths = append(p.Paths, dir)
			}
		}
		d.nodeOptions(&p)
	}
	c := d.artifact.Config
	found, unsure := d.handlers("nodejs", c.Runtime)
	p.Free = p.Free || unsure && container == ""
	switch {
	case len(found) > 0 && container == "":
		dir := "."
		if d.artifact.Type == "image" {
			dir = workingDir(c.WorkingDir)
		}
		for _, h := range found {
			p.Entries = append(p.Entries, handlerFile(path.Join(dir, h.root), h.handler))
		}
		return p, !notNode(c.Runtime)
	case container == "" && cmpOr(d.options.Handler, c.Handler) != "":
		return p, false
	case d.artifact.Type == "image":
		words := append(slices.Clone(c.Entrypoint), c.Cmd...)
		return p, d.command(&p, words, files, 0)
	case notNode(c.Runtime):
		return p, false
	}
	p.Guessed = true
	p.Entries = guess(files)
	return p, len(p.Entries) > 0
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func notNode(runtime string) bool {
	return runtime != "" && !strings.HasPrefix(runtime, "nodejs")
}

func workingDir(dir string) string {
	if dir == "" {
		dir = "/var/task"
	}
	return strings.Trim(path.Clean("/"+dir), "/")
}

// handlerFile is the file of a Lambda handler: up to the first dot of its last part.
func handlerFile(dir, handler string) string {
	folder, base := path.Split(handler)
	base, _, _ = strings.Cut(base, ".")
	if strings.HasPrefix(folder, "/") {
		return strings.Trim(path.Join(folder, base), "/")
	}
	return path.Join(dir, folder, base)
}

// guess is what conventions and package.json say the handler is.
func guess(files []node.File) []string {
	names := make(map[string]bool, len(files))
	for i := range files {
		names[files[i].Name] = true
	}
	var found []string
	for _, c := range conventional {
		if names[c] {
			found = append(found, c)
			break
		}
	}
	for i := range files {
		if files[i].Name == "package.json" {
			if main := files[i].Main(); main != "" {
				found = append(found, path.Join(".", main))
			}
		}
	}
	return found
}

// nodeOptions reads NODE_OPTIONS.
func (d *Detector) nodeOptions(p *node.Program) {
	if d.env["AWS_LAMBDA_EXEC_WRAPPER"] != "" {
		p.Free = true // a script that may start anything
	}
	flags(p, strings.Fields(d.env["NODE_OPTIONS"]))
}

// flags takes the options of node at the front of words and returns the rest.
func flags(p *node.Program, words []string) (rest []string, ok bool) {
	for len(words) > 0 && strings.HasPrefix(words[0], "-") {
		name, val, has := strings.Cut(words[0], "=")
		words = words[1:]
		takes := func() bool {
			if !has && len(words) > 0 {
				val, words, has = words[0], words[1:], true
			}
			return has
		}
		switch name {
		case "-r", "--require", "--import":
			if !takes() {
				return nil, false
			}
			p.Preloads = append(p.Preloads, strings.Trim(val, `"'`))
		case "-C", "--conditions":
			if !takes() {
				return nil, false
			}
			p.Conditions = append(p.Conditions, val)
		case "--loader", "--experimental-loader", "--env-file", "--experimental-default-type", "--preserve-symlinks", "--preserve-symlinks-main", "--es-module-specifier-resolution":
			takes()
			p.Free = true
		case "-e", "--eval", "-p", "--print", "-i", "--interactive", "--run", "--test", "--watch-path":
			return nil, false
		case "--":
			return words, true
		}
	}
	return words, true
}

// passesOn says whether a shell script runs its arguments and nothing of Node's.
func passesOn(script []byte) bool {
	if len(script) > 64<<10 {
		return false
	}
	runs := false
	for line := range bytes.SplitSeq(script, []byte("\n")) {
		s := strings.TrimSpace(string(line))
		if s == "" || strings.HasPrefix(s, "#") || s == `set -- node "$@"` {
			continue
		}
		if s == `exec "$@"` {
			runs = true
			continue
		}
		for _, word := range []string{"node", "npm", "npx", "yarn", "pnpm", ".js", ".mjs", ".cjs", "python", "eval", "source "} {
			if strings.Contains(s, word) {
				return false
			}
		}
	}
	return runs
}

// maxScripts bounds the scripts of package.json that call each other.
const maxScripts = 4

// command understands how an image starts: node with its options, npm start,
// a Lambda handler, behind the usual wrappers.
func (d *Detector) command(p *node.Program, words []string, files []node.File, depth int) bool {
	dir := workingDir(cmpOr(d.artifact.Config.WorkingDir, "/"))
	p.Dir = dir
	words = d.unwrap(words)
	if len(words) == 0 || depth > maxScripts {
		return false
	}
	switch path.Base(words[0]) {
	case "node", "nodejs":
		rest, ok := flags(p, words[1:])
		if !ok || len(rest) == 0 {
			return false
		}
		p.Entries = []string{inDir(dir, rest[0])}
		return true
	case "lambda-entrypoint.sh", "aws-lambda-ric", "aws-lambda-rie":
		p.Also = append(p.Also, "var/runtime")
		if len(words) < 2 {
			return false
		}
		p.Entries = []string{handlerFile(workingDir(d.artifact.Config.WorkingDir), words[len(words)-1])}
		return true
	case "npm", "yarn", "pnpm":
		args := slices.DeleteFunc(slices.Clone(words[1:]), func(w string) bool { return w == "run" || strings.HasPrefix(w, "-") })
		if len(args) != 1 || args[0] != "start" {
			return false
		}
		for i := range files {
			if files[i].Name == path.Join(dir, "package.json") {
				return d.command(p, shell(files[i].Start()), files, depth+1)
			}
		}
		return false
	}
	if len(words) == 1 && strings.Contains(words[0], ".") {
		p.Entries = []string{handlerFile(dir, words[0])}
		return true
	}
	return false
}

func inDir(dir, name string) string {
	if !strings.HasPrefix(name, "/") {
		name = "/" + dir + "/" + name
	}
	return strings.Trim(path.Clean(name), "/")
}

// unwrap takes away what only starts the rest.
func (d *Detector) unwrap(words []string) []string {
	for len(words) > 0 {
		switch base := path.Base(words[0]); base {
		case "sh", "bash", "ash", "dash":
			if len(words) != 3 || words[1] != "-c" {
				return nil
			}
			words = shell(words[2])
		case "tini", "dumb-init", "env", "exec", "npx", "catatonit", "--", "-g", "-s", "--single-child":
			words = words[1:]
		default:
			if strings.HasSuffix(base, ".sh") && base != "lambda-entrypoint.sh" {
				if !d.passes(words[0]) {
					return nil
				}
				words = words[1:]
				if len(words) > 0 && strings.HasPrefix(words[0], "-") {
					words = append([]string{"node"}, words...)
				}
				continue
			}
			return words
		}
	}
	return nil
}

// passes says whether a script of the image only runs its arguments.
func (d *Detector) passes(script string) bool {
	if strings.Contains(script, "/") {
		return d.scripts[strings.Trim(path.Clean("/"+script), "/")]
	}
	for _, dir := range []string{"usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin"} {
		if d.scripts[path.Join(dir, script)] {
			return true
		}
	}
	return false
}

// shell splits a command line without anything a shell would expand.
func shell(line string) []string {
	if strings.ContainsAny(line, ";&|$`(){}<>*?~\\'\"\n") {
		return nil
	}
	words := strings.Fields(line)
	for len(words) > 0 && strings.Contains(words[0], "=") { // NAME=value node x.js
		if strings.HasPrefix(words[0], "NODE_") {
			return nil
		}
		words = words[1:]
	}
	return words
}
