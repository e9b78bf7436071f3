package reach

import (
	"path"
	"strings"

	"github.com/fnvet/fnvet"
)

// A handler is where one function starts.
type handler struct {
	root    string // folder of the code, "" for the top
	handler string
}

// handlers are those of the functions for a runtime, whose name runtime is the
// start of: what the caller says, what the artifact's configuration states, else
// what templates do. unsure is true when a template may mean other code, or
// leaves something open: then nothing is ruled out by these alone.
func (d *Detector) handlers(runtime, stated string) (found []handler, unsure bool) {
	if h := cmpOr(d.options.Handler, d.artifact.Config.Handler); h != "" {
		if stated != "" && !strings.HasPrefix(stated, runtime) || stated == "" && (runtime == "java") != javaLike(h) {
			return nil, false
		}
		return []handler{{"", h}}, false
	}
	if d.artifact.Type == "image" {
		return nil, false // its command says how it starts
	}
	for _, f := range d.functions {
		if !runs(f, runtime) || f.Handler == "" {
			unsure = unsure || f.Handler == "" && (f.Runtime == "" || strings.HasPrefix(f.Runtime, runtime))
			continue
		}
		unsure = unsure || !f.Sure
		h := handler{strings.Trim(path.Clean("/"+f.Root), "/"), f.Handler}
		found = append(found, h)
	}
	return found, unsure || len(found) == 0 && len(d.functions) > 0
}

// runs says whether a function is of a runtime, by that or by its handler.
func runs(f fnvet.Function, runtime string) bool {
	if f.Runtime != "" {
		return strings.HasPrefix(f.Runtime, runtime)
	}
	return (runtime == "java") == javaLike(f.Handler)
}

// javaLike tells handlers of Java by their form: "com.acme.Handler::handle", or a
// class whose last part begins with a capital letter.
func javaLike(h string) bool {
	if strings.Contains(h, "::") {
		return true
	}
	i := strings.LastIndexByte(h, '.')
	return i > 0 && !strings.Contains(h, "/") && i+1 < len(h) && h[i+1] >= 'A' && h[i+1] <= 'Z' && strings.Count(h, ".") > 1
}
