// Package hook reads what registries and clouds send when something was pushed:
// one parser a source, from body to events, and the check of the source's own
// signature. It fetches nothing, follows no address in a body and stores nothing.
//
// Everything in a body is hostile until its signature holds, and no more than a
// claim after: names, tags and digests are checked against the grammar of the
// OCI distribution specification.
package hook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Limits of a body.
const (
	MaxBody   = 1 << 20 // bytes, decoded
	maxDepth  = 32      // of nested JSON
	maxEvents = 1000
	maxText   = 512 // bytes of an id
)

// ErrMalformed is wrapped by every error of Parse.
var ErrMalformed = errors.New("not a body of this source")

// An Event is one artifact that was pushed.
type Event struct {
	ID         string // of the event at its source, for telling deliveries apart; or ""
	Registry   string // host as the event states it, or ""
	Repository string
	Tag        string
	Digest     string // "sha256:…", or "" where only a tag is known
	Target     string // what to scan, where it is no image: "s3://bucket/key", "lambda:ARN"
	Callback   string // Docker Hub's, not checked
}

// Parsed is what a body holds. Ignored says why there is nothing to scan.
type Parsed struct {
	Events  []Event
	Ignored string
}

type parser func(h http.Header, body []byte) (Parsed, error)

// parsers is the table of the sources.
func parsers() map[string]parser {
	return map[string]parser{
		"distribution": distribution, "harbor": harbor, "github": github, "gitea": gitea, "dockerhub": dockerHub, "quay": quay,
		"acr": acr, "pubsub": pubSub, "eventbridge": eventBridge, "artifactory": artifactory, "zot": zot,
	}
}

// Sources lists the sources by name, sorted.
func Sources() []string {
	var names []string
	for name := range parsers() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Known reports whether a source has that name.
func Known(source string) bool { return parsers()[source] != nil }

// Parse reads a body of a source. An error wraps ErrMalformed; there are no events
// then, and Ignored is empty. Otherwise there are events or a reason to ignore it.
func Parse(source string, h http.Header, body []byte) (Parsed, error) {
	parse := parsers()[source]
	switch {
	case parse == nil:
		return Parsed{}, fmt.Errorf("%w: %q is no source", ErrMalformed, source)
	case len(body) > MaxBody:
		return Parsed{}, fmt.Errorf("%w: larger than 1 MiB", ErrMalformed)
	}
	if err := CheckJSON(body); err != nil {
		return Parsed{}, err
	}
	p, err := parse(h, body)
	if err != nil {
		return Parsed{}, err
	}
	if len(p.Events) > maxEvents {
		return Parsed{}, fmt.Errorf("%w: more than %d events", ErrMalformed, maxEvents)
	}
	for i := range p.Events {
		if err := p.Events[i].check(); err != nil {
			return Parsed{}, fmt.Errorf("%w: event %d: %w", ErrMalformed, i+1, err)
		}
	}
	n := len(p.Events)
	p.Events = slices.DeleteFunc(p.Events, func(e Event) bool { return IsReferrersTag(e.Tag) })
	if len(p.Events) == 0 {
		p.Events = nil
		if n > 0 {
			p.Ignored = "a list of what refers to an image"
		}
	}
	if len(p.Events) == 0 && p.Ignored == "" {
		p.Ignored = "it holds no event"
	}
	if len(p.Events) > 0 {
		p.Ignored = ""
	}
	return p, nil
}

// CheckJSON reports a body that is not one JSON value or is nested too deeply,
// before anything is made of it.
func CheckJSON(body []byte) error {
	depth, text := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return fmt.Errorf("%w: nested more than %d deep", ErrMalformed, maxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	if !json.Valid(body) {
		return fmt.Errorf("%w: not JSON", ErrMalformed)
	}
	return nil
}

// decode reads a JSON object.
func decode(body []byte, into any) error {
	if body = bytes.TrimLeft(body, " \t\r\n"); len(body) == 0 || body[0] != '{' {
		return fmt.Errorf("%w: not a JSON object", ErrMalformed)
	}
	if err := json.Unmarshal(body, into); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return fmt.Errorf("%w: %s is a %s", ErrMalformed, wrong.Field, wrong.Value)
		}
		return fmt.Errorf("%w: not JSON", ErrMalformed)
	}
	return nil
}

// The grammar of the OCI distribution specification, and hosts with a port.
var grammar = sync.OnceValue(func() (g struct{ host, repository, tag, digest *regexp.Regexp }) {
	g.host = regexp.MustCompile(`^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:]{2,45}\])(?::[0-9]{1,5})?$`)
	g.repository = regexp.MustCompile(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$`)
	g.tag = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
	g.digest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	return g
})

// ValidDigest reports whether s is a SHA-256 digest as registries write it.
func ValidDigest(s string) bool { return grammar().digest.MatchString(s) }

// ValidRepository reports whether s names a repository.
func ValidRepository(s string) bool { return len(s) <= 255 && grammar().repository.MatchString(s) }

// ValidTag reports whether s is a tag.
func ValidTag(s string) bool { return grammar().tag.MatchString(s) }

// IsReferrersTag reports the tags under which registries without the referrers
// API keep what refers to an image, and tools their signatures: the image's digest
// with a hyphen. They hold no images, and fnvet's own attestations move them.
func IsReferrersTag(tag string) bool {
	hex, ok := strings.CutPrefix(tag, "sha256-")
	return ok && len(hex) >= 64 && ValidDigest("sha256:"+hex[:64])
}

func (e *Event) check() error {
	switch {
	case len(e.ID) > maxText:
		return errors.New("its id is too long")
	case !utf8.ValidString(e.ID) || strings.ContainsFunc(e.ID, unicode.IsControl):
		return errors.New("its id is no text")
	case e.Target != "":
		return checkTarget(e.Target)
	case e.Registry != "" && !grammar().host.MatchString(e.Registry):
		return errors.New("the registry is no host")
	case !ValidRepository(e.Repository):
		return errors.New("the repository is no name of one")
	case e.Tag != "" && !ValidTag(e.Tag):
		return errors.New("the tag is none")
	case e.Digest != "" && !ValidDigest(e.Digest):
		return errors.New("the digest is no SHA-256 digest")
	case e.Tag == "" && e.Digest == "":
		return errors.New("it has neither tag nor digest")
	}
	return nil
}

func checkTarget(target string) error {
	for _, c := range target {
		if c < ' ' || c == 0x7f || c == 0xfffd {
			return errors.New("the name holds control characters")
		}
	}
	if len(target) > 2048 {
		return errors.New("the name is too long")
	}
	return nil
}

// image splits "host/repository:tag" and "host/repository@digest".
func image(reference string) (e Event, ok bool) {
	host, rest, found := strings.Cut(reference, "/")
	if !found {
		return Event{}, false
	}
	e.Registry = host
	if name, digest, ok := strings.Cut(rest, "@"); ok {
		e.Digest, rest = digest, name
	}
	if i := strings.LastIndexByte(rest, ':'); i >= 0 {
		e.Tag, rest = rest[i+1:], rest[:i]
	}
	e.Repository = rest
	return e, true
}

func ignored(format string, args ...any) (Parsed, error) {
	return Parsed{Ignored: fmt.Sprintf(format, args...)}, nil
}

// short makes a word of a body fit for an answer.
func short(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
