package unpack

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/internal/lazyregexp"
)

// An imageConfig is what fnvet reads of an image config (OCI image
// specification, config.md, and the fields Docker adds).
type imageConfig struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant"`
	Created      string `json:"created"`
	Author       string `json:"author"`
	Comment      string `json:"comment"`
	Config       struct {
		User        string
		WorkingDir  string
		Entrypoint  stringList
		Cmd         stringList
		Shell       stringList
		OnBuild     stringList
		Env         stringList
		Labels      map[string]string
		Healthcheck *struct{ Test stringList }
	} `json:"config"`
	ContainerConfig struct{ Env, Cmd stringList } `json:"container_config"`
	RootFS          struct {
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
	History []struct {
		CreatedBy  string `json:"created_by"`
		Author     string `json:"author"`
		Comment    string `json:"comment"`
		EmptyLayer bool   `json:"empty_layer"`
	} `json:"history"`

	read bool
}

// A stringList is a JSON list of strings, or one string, or null.
type stringList []string

// UnmarshalJSON accepts what builders write, not only what the specification says.
func (s *stringList) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var one string
		if err := json.Unmarshal(b, &one); err != nil {
			return err
		}
		*s = stringList{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(s))
}

// config reads an image config; one that is missing or damaged is a gap.
func (r *imageReader) config(name, digest string) imageConfig {
	var c imageConfig
	raw, ok := r.read(name, digest, maxConfig)
	if !ok {
		return c
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		r.w.gap("image-config", fnvet.GapUnparsable, jsonReason(err))
	}
	c.read = true
	return c
}

// describe puts the config in the artifact (that of the first image) and its
// names and values in the settings. layers are the digests of its layers.
func (w *walker) describe(c *imageConfig, layers []string, first bool) {
	if first {
		w.artifact.Config = fnvet.Config{
			OS: c.OS, Architecture: c.Architecture, Created: c.Created, User: c.Config.User, WorkingDir: c.Config.WorkingDir,
			Entrypoint: redactAll(c.Config.Entrypoint), Cmd: redactAll(c.Config.Cmd),
			EnvNames: envNames(c.Config.Env), LabelNames: slices.Sorted(maps.Keys(c.Config.Labels)),
		}
	}
	for _, env := range [][]string{c.Config.Env, c.ContainerConfig.Env} {
		for _, variable := range env {
			name, value, _ := strings.Cut(variable, "=")
			w.setting(fnvet.Setting{Path: "image-config", Source: "image-config", Name: name, Value: value})
		}
	}
	lists := map[string][]string{
		"entrypoint": c.Config.Entrypoint, "cmd": c.Config.Cmd, "shell": c.Config.Shell, "onbuild": c.Config.OnBuild,
		"container_config.cmd": c.ContainerConfig.Cmd,
	}
	if c.Config.Healthcheck != nil {
		lists["healthcheck"] = c.Config.Healthcheck.Test
	}
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		if len(lists[name]) > 0 {
			w.setting(fnvet.Setting{Path: "image-config", Source: "image-config", Name: name, Value: strings.Join(lists[name], " ")})
		}
	}
	w.settingsOf("metadata", "image-config", c.Config.Labels)
	w.settingsOf("metadata", "image-config", map[string]string{"author": c.Author, "comment": c.Comment})
	at := 0
	for _, h := range c.History {
		s := fnvet.Setting{Path: "image-config", Source: "metadata", Name: "history"}
		if !h.EmptyLayer && at < len(layers) {
			s.Layer = layers[at]
			at++
		}
		for _, s.Value = range []string{h.CreatedBy, h.Author, h.Comment} {
			if s.Value != "" {
				w.setting(s)
			}
		}
	}
}

// commands returns the history line of each layer, redacted.
func (c *imageConfig) commands() []string {
	var commands []string
	for _, h := range c.History {
		if !h.EmptyLayer {
			commands = append(commands, redact(h.CreatedBy))
		}
	}
	return commands
}

// settingsOf keeps name and value pairs, in the order of the names.
func (w *walker) settingsOf(origin, where string, pairs map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		if pairs[name] != "" {
			w.setting(fnvet.Setting{Path: where, Source: origin, Name: name, Value: pairs[name]})
		}
	}
}

func envNames(env []string) []string {
	names := make([]string, 0, min(len(env), maxSettings))
	for _, variable := range env[:min(len(env), maxSettings)] {
		name, _, _ := strings.Cut(variable, "=")
		names = append(names, name)
	}
	return names
}

var (
	assignment  = lazyregexp.New(`([A-Za-z_][A-Za-z0-9_.-]*)=("[^"]*"|'[^']*'|[^\s"';&|]+)`)
	secretName  = lazyregexp.New(`(?i)(secret|token|passw|pwd|credential|auth|api_?key|access_?key|private_?key|_key$|^key$|signature|dsn|_url$|_uri$|conn)`)
	secretFlag  = lazyregexp.New(`(?i)(--?(?:password|passwd|pass|token|secret|api-?key|auth[a-z-]*|user)[= ]+)("[^"]*"|'[^']*'|\S+)`)
	userInfo    = lazyregexp.New(`([a-z][a-z0-9+.-]*://)[^\s/@]+@`)
	headerValue = lazyregexp.New(`(?i)((?:authorization|x-[a-z-]*(?:token|key)):\s*(?:bearer |basic |token )?)[^\s"']+`)
	longToken   = lazyregexp.New(`[A-Za-z0-9_+=-]{20,}`)
	buildArgs   = lazyregexp.New(`^(?:RUN )?\|\d+ `)
)

// redact blanks what may be a secret in a history line: values of variables with
// telling names and of all build arguments, credentials in options, headers and
// URLs, and long mixed tokens that are not digests.
func redact(command string) string {
	args := buildArgs().MatchString(command)
	shell := strings.Index(command, " /bin/")
	command = replaceSubmatch(assignment(), command, func(at int, m []string) string {
		if secretName().MatchString(m[1]) || args && (shell < 0 || at < shell) {
			return m[1] + "=***"
		}
		return m[0]
	})
	command = secretFlag().ReplaceAllString(command, "${1}***")
	command = userInfo().ReplaceAllString(command, "${1}***@")
	command = headerValue().ReplaceAllString(command, "${1}***")
	return strings.Clone(longToken().ReplaceAllStringFunc(command, func(token string) string {
		if mixed(token) {
			return "***"
		}
		return token
	}))
}

func replaceSubmatch(re *regexp.Regexp, s string, replace func(at int, m []string) string) string {
	var b strings.Builder
	last := 0
	for _, loc := range re.FindAllStringSubmatchIndex(s, -1) {
		m := make([]string, len(loc)/2)
		for i := range m {
			m[i] = s[loc[2*i]:loc[2*i+1]]
		}
		b.WriteString(s[last:loc[0]])
		b.WriteString(replace(loc[0], m))
		last = loc[1]
	}
	b.WriteString(s[last:])
	return b.String()
}

// mixed reports upper case, lower case and digits in one token; hex digests and
// words have no such mix.
func mixed(token string) bool {
	return strings.ContainsAny(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") &&
		strings.ContainsAny(token, "abcdefghijklmnopqrstuvwxyz") && strings.ContainsAny(token, "0123456789")
}

func redactAll(words []string) []string {
	var out []string
	for _, word := range words {
		out = append(out, redact(word))
	}
	return out
}
