package secrets

import (
	"bytes"
	"strings"
)

// Values that are files themselves: JSON in an environment variable, code in a
// notebook's cell.

// nested adds the pairs inside a value. They stand where the value does, where
// their own text is found there.
func (r *reader) nested(p pair, f format) {
	if r.depth > 0 || len(p.value) > maxNested {
		return
	}
	area := r.data[min(p.start, len(r.data)):min(p.start+2*len(p.value)+maxIndent, len(r.data))]
	if p.exact {
		area = r.data[p.start:p.end]
	}
	done := 0
	inner := &reader{data: []byte(p.value), left: r.left, depth: 1, emit: func(q pair) {
		written := p.value[q.start:q.end]
		q.start, q.end, q.exact = p.start, min(p.end, len(r.data)), false
		if i := bytes.Index(area[min(done, len(area)):], []byte(written)); i >= 0 && written == q.value {
			at := p.start + done + i
			q.start, q.end, q.exact = at, at+len(written), true
			done += i
		}
		r.add(q)
	}}
	inner.read(f)
}

const (
	maxNested = 1 << 20 // bytes of a value that is read as a file
	maxIndent = 4096    // bytes of indentation around one
)

// inside says how to read a value that is a file itself.
func inside(p *pair) format {
	v := strings.TrimSpace(p.value)
	switch {
	case len(v) > 4 && (v[0] == '{' && strings.Contains(v, `":`) || v[0] == '[' && strings.Contains(v, `{"`)) && !strings.HasPrefix(v, "{{"):
		return jsonFormat
	case p.code && strings.ContainsAny(v, "=:"):
		return quotedFormat
	}
	return noFormat
}

// whole reads a file that is nothing but a secret, on its first line.
func (r *reader) whole() {
	start, end := trimSpace(r.data, 0, len(r.data))
	if i := bytes.IndexByte(r.data[start:end], '\n'); i >= 0 {
		start, end = trimSpace(r.data, start, start+i)
	}
	if end-start >= 8 && end-start <= 512 && bytes.IndexByte(r.data[start:end], ' ') < 0 && r.data[start] != '$' {
		r.add(pair{name: "key", value: string(r.data[start:end]), start: start, end: end, exact: true, sure: true})
	}
}

// wholeFile reports whether a file of that name holds one secret and nothing else.
func wholeFile(base string) bool {
	switch base {
	case "master.key", ".vault-token", ".vault_pass", ".vault_pass.txt", "vault_pass.txt", ".vault_password", ".vault-password", ".erlang.cookie", ".secret_key_base":
		return true
	}
	return false
}

// sql reads the literals of SQL: password hashes anywhere, and what statements set
// as a password.
func (r *reader) sql() {
	d := r.data
	for i := 0; i < len(d); i++ {
		if d[i] != '\'' {
			continue
		}
		end := bytes.IndexByte(d[i+1:min(len(d), i+maxLiteral)], '\'')
		if end < 0 {
			continue
		}
		start, stop := i+1, i+1+end
		value := string(d[start:stop])
		switch {
		case passwordHash(value) || mysqlHash(value):
			r.add(pair{name: "password hash", value: value, start: start, end: stop, exact: true, sure: true})
		case setsPassword(d[max(0, i-maxName):i]):
			r.raw("password", start, stop)
		}
		i = stop
	}
}

// setsPassword reports whether SQL before a literal says that it is a password.
func setsPassword(head []byte) bool {
	words := strings.Fields(strings.ToUpper(strings.NewReplacer("(", " ", "=", " ").Replace(string(head))))
	n := len(words)
	return n > 0 && words[n-1] == "PASSWORD" || n > 1 && words[n-1] == "BY" && words[n-2] == "IDENTIFIED"
}

// mysqlHash reports whether a value is one of MySQL's own: an asterisk and the
// SHA-1 of the SHA-1 in upper-case hex.
func mysqlHash(v string) bool {
	return len(v) == 41 && v[0] == '*' && strings.Trim(v[1:], "0123456789ABCDEF") == ""
}
