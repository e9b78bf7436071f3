package store

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/fnvet/fnvet"
)

// What an artifact calls its files and packages may be any bytes. PostgreSQL takes
// valid UTF-8 without U+0000 for a text and nothing else, in JSON neither; SQLite takes
// everything, and gives JSON back as other bytes than were summed. So both are given
// what is a text, with U+FFFD for what is not.

// isText reports what both stores take.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// text makes a text of any bytes.
func text(s string) string {
	if isText(s) {
		return s
	}
	return strings.Map(func(r rune) rune { // of a byte that is no UTF-8, U+FFFD
		if r == 0 {
			return utf8.RuneError
		}
		return r
	}, s)
}

// texts is a report in which every string is a text: itself, where it was so before.
func texts(r *fnvet.Report) (*fnvet.Report, error) {
	data, err := json.Marshal(r) // which writes \ufffd for bytes that are no UTF-8
	if err != nil {
		return nil, err
	}
	found := false
	for i := 0; ; {
		next := bytes.IndexByte(data[i:], '\\')
		if next < 0 || i+next+6 > len(data) {
			break
		}
		i += next
		switch string(data[i : i+6]) {
		case `\u0000`:
			copy(data[i:], `\ufffd`)
			found = true
		case `\ufffd`:
			found = true
		}
		i += 2 // what was escaped, or "u" and four digits
	}
	if !found {
		return r, nil
	}
	var out fnvet.Report
	return &out, json.Unmarshal(data, &out)
}

// A textError is an error whose words are a text, as the queue keeps them in JSON.
type textError struct{ error }

// Error is a text.
func (e textError) Error() string { return text(e.error.Error()) }

// Unwrap is for errors.Is.
func (e textError) Unwrap() error { return e.error }
