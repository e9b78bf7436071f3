package data

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// A Level is what an action does, as the service authorization reference grades it.
type Level byte

// The levels. Permissions is the gravest.
const (
	List        Level = 'l'
	Read        Level = 'r'
	Write       Level = 'w'
	Tagging     Level = 't'
	Permissions Level = 'p'
)

// Changes reports whether an action of the level changes something.
func (l Level) Changes() bool { return l == Write || l == Permissions }

// An Action is one IAM action.
type Action struct {
	Service string // prefix: "s3"
	Name    string // "GetObject"
	Level   Level
	// Types are the resource types it can be restricted to; none: Resource must be "*".
	Types []string
}

// String is "s3:GetObject".
func (a Action) String() string { return a.Service + ":" + a.Name }

// A service is parsed when it is first asked for.
type service struct {
	prefix, text string
	once         sync.Once
	actions      map[string]Action // by lower case
	names        []string          // its keys, in the order of the file, which is sorted
	types        map[string]string // ARN by type
}

func readServices() map[string]*service {
	all := map[string]*service{}
	for part := range strings.SplitSeq(decode(actionsFile), "\n@") {
		head, rest, _ := strings.Cut(part, "\n")
		if strings.HasPrefix(head, "#") {
			continue
		}
		prefix, _, _ := strings.Cut(head, " ")
		all[prefix] = &service{prefix: prefix, text: rest}
	}
	return all
}

func (s *service) parse() {
	s.once.Do(func() {
		s.actions, s.types = map[string]Action{}, map[string]string{}
		for line := range lines(s.text) {
			f := strings.Fields(line)
			switch {
			case len(f) == 2 && f[0][0] == '$':
				s.types[f[0][1:]] = f[1]
			case len(f) >= 2:
				name := strings.ToLower(f[0])
				s.actions[name] = Action{s.prefix, f[0], Level(f[1][0]), f[2:]}
				s.names = append(s.names, name)
			}
		}
	})
}

func (c *Catalog) service(prefix string) *service {
	s := c.services()[strings.ToLower(prefix)]
	if s != nil {
		s.parse()
	}
	return s
}

// Service reports whether AWS has a service of that prefix.
func (c *Catalog) Service(prefix string) bool { return c.services()[strings.ToLower(prefix)] != nil }

// Services are the prefixes of all services, sorted.
func (c *Catalog) Services() []string { return slices.Sorted(maps.Keys(c.services())) }

// Action looks an action up, in any case: "s3:getobject".
func (c *Catalog) Action(name string) (Action, bool) {
	prefix, rest, _ := strings.Cut(name, ":")
	s := c.service(prefix)
	if s == nil {
		return Action{}, false
	}
	a, ok := s.actions[strings.ToLower(rest)]
	return a, ok
}

// Actions are those that a pattern covers, sorted: "s3:Put*", "*".
func (c *Catalog) Actions(pattern string) []Action {
	prefix, rest, ok := strings.Cut(pattern, ":")
	if !ok && pattern == "*" {
		rest = "*"
	} else if !ok {
		return nil
	}
	prefix, rest = strings.ToLower(prefix), strings.ToLower(rest)
	if !strings.ContainsAny(pattern, "*?") {
		a, ok := c.Action(pattern)
		if !ok {
			return nil
		}
		return []Action{a}
	}
	var out []Action
	for _, p := range c.Services() {
		if !Wildcard(prefix, p) {
			continue
		}
		s := c.service(p)
		for _, k := range s.names {
			if rest == "*" || Wildcard(rest, k) {
				out = append(out, s.actions[k])
			}
		}
	}
	return out
}

// ARN is the form of the ARNs of a resource type:
// "arn:${Partition}:s3:::${BucketName}".
func (c *Catalog) ARN(service, kind string) string {
	s := c.service(service)
	if s == nil {
		return ""
	}
	return s.types[kind]
}

// Covers reports whether an action pattern covers an action, in any case.
func Covers(pattern, action string) bool {
	return pattern == "*" || Wildcard(strings.ToLower(pattern), strings.ToLower(action))
}

// Wildcard matches IAM's "*" and "?" over the whole of s, in linear time for each star.
func Wildcard(pattern, s string) bool {
	star, mark := -1, 0
	i, j := 0, 0
	for i < len(s) {
		switch {
		case j < len(pattern) && (pattern[j] == '?' || pattern[j] == s[i]) && pattern[j] != '*':
			i, j = i+1, j+1
		case j < len(pattern) && pattern[j] == '*':
			star, mark = j, i
			j++
		case star >= 0:
			mark++
			i, j = mark, star+1
		default:
			return false
		}
	}
	for j < len(pattern) && pattern[j] == '*' {
		j++
	}
	return j == len(pattern)
}
