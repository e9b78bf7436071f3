package usage

import (
	"strings"

	"github.com/fnvet/fnvet/posture/data"
)

// js reads one file of JavaScript or TypeScript.
type js struct {
	*source
	c *data.Catalog
	t []token
	// commands are the names of commands of version 3 with their service and own name.
	commands map[string]command
	spaces   map[string]string // names of whole modules of version 3, with their service
	sdk      map[string]bool   // names of version 2 as a whole
	classes  map[string]string // names of classes whose instances have methods, with their service
	clients  map[string]string // names of variables that hold such instances
}

type command struct{ service, method string }

func readJS(c *data.Catalog, path, name, src string) *source {
	j := &js{
		source: newSource(path, name), c: c,
		commands: map[string]command{}, spaces: map[string]string{}, sdk: map[string]bool{}, classes: map[string]string{}, clients: map[string]string{},
	}
	withTokens(src, javascript, func(t []token, whole bool) {
		j.t = t
		j.cut(whole)
		for i := range j.t {
			if j.t[i].str {
				j.module(i)
			}
		}
		for i := range j.t {
			j.instances(i)
		}
		for i := range j.t {
			j.uses(i)
		}
	})
	return j.source
}

// significant drops line ends.
func significant(all []token) []token {
	out := all[:0]
	for _, t := range all {
		if t.text != "\n" || t.str {
			out = append(out, t)
		}
	}
	return out
}

// at returns the text of a token, "" outside and for strings.
func at(t []token, i int) string {
	if i < 0 || i >= len(t) || t[i].str {
		return ""
	}
	return t[i].text
}

// module handles the string of an import or a require.
func (j *js) module(i int) {
	m := j.t[i].text
	from := at(j.t, i-1) == "from"
	required := at(j.t, i-1) == "(" && (at(j.t, i-2) == "require" || at(j.t, i-2) == "import")
	if !from && !required && at(j.t, i-1) != "import" {
		return
	}
	if len(j.imports) < maxCalls {
		j.imports = append(j.imports, m)
	}
	if strings.HasPrefix(m, "@/") || strings.HasPrefix(m, "~") || strings.HasPrefix(m, "#") {
		j.anywhere = true
	}
	if wraps(m) {
		j.unsure("the library " + m + " may call AWS itself")
	}
	var names []binding
	if from {
		names = importNames(j.t, i-2)
	} else if required {
		names = j.requireNames(i)
	}
	switch {
	case m == "aws-sdk" || strings.HasPrefix(m, "aws-sdk/global"):
		j.wholeSDK(names)
	case strings.HasPrefix(m, "aws-sdk/clients/"):
		j.bindClass(names, strings.TrimSuffix(m[len("aws-sdk/clients/"):], ".js"))
	case strings.HasPrefix(m, "@aws-sdk/client-"):
		j.bindModule(names, strings.SplitN(m[len("@aws-sdk/client-"):], "/", 2)[0])
	case m == "@aws-sdk/lib-dynamodb":
		j.bindModule(names, "dynamodb")
	case m == "@aws-sdk/lib-storage":
		j.services["s3"] = true
		j.call("s3", "upload", j.t[i].line)
	}
}

// A binding is a name and what of the module it stands for: "*" for all of it.
type binding struct{ local, imported string }

// importNames reads "X, { A, B as C }" or "* as X" backwards from before "from".
func importNames(t []token, end int) []binding {
	start := end
	for start >= 0 && at(t, start) != "import" && at(t, start) != "export" && end-start < 2000 {
		start--
	}
	return bindings(t, start+1, end, "as")
}

// bindings reads names between two places; word is what stands before a local name.
func bindings(t []token, start, end int, word string) []binding {
	var out []binding
	inside := false
	for i := start; i <= end; i++ {
		switch s := at(t, i); {
		case s == "{":
			inside = true
		case s == "}":
			inside = false
		case s == "*" && at(t, i+1) == "as":
			out = append(out, binding{at(t, i+2), "*"})
			i += 2
		case s == "" || s == "," || s == "type" || !isWord(s):
		case inside && at(t, i+1) == word:
			out = append(out, binding{at(t, i+2), s})
			i += 2
		case inside:
			out = append(out, binding{s, s})
		default:
			out = append(out, binding{s, "*"})
		}
	}
	return out
}

func isWord(s string) bool { return s != "" && word(s[0]) && (s[0] < '0' || s[0] > '9') }

// requireNames reads what the value of require is assigned to, also through a wrapper:
// "const { A: B } =", "const X = wrap(", "require(…).A".
func (j *js) requireNames(i int) []binding {
	after := ""
	if at(j.t, i+1) == ")" && at(j.t, i+2) == "." {
		after = at(j.t, i+3)
	}
	k := i - 3
	for steps := 0; k >= 0 && steps < 12; steps++ {
		s := at(j.t, k)
		if s == "=" {
			break
		}
		if s == ";" || s == "{" || s == "}" || s == "" {
			return nil
		}
		k--
	}
	if at(j.t, k) != "=" {
		return nil
	}
	if at(j.t, k-1) == "}" {
		start := k - 1
		for start >= 0 && at(j.t, start) != "{" && k-start < 2000 {
			start--
		}
		return bindings(j.t, start, k-1, ":")
	}
	if name := at(j.t, k-1); isWord(name) {
		if after != "" {
			return []binding{{name, after}}
		}
		return []binding{{name, "*"}}
	}
	return nil
}

func (j *js) wholeSDK(names []binding) {
	for _, n := range names {
		if n.imported == "*" || n.imported == "default" {
			j.sdk[n.local] = true
		} else {
			j.bindClass([]binding{{n.local, "*"}}, n.imported)
		}
	}
}

// bindClass notes a class of version 2.
func (j *js) bindClass(names []binding, service string) {
	p := prefix(j.c, service)
	for _, n := range names {
		if p == "" {
			if isUpper(service) && service != "Config" && service != "Credentials" && service != "SharedIniFileCredentials" && service != "Endpoint" {
				j.unsure("a client of " + service)
			}
			continue
		}
		j.classes[n.local] = p
	}
}

func isUpper(s string) bool { return s != "" && s[0] >= 'A' && s[0] <= 'Z' }

// bindModule notes what is imported of a client of version 3.
func (j *js) bindModule(names []binding, service string) {
	p := prefix(j.c, service)
	if p == "" {
		j.unsure("a client of " + service)
		return
	}
	j.services[p] = true
	for _, n := range names {
		switch {
		case n.imported == "*":
			j.spaces[n.local] = p
		case strings.HasSuffix(n.imported, "Command"):
			j.commands[n.local] = command{p, strings.TrimSuffix(n.imported, "Command")}
		case strings.HasPrefix(n.imported, "paginate"):
			j.commands[n.local] = command{p, strings.TrimPrefix(n.imported, "paginate")}
		case isUpper(n.imported) && !strings.HasSuffix(n.imported, "Client"):
			j.classes[n.local] = p // the client with a method for each command, or a type
		}
	}
}

// instances notes variables that hold a client: "x = new AWS.S3(", "this.x = wrap(new S3(".
func (j *js) instances(i int) {
	service, end := j.constructed(i)
	if service == "" {
		return
	}
	j.services[service] = true
	if close := matching(j.t, end); at(j.t, close+1) == "." && isWord(at(j.t, close+2)) && at(j.t, close+3) == "(" {
		j.call(service, at(j.t, close+2), j.t[close+2].line) // new AWS.S3().getObject(
		return
	}
	for k, steps := i-1, 0; k > 0 && steps < 8; k, steps = k-1, steps+1 {
		s := at(j.t, k)
		if s == "=" || s == ":" {
			if name := at(j.t, k-1); isWord(name) {
				j.clients[name] = service
			}
			return
		}
		if s == ";" || s == "{" || s == "}" {
			return
		}
	}
}

// constructed reports the service of "new X(" at i, and where its parenthesis is.
func (j *js) constructed(i int) (string, int) {
	name := at(j.t, i+1)
	switch at(j.t, i) {
	case "new":
	case "from": // DynamoDBDocument.from(
		if at(j.t, i-1) == "." && at(j.t, i+1) == "(" && j.classes[at(j.t, i-2)] != "" {
			return j.classes[at(j.t, i-2)], i + 1
		}
		return "", 0
	default:
		return "", 0
	}
	if s := j.classes[name]; s != "" && at(j.t, i+2) == "(" {
		return s, i + 2
	}
	if s := j.classes[name]; s != "" && at(j.t, i+2) == "." && at(j.t, i+4) == "(" {
		return s, i + 4 // new DynamoDB.DocumentClient(
	}
	if s := j.spaces[name]; s != "" && at(j.t, i+2) == "." && at(j.t, i+4) == "(" && !strings.HasSuffix(at(j.t, i+3), "Command") && !strings.HasSuffix(at(j.t, i+3), "Client") {
		return s, i + 4
	}
	if j.sdk[name] && at(j.t, i+2) == "." {
		p := prefix(j.c, at(j.t, i+3))
		open := i + 4
		if at(j.t, open) == "." {
			open += 2
		}
		if p == "" && !strings.Contains(at(j.t, i+3), "redentials") && at(j.t, i+3) != "Config" && at(j.t, i+3) != "Endpoint" {
			j.unsure("a client of " + at(j.t, i+3))
		}
		return p, open
	}
	return "", 0
}

// matching is the index of the bracket that closes the one at i, or len(t).
func matching(t []token, i int) int {
	depth := 0
	for k := i; k < len(t); k++ {
		switch at(t, k) {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth--
			if depth <= 0 {
				return k
			}
		}
	}
	return len(t)
}

// uses notes commands, method calls and what hides them.
func (j *js) uses(i int) {
	t := j.t
	s := at(t, i)
	if (s == "require" || s == "import") && at(t, i+1) == "(" && i+2 < len(t) && !t[i+2].str {
		j.anywhere = true
	}
	if c, ok := j.commands[s]; ok && (at(t, i-1) == "new" || at(t, i+1) == "(") {
		j.callOn(t, i+1, c.service, c.method, t[i].line)
	}
	if service := j.spaces[s]; service != "" && at(t, i-1) != "." {
		member := at(t, i+2)
		switch {
		case at(t, i+1) == "." && strings.HasSuffix(member, "Command"):
			j.call(service, strings.TrimSuffix(member, "Command"), t[i].line)
		case at(t, i+1) == "[":
			j.unsure("a command chosen at run time")
		}
	}
	if rest, ok := strings.CutPrefix(s, "import_client_"); ok && at(t, i+1) == "." && strings.HasSuffix(at(t, i+2), "Command") {
		if p := prefix(j.c, strings.TrimRight(rest, "0123456789")); p != "" { // what esbuild makes of an import
			j.call(p, strings.TrimSuffix(at(t, i+2), "Command"), t[i].line)
		}
	}
	if at(t, i+1) == "[" && j.clients[s] != "" {
		j.unsure("a method chosen at run time")
	}
	if isWord(s) && at(t, i-1) == "." && at(t, i+1) == "(" {
		j.method(i)
	}
}

func (j *js) method(i int) {
	name, receiver := at(j.t, i), at(j.t, i-2)
	if at(j.t, i-2) == "?" {
		receiver = at(j.t, i-3)
	}
	if service := j.clients[receiver]; service != "" {
		switch name {
		case "getSignedUrl", "getSignedUrlPromise", "makeRequest", "makeUnauthenticatedRequest":
			if i+2 < len(j.t) && j.t[i+2].str {
				j.call(service, j.t[i+2].text, j.t[i].line)
			} else {
				j.unsure("a method chosen at run time")
			}
		default:
			j.callOn(j.t, i+1, service, name, j.t[i].line)
		}
		return
	}
	j.other(name, j.t[i].line)
}
