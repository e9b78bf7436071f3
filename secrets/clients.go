package secrets

import (
	"bytes"
	"encoding/xml"
	"strings"
)

// docker reads a Dockerfile: ENV and ARG in both forms, LABEL, and what commands
// are given.
func (r *reader) docker() {
	for at := 0; at < len(r.data); {
		end := r.instruction(at)
		start, stop := trimSpace(r.data, at, end)
		if stop > start && r.data[start] != '#' {
			r.dockerLine(start, stop)
		}
		at = max(end, at+1)
	}
}

// instruction returns where the instruction at offset at ends: at the first line
// that neither continues nor is a comment inside.
func (r *reader) instruction(at int) int {
	first := true
	for at < len(r.data) {
		n := bytes.IndexByte(r.data[at:], '\n')
		if n < 0 {
			return len(r.data)
		}
		line := bytes.TrimSpace(r.data[at : at+n])
		at += n + 1
		if !bytes.HasSuffix(line, []byte("\\")) && !bytes.HasSuffix(line, []byte("`")) && (first || !bytes.HasPrefix(line, []byte("#"))) {
			return at
		}
		first = false
	}
	return at
}

func (r *reader) dockerLine(start, end int) {
	i := bytes.IndexAny(r.data[start:end], " \t")
	if i < 0 {
		return
	}
	word := strings.ToUpper(string(r.data[start : start+i]))
	from, to := trimSpace(r.data, start+i, end)
	rest := r.data[from:to]
	switch word {
	case "ENV", "ARG", "LABEL":
		sep := bytes.IndexAny(rest, "= \t")
		if sep > 0 && rest[sep] != '=' { // ENV NAME the whole rest
			s, e := trimSpace(r.data, from+sep, to)
			s, e = unquote(r.data, s, e)
			r.raw(string(rest[:sep]), s, e)
			return
		}
		r.words(from, to)
	case "RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK":
		r.words(from, to)
	case "EXPORT", "SET": // a line of a here-document
		r.bareLine(start, end, "=")
	}
}

// netrc reads "machine h login u password p", on one line or several.
func (r *reader) netrc() {
	last := ""
	for i := 0; i < len(r.data); {
		start := i
		for i < len(r.data) && strings.IndexByte(" \t\r\n", r.data[i]) < 0 {
			i++
		}
		if word := string(r.data[start:i]); word != "" {
			if last == "password" || last == "passwd" {
				r.raw(last, start, i)
			}
			last = word
		}
		i++
	}
}

// pgpassFields is the number of fields of a line of .pgpass: host, port,
// database, user and password.
const pgpassFields = 5

func (r *reader) pgpass() {
	r.eachLine(func(start, end int) {
		line := string(r.data[start:end])
		parts := strings.SplitN(line, ":", pgpassFields)
		if len(parts) == pgpassFields && line[0] != '#' {
			r.raw("password", end-len(parts[pgpassFields-1]), end)
		}
	})
}

func (r *reader) urls() {
	r.eachLine(func(start, end int) {
		for _, u := range urlPasswords(string(r.data[start:end])) {
			r.raw("password", start+u.start, start+u.end)
		}
	})
}

// hashes reads user:hash lines. A hash is as good as a weak password.
func (r *reader) hashes() {
	r.eachLine(func(start, end int) {
		line := string(r.data[start:end])
		user, rest, ok := strings.Cut(line, ":")
		hash, _, _ := strings.Cut(rest, ":")
		if ok && passwordHash(hash) {
			from := start + len(user) + 1
			r.add(pair{name: "password hash", value: hash, start: from, end: from + len(hash), exact: true, sure: true})
		}
	})
}

// passwordHash reports whether a value is a password hash in the form of crypt(5)
// or of htpasswd.
func passwordHash(v string) bool {
	for _, p := range []string{"$1$", "$5$", "$6$", "$y$", "$7$", "$gy$", "$2a$", "$2b$", "$2y$", "$apr1$", "$argon2i$", "$argon2id$", "$argon2d$", "{SHA}", "{SSHA}"} {
		if rest, ok := strings.CutPrefix(v, p); ok {
			return len(rest) >= 20 && !strings.ContainsAny(rest, " \t")
		}
	}
	return false
}

// xml reads elements and attributes: <password>v</password>, <add key= value=/>,
// <property name= value=/>, connection strings.
func (r *reader) xml() {
	dec := xml.NewDecoder(bytes.NewReader(r.data))
	dec.Strict = false
	dec.CharsetReader = nil
	var stack []frame
	for {
		at := int(dec.InputOffset())
		token, err := dec.RawToken()
		if err != nil {
			return
		}
		end := int(dec.InputOffset())
		switch t := token.(type) {
		case xml.StartElement:
			r.attributes(t, at, end)
			if len(stack) < maxDepth {
				stack = append(stack, frame{key: t.Name.Local})
			}
		case xml.EndElement:
			if n := len(stack); n > 0 {
				stack = stack[:n-1]
			}
		case xml.CharData:
			text := strings.TrimSpace(string(t))
			if n := len(stack); n > 0 && text != "" {
				r.located(stack[n-1].key, text, at, end)
			}
		default: // comments, instructions
		}
	}
}

func (r *reader) attributes(t xml.StartElement, at, end int) {
	label := ""
	for _, a := range t.Attr {
		if labelKey(a.Name.Local) {
			label = a.Value
		}
	}
	for _, a := range t.Attr {
		name := a.Name.Local
		if valueKey(name) && label != "" {
			name = label
		}
		r.located(name, a.Value, at, end)
	}
}

// located adds a pair whose value stands somewhere between two offsets.
func (r *reader) located(name, value string, at, end int) {
	p := pair{name: name, value: value, start: at, end: end}
	if i := bytes.Index(r.data[at:end], []byte(value)); i >= 0 {
		p.start, p.end, p.exact = at+i, at+i+len(value), true
	}
	r.add(p)
}
