package secrets

import (
	"bytes"
	"strings"
)

// eachLine calls f with where each line is, without white space at its ends.
func (r *reader) eachLine(f func(start, end int)) {
	for at := 0; at < len(r.data); {
		next := len(r.data)
		if i := bytes.IndexByte(r.data[at:], '\n'); i >= 0 {
			next = at + i + 1
		}
		start, end := trimSpace(r.data, at, next)
		if end > start {
			f(start, end)
		}
		at = next
	}
}

func trimSpace(d []byte, start, end int) (int, int) {
	for start < end && (d[start] == ' ' || d[start] == '\t' || d[start] == '\r' || d[start] == '\n') {
		start++
	}
	for end > start && (d[end-1] == ' ' || d[end-1] == '\t' || d[end-1] == '\r' || d[end-1] == '\n') {
		end--
	}
	return start, end
}

// bare reads NAME=value lines: environment files, ini, properties, TOML, shell.
func (r *reader) bare() {
	r.eachLine(func(start, end int) {
		r.bareLine(start, end, "=:")
	})
}

// bareLine reads one line. A value in quotes ends with them, another with the
// line or a comment.
func (r *reader) bareLine(start, end int, seps string) {
	line := r.data[start:end]
	if bytes.HasPrefix(line, []byte("//")) && bytes.Contains(line, []byte(":_")) {
		// a registry's credential in .npmrc: //registry.example/:_authToken=...
		n := bytes.Index(line, []byte(":_"))
		start, line = start+n+1, line[n+1:]
	}
	if strings.IndexByte("#;!/*<", line[0]) >= 0 || bytes.HasPrefix(line, []byte("--")) && !bytes.Contains(line, []byte("=")) {
		return
	}
	for _, word := range []string{"export ", "set ", "setx ", "declare -x ", "readonly ", "local ", "env ", "- ", "$env:", "Environment=", "$"} {
		if bytes.HasPrefix(line, []byte(word)) {
			start += len(word)
			start, end = trimSpace(r.data, start, end)
			line = r.data[start:end]
		}
	}
	sep := bytes.IndexAny(line, seps)
	if sep <= 0 {
		r.spaced(start, end)
		r.words(start, end)
		return
	}
	name := strings.Trim(string(line[:sep]), " \t\"'[]")
	if strings.ContainsAny(name, " \t(") {
		if s, e, ok := r.command(start, end); ok { // a command with settings in its words
			r.words(s, e)
		}
		return
	}
	from, to := trimSpace(r.data, start+sep+1, end)
	from, to = unquote(r.data, from, to)
	if name == "_auth" && basicAuth(string(r.data[from:to])) {
		r.add(pair{name: name, value: string(r.data[from:to]), start: from, end: to, exact: true, sure: true})
		return
	}
	r.raw(name, from, to)
}

// spaced reads a line of a name, a space and a value, as in client settings.
func (r *reader) spaced(start, end int) {
	line := r.data[start:end]
	i := bytes.IndexAny(line, " \t")
	if i <= 0 || !secretName(string(line[:i])) {
		return
	}
	from, to := trimSpace(r.data, start+i, end)
	if !bytes.ContainsAny(r.data[from:to], " \t") {
		r.raw(string(line[:i]), from, to)
	}
}

// command reports whether a line is a command, and where it is.
func (r *reader) command(start, end int) (int, int, bool) {
	return start, end, bytes.IndexByte(r.data[start:end], '=') > 0 || bytes.Contains(r.data[start:end], []byte(" -"))
}

// words adds the NAME=value words of a command, and flags with their values.
func (r *reader) words(start, end int) {
	text := string(r.data[start:end])
	for _, a := range assignments(text) {
		r.raw(a.name, start+a.start, start+a.end)
	}
	for _, s := range flagValues(text) {
		r.raw("password", start+s.start, start+s.end)
	}
	for _, s := range urlPasswords(text) {
		r.raw("password", start+s.start, start+s.end)
	}
}

// unquote returns where the value at start is: inside its quotes, or up to a comment.
func unquote(d []byte, start, end int) (int, int) {
	if start >= end {
		return start, start
	}
	if q := d[start]; q == '"' || q == '\'' || q == '`' {
		for i := start + 1; i < end; i++ {
			if d[i] == '\\' && q == '"' {
				i++
			} else if d[i] == q {
				return start + 1, i
			}
		}
		return start + 1, end
	}
	for _, mark := range []string{" #", "\t#", " ;"} {
		if i := bytes.Index(d[start:end], []byte(mark)); i >= 0 {
			end = start + i
		}
	}
	start, end = trimSpace(d, start, end)
	return start, end
}

// quoted reads name = "value" wherever it stands, in HCL, Bicep and code. Only
// literals in quotes count.
func (r *reader) quoted() {
	q := quotedReader{r: r}
	r.eachLine(q.line)
	q.flush()
}

// A quotedReader joins a name and a value that stand beside each other.
type quotedReader struct {
	r     *reader
	block string // what the innermost block is called: variable "x" {, param x
	frame frame
}

func (q *quotedReader) flush() {
	q.frame.key = ""
	q.r.finish(&q.frame)
	q.frame = frame{}
}

func (q *quotedReader) line(start, end int) {
	d := q.r.data
	line := d[start:end]
	if line[0] == '#' || bytes.HasPrefix(line, []byte("//")) || bytes.HasPrefix(line, []byte("* ")) || bytes.HasPrefix(line, []byte("/*")) {
		return
	}
	if words := strings.Fields(string(line[:min(len(line), 200)])); len(words) > 1 {
		switch words[0] {
		case "variable", "output":
			q.block = strings.Trim(words[1], `"{`)
		case "param", "var", "resource", "data", "module", "locals", "provider":
			q.block = ""
			if words[0] == "param" || words[0] == "var" {
				q.block = words[1]
			}
		}
	}
	if define := bytes.Index(line, []byte("define(")); define >= 0 {
		q.define(start+define+len("define("), end)
		return
	}
	for i := start; i < end; i++ {
		switch d[i] {
		case '{', '}':
			q.flush()
		case '=', ':':
			i = q.pair(start, i, end)
		}
	}
}

// define reads PHP's define('NAME', 'value').
func (q *quotedReader) define(start, end int) {
	d := q.r.data
	start, _ = trimSpace(d, start, end)
	from, to := unquote(d, start, end)
	comma := bytes.IndexByte(d[min(to, end):end], ',')
	if comma < 0 {
		return
	}
	at, stop := trimSpace(d, to+comma+1, end)
	if at < stop && (d[at] == '"' || d[at] == '\'') {
		s, e := unquote(d, at, stop)
		q.r.raw(string(d[from:to]), s, e)
	}
}

// pair reads what stands around the separator at i and returns where to go on.
func (q *quotedReader) pair(start, i, end int) int {
	d := q.r.data
	if i+1 < end && d[i+1] == '=' || i > start && strings.IndexByte("=!<>", d[i-1]) >= 0 {
		return i // a comparison
	}
	to := i
	for to > start && strings.IndexByte(" \t\"'])?:", d[to-1]) >= 0 {
		to--
	}
	from := to
	for from > start && nameByte(d[from-1]) {
		from--
	}
	at := i + 1
	for at < end && strings.IndexByte(" \t=>:", d[at]) >= 0 {
		at++
	}
	if from == to || at >= end || d[at] != '"' && d[at] != '\'' && d[at] != '`' {
		return i
	}
	s, e := unquote(d, at, end)
	if s < e && strings.IndexByte("+),;]", d[s]) >= 0 {
		return i // the quote ends a string in which the name stands
	}
	name := string(d[from:to])
	if q.block != "" && (name == "default" || name == "value" || name == "string" || name == "object") {
		name = q.block
	}
	p := pair{name: name, value: string(d[s:e]), start: s, end: e, exact: true}
	q.r.assign(&q.frame, p)
	if q.frame.label != "" && q.frame.value.value != "" {
		q.flush()
	}
	return max(e, i)
}
