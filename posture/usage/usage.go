// Package usage finds in a function's own code which calls of AWS it makes, and
// names the IAM actions they need. It follows imports of the SDK and the variables
// that hold its clients, not values: where a client or a method is chosen at run
// time, or another library may call AWS, it says so instead of guessing.
package usage

import (
	"cmp"
	"slices"
	"strings"
)

// A Call is one use of an SDK.
type Call struct {
	Action string // "s3:GetObject"
	Path   string // of the file
	Line   int    // 0 in binaries and class files
	// Resource is the name of the bucket, table, function or stream, where the call
	// states it as a literal; else "".
	Resource string
	// Maybe is true when the receiver of the call is not known for certain to be a
	// client of the service.
	Maybe bool
}

// Usage is what the files of a function call.
type Usage struct {
	Calls []Call
	Files int // of own code that were read
	// Dynamic is true when there may be calls that were not found: a method chosen at
	// run time, a library that calls AWS itself.
	Dynamic bool
	// Why says what made it Dynamic.
	Why string
}

// Actions are the actions of all calls, sorted, each once; maybe adds those that
// are not certain.
func (u *Usage) Actions(maybe bool) []string {
	var out []string
	for _, c := range u.Calls {
		if maybe || !c.Maybe {
			out = append(out, c.Action)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// tidy sorts the calls and drops doubles.
func (u *Usage) tidy() {
	slices.SortFunc(u.Calls, func(a, b Call) int {
		return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Resource, b.Resource))
	})
	u.Calls = slices.Compact(u.Calls)
}

// A source is what one file says.
type source struct {
	path, name string
	services   map[string]bool // prefixes of IAM whose clients it makes
	calls      []call
	others     []call // methods of receivers that are not known: service is ""
	dynamic    string // why, or ""
	imports    []string
	anywhere   bool // it imports what is chosen at run time, or by an alias
}

// A call is a method or command of a service's client.
type call struct {
	service string // prefix of IAM
	method  string // as written
	line    int
	maybe   bool
	name    string // of the resource, where it is a literal
}

func newSource(path, name string) *source {
	return &source{path: path, name: name, services: map[string]bool{}}
}

func (s *source) call(service, method string, line int) {
	if len(s.calls) < maxCalls {
		s.calls = append(s.calls, call{service, method, line, false, ""})
	}
}

// callOn is call with the name that the arguments, from the bracket at open, state.
func (s *source) callOn(t []token, open int, service, method string, line int) {
	s.call(service, method, line)
	if n := len(s.calls); n > 0 && n < maxCalls && !strings.HasPrefix(strings.ToLower(method), "copy") { // that has two
		s.calls[n-1].name = stated(t, open)
	}
}

// naming are the parameters that name what a call is about.
var naming = map[string]bool{"Bucket": true, "TableName": true, "FunctionName": true, "StreamName": true}

// stated is the literal that the arguments of a call name its resource by.
func stated(t []token, open int) string {
	if at(t, open) != "(" {
		return ""
	}
	depth := 0
	if at(t, open+1) == "{" { // JavaScript
		open++
	}
	for k := open; k < min(len(t), open+maxArguments); k++ {
		switch s := at(t, k); s {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			if depth--; depth == 0 {
				return ""
			}
		default:
			sep, after := at(t, k+1), at(t, k+3)
			if depth == 1 && naming[s] && (sep == ":" || sep == "=") && k+2 < len(t) && t[k+2].str && (after == "," || after == ")" || after == "}") {
				if name := t[k+2].text; len(name) <= maxName {
					return strings.Clone(name) // the source is not kept
				}
				return ""
			}
		}
	}
	return ""
}

func (s *source) other(method string, line int) {
	if len(s.others) < maxCalls {
		s.others = append(s.others, call{"", method, line, true, ""})
	}
}

// cut says that a file was too long to be read to its end.
func (s *source) cut(whole bool) {
	if !whole {
		s.unsure("it is too long to be read to its end")
	}
}

// settle lets go of the text of the file: what is kept shares no memory with it.
func (s *source) settle() {
	known := map[string]string{}
	own := func(t *string) {
		if _, ok := known[*t]; !ok {
			known[strings.Clone(*t)] = strings.Clone(*t)
		}
		*t = known[*t]
	}
	seen := map[string]bool{}
	s.others = slices.DeleteFunc(s.others, func(c call) bool {
		was := seen[c.method]
		seen[c.method] = true
		return was
	})
	for _, list := range [][]call{s.calls, s.others} {
		for i := range list {
			own(&list[i].service)
			own(&list[i].method)
		}
	}
	for i := range s.imports {
		own(&s.imports[i])
	}
	services := make(map[string]bool, len(s.services))
	for name := range s.services {
		services[strings.Clone(name)] = true
	}
	s.services, s.dynamic = services, strings.Clone(s.dynamic)
	s.calls, s.others, s.imports = slices.Clip(s.calls), slices.Clip(slices.Clone(s.others)), slices.Clip(s.imports)
}

func (s *source) unsure(why string) {
	if s.dynamic == "" {
		s.dynamic = why
	}
}

const (
	maxArguments = 2000 // tokens in which a call names its resource
	maxName      = 256  // bytes of the name

	maxCalls = 20000   // of one file
	maxCode  = 4 << 20 // bytes of a source file; larger ones are bundles
	maxClass = 8 << 20 // bytes of a class file
	maxELF   = 512 << 20
)
