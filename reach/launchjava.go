package reach

import (
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/reach/java"
)

// javaProgram says how an artifact starts on the JVM, if it does.
func (d *Detector) javaProgram() (java.Program, bool) {
	p := java.Program{Free: d.env["AWS_LAMBDA_EXEC_WRAPPER"] != "" || d.env["JAVA_TOOL_OPTIONS"] != "" || d.env["JDK_JAVA_OPTIONS"] != ""}
	c := d.artifact.Config
	handlers, unsure := d.handlers("java", c.Runtime)
	switch {
	case len(handlers) > 0:
		for _, h := range handlers {
			p.Entries = append(p.Entries, handlerClass(h.handler))
		}
		p.Free = p.Free || unsure
		return p, true
	case cmpOr(d.options.Handler, c.Handler) != "":
		return p, false // of another runtime
	case d.artifact.Type == "image":
		return p, d.javaCommand(&p, append(slices.Clone(c.Entrypoint), c.Cmd...))
	case c.Runtime != "" && !strings.HasPrefix(c.Runtime, "java") && !strings.HasPrefix(c.Runtime, "provided"):
		return p, false
	}
	p.Guessed, p.Manifest, p.Free = true, true, p.Free || unsure
	return p, true
}

// handlerClass is the class of "com.acme.Handler::handleRequest".
func handlerClass(handler string) string {
	class, _, _ := strings.Cut(handler, "::")
	return strings.ReplaceAll(strings.TrimSpace(class), ".", "/")
}

// javaCommand understands java with -jar or a main class, and a handler of
// Lambda's images.
func (d *Detector) javaCommand(p *java.Program, words []string) bool {
	words = d.unwrap(words)
	if len(words) == 0 {
		return false
	}
	dir := workingDir(cmpOr(d.artifact.Config.WorkingDir, "/"))
	switch base := path.Base(words[0]); {
	case base == "java":
		return javaArguments(p, dir, words[1:])
	case base == "lambda-entrypoint.sh" && len(words) > 1 && strings.Contains(words[len(words)-1], "::"):
		p.Entries = []string{handlerClass(words[len(words)-1]), "com/amazonaws/services/lambda/runtime/api/client/AWSLambda"}
		return true
	case len(words) == 1 && strings.Contains(words[0], "::"):
		p.Entries = []string{handlerClass(words[0])}
		return true
	}
	return false
}

func javaArguments(p *java.Program, dir string, words []string) bool {
	for len(words) > 0 && strings.HasPrefix(words[0], "-") {
		word := words[0]
		words = words[1:]
		name, _, _ := strings.Cut(word, "=")
		switch {
		case word == "-jar":
			if len(words) == 0 {
				return false
			}
			p.Jar, p.Manifest = inDir(dir, words[0]), true
			return true
		case name == "-cp" || name == "-classpath" || name == "--class-path":
			if name == word {
				words = words[min(1, len(words)):]
			}
		case strings.HasPrefix(word, "-javaagent"), strings.HasPrefix(word, "-agent"), strings.HasPrefix(word, "-Djava.system.class.loader"), strings.HasPrefix(word, "-Xbootclasspath"), strings.HasPrefix(word, "@"):
			p.Free = true
		case name == "-m", name == "--module", name == "-p", name == "--module-path", word == "--source":
			return false
		case name == "--add-opens", name == "--add-exports", name == "--add-modules", name == "--add-reads":
			if name == word {
				words = words[min(1, len(words)):]
			}
		}
	}
	if len(words) == 0 {
		return false
	}
	p.Entries = []string{strings.ReplaceAll(words[0], ".", "/")}
	return true
}
