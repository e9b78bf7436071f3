package usage

import (
	"cmp"
	"strings"

	"github.com/fnvet/fnvet/posture/data"
)

// py reads one file of Python.
type py struct {
	*source
	c       *data.Catalog
	t       []token
	clients map[string]string // variables that hold a client, resource or a thing of one
	named   map[string]string // the name of that thing, by variable
}

func readPython(c *data.Catalog, path, name, src string) *source {
	p := &py{source: newSource(path, name), c: c, clients: map[string]string{}, named: map[string]string{}}
	withTokens(src, python, func(t []token, whole bool) {
		p.t = t
		p.cut(whole)
		for i := range p.t {
			p.statement(i)
		}
		for i := range p.t {
			p.made(i)
		}
		for i := range p.t {
			p.things(i)
		}
		for i := range p.t {
			p.uses(i)
		}
	})
	return p.source
}

func (p *py) statement(i int) {
	switch at(p.t, i) {
	case "import", "from":
		parts := []string{at(p.t, i+1)}
		for k := i + 2; at(p.t, k) == "." && k < i+10; k += 2 {
			parts = append(parts, at(p.t, k+1))
		}
		module := strings.Join(parts, ".")
		p.modules(i)
		if wraps(module) {
			p.unsure("the library " + module + " may call AWS itself")
		}
	case "import_module", "__import__":
		p.anywhere = true
	case "getattr":
		if at(p.t, i+1) == "(" && i+4 < len(p.t) && at(p.t, i+3) == "," && !p.t[i+4].str && (strings.Contains(at(p.t, i+2), "client") || p.clients[at(p.t, i+2)] != "") {
			p.unsure("a method chosen at run time")
		}
	}
}

// modules notes "import a.b, c" and "from .a import b, c".
func (p *py) modules(i int) {
	line := p.t[i].line
	name := func(k int) (string, int) {
		var b strings.Builder
		for k < len(p.t) && (at(p.t, k) == "." || isWord(at(p.t, k)) && at(p.t, k) != "import" && at(p.t, k) != "as") && p.t[k].line == line {
			b.WriteString(at(p.t, k))
			k++
			if at(p.t, k-1) != "." && at(p.t, k) != "." {
				break
			}
		}
		return b.String(), k
	}
	from, k := name(i + 1)
	if from == "" || len(p.imports) > maxCalls {
		return
	}
	p.imports = append(p.imports, from)
	for depth := 0; k < len(p.t) && len(p.imports) < maxCalls; k++ {
		switch s := at(p.t, k); {
		case s == "(":
			depth++
		case s == ")":
			return
		case p.t[k].line != line && depth == 0:
			return
		case s == "as":
			k++
		case s == "," && at(p.t, i) == "import":
			more, _ := name(k + 1)
			p.imports = append(p.imports, more)
		case isWord(s) && s != "import" && at(p.t, i) == "from":
			sep := "."
			if strings.HasSuffix(from, ".") {
				sep = ""
			}
			p.imports = append(p.imports, from+sep+s)
		}
	}
}

// made notes "x = boto3.client('s3')", "self.x = session.resource('dynamodb')" and
// calls on what they return.
func (p *py) made(i int) {
	s := at(p.t, i)
	if s != "client" && s != "resource" && s != "create_client" || at(p.t, i+1) != "(" || at(p.t, i-1) != "." {
		return
	}
	receiver := at(p.t, i-2)
	if receiver != "boto3" && receiver != ")" && !strings.Contains(strings.ToLower(receiver), "session") && receiver != "aioboto3" {
		return
	}
	arg := i + 2
	if at(p.t, arg) == "service_name" && at(p.t, arg+1) == "=" {
		arg += 2
	}
	if arg >= len(p.t) || !p.t[arg].str {
		p.unsure("a client of a service chosen at run time")
		return
	}
	service := prefix(p.c, p.t[arg].text)
	if service == "" {
		p.unsure("a client of " + p.t[arg].text)
		return
	}
	p.services[service] = true
	end := matching(p.t, i+1)
	thing := ""
	if at(p.t, end+1) == "." && isWord(at(p.t, end+2)) {
		p.chain(service, end+1, "")
		thing = p.thing(end + 2)
	}
	p.hold(i, service, thing)
}

// thing is the name in "Table('orders')", "Bucket('in')" or "Object('in', key)", which
// calls on what it makes are for; "" for anything else.
func (p *py) thing(i int) string {
	switch at(p.t, i) {
	case "Table", "Bucket", "Object":
		return p.argument(i+1, 0)
	}
	return ""
}

// argument is the nth positional argument of the call that opens at i, if it is a literal.
func (p *py) argument(i, nth int) string {
	for depth, k := 0, i+1; k < len(p.t) && k < i+200; k++ {
		switch s := at(p.t, k); {
		case p.t[k].str:
			if nth == 0 && depth == 0 && (at(p.t, k+1) == "," || at(p.t, k+1) == ")") {
				if len(p.t[k].text) <= maxName {
					return strings.Clone(p.t[k].text)
				}
				return ""
			}
		case s == "(" || s == "[" || s == "{":
			depth++
		case depth == 0 && s == ")":
			return ""
		case s == ")" || s == "]" || s == "}":
			depth--
		case s == "," && depth == 0:
			if nth--; nth < 0 {
				return ""
			}
		}
	}
	return ""
}

// positions are the arguments of boto3's own methods that are a bucket.
var positions = map[string]int{"upload_file": 1, "upload_fileobj": 1, "download_file": 0, "download_fileobj": 0}

// chain follows "…).Table('x').put_item(" from a dot.
func (p *py) chain(service string, dot int, thing string) {
	for at(p.t, dot) == "." && isWord(at(p.t, dot+1)) {
		name := at(p.t, dot+1)
		if at(p.t, dot+2) != "(" {
			p.member(service, name, p.t[dot+1].line)
			dot += 2
			continue
		}
		before := len(p.calls)
		p.member(service, name, p.t[dot+1].line)
		if n := p.thing(dot + 1); n != "" {
			thing = n
		}
		if len(p.calls) > before && !strings.HasPrefix(name, "copy") {
			called := stated(p.t, dot+2)
			if nth, ok := positions[name]; ok && called == "" && thing == "" {
				called = p.argument(dot+2, nth)
			}
			p.calls[before].name = cmp.Or(called, thing)
		}
		dot = matching(p.t, dot+2) + 1
	}
}

func (p *py) member(service, name string, line int) {
	switch {
	case service == "s3" && (name == "put" || name == "get" || name == "delete"):
		p.call(service, name+"_object", line)
	default:
		if _, _, known := actions(p.c, service, name); known {
			p.call(service, name, line)
		}
	}
}

// hold notes the variable that what is made at i is assigned to, with its name.
func (p *py) hold(i int, service, thing string) {
	for k, steps := i-1, 0; k > 0 && steps < 12; k, steps = k-1, steps+1 {
		if p.t[k].line != p.t[i].line {
			return
		}
		if at(p.t, k) == "=" && isWord(at(p.t, k-1)) && at(p.t, k-1) != "service_name" {
			p.clients[at(p.t, k-1)] = service
			if before, ok := p.named[at(p.t, k-1)]; ok && before != thing {
				thing = "" // another one elsewhere: which is not known
			}
			p.named[at(p.t, k-1)] = thing
			return
		}
	}
}

// things notes what is made of a resource: "t = dynamodb.Table('x')", "b = s3.Bucket(…)".
func (p *py) things(i int) {
	s := at(p.t, i)
	if at(p.t, i+1) == "." && p.clients[s] != "" && isUpper(at(p.t, i+2)) && at(p.t, i+3) == "(" {
		p.hold(i, p.clients[s], p.thing(i+2))
	}
	if at(p.t, i) == "import" && at(p.t, i+1) == "boto3" && at(p.t, i+2) == "as" {
		p.unsure("boto3 under another name")
	}
}

func (p *py) uses(i int) {
	s := at(p.t, i)
	if at(p.t, i+1) != "." || !isWord(s) || !isWord(at(p.t, i+2)) {
		return
	}
	name, line := at(p.t, i+2), p.t[i+2].line
	service := p.clients[s]
	switch {
	case service == "" && at(p.t, i+3) == "(":
		p.other(name, line)
	case service == "":
	case name == "get_paginator" || name == "generate_presigned_url" || name == "get_waiter":
		arg := i + 4
		if at(p.t, arg) == "ClientMethod" || at(p.t, arg) == "operation_name" {
			arg += 2
		}
		if arg < len(p.t) && p.t[arg].str {
			p.call(service, p.t[arg].text, line)
		} else {
			p.unsure("a method chosen at run time")
		}
	case name == "generate_presigned_post":
		p.call(service, "put_object", line)
	default:
		p.chain(service, i+1, p.named[s])
	}
}
