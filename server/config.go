package server

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fnvet/fnvet/server/hook"
	"github.com/fnvet/fnvet/unpack/remote"
)

// A File is the configuration of a server. Secrets in it are references: "env:NAME"
// or "file:PATH".
type File struct {
	Registries    []Registry     `yaml:"registries"`
	Sources       []Source       `yaml:"sources"`
	Tokens        []Token        `yaml:"tokens"`
	Notifications []Notification `yaml:"notifications"`
	ProxyLogin    *ProxyLogin    `yaml:"proxy_login"`
	OIDCLogin     *OIDCLogin     `yaml:"oidc_login"`
	TLS           *TLS           `yaml:"tls"`
	// UploadLimit bounds a package sent to the API, in MiB; default 256, 0 takes none.
	UploadLimit *int64 `yaml:"upload_limit_mib"`
	// LayerCache bounds what is kept of layers in the store, all together in MiB;
	// default 1024, 0 keeps nothing. LayerCacheAge is how long an entry is kept after
	// its last use; default 30 days.
	LayerCache    *int64        `yaml:"layer_cache_mib"`
	LayerCacheAge time.Duration `yaml:"layer_cache_age"`
	// InstallationKey is what secrets are hashed with, the same for all servers and
	// workers of a store; default: the machine's own.
	InstallationKey Secret `yaml:"installation_key"`
	// AWS allows targets in S3 and Lambda, with the credentials of the environment.
	AWS bool `yaml:"aws"`
	// URL is where people reach the page, for links in messages.
	URL string `yaml:"url"`
}

// A Registry is one whose artifacts are scanned.
type Registry struct {
	Name     string        `yaml:"name"`
	Host     string        `yaml:"host"`     // as references write it, with a port if it has one
	Address  string        `yaml:"address"`  // host and port to connect to, where that is another
	Insecure bool          `yaml:"insecure"` // plain http
	Private  bool          `yaml:"private"`  // loopback and private addresses will do
	Hosts    []string      `yaml:"hosts"`    // its token service and blob stores, if they are elsewhere
	Username string        `yaml:"username"`
	Password Secret        `yaml:"password"`
	Poll     time.Duration `yaml:"poll"`   // read the catalogue this often; 0: never
	Attach   bool          `yaml:"attach"` // the SBOM and the verdict beside each image
}

// Fence bounds where requests for the registry may go.
func (r *Registry) Fence() *remote.Fence {
	return &remote.Fence{Hosts: append([]string{r.Dial()}, r.Hosts...), Private: r.Private}
}

// Dial is the host that is connected to.
func (r *Registry) Dial() string { return cmp.Or(r.Address, r.Host) }

// A Source is something that sends webhooks.
type Source struct {
	Source   string `yaml:"source"` // a route: "harbor"
	Secret   Secret `yaml:"secret"`
	Registry string `yaml:"registry"` // name: of events that name none, and the only one events may name
	// Of Pub/Sub: what the token must be for, and who must have sent it.
	Audience, Email, Issuer string
	Keys                    string // URL of the issuer's keys, if it is not Google
}

// A Token lets one caller in.
type Token struct {
	Name   string   `yaml:"name"`
	Hash   string   `yaml:"hash"`   // "sha256:…" of the token
	Scopes []string `yaml:"scopes"` // read, scan, hooks, admin
	Rate   float64  `yaml:"rate"`   // requests a second; default 100
}

// The scopes of tokens. Admin is all of them.
const (
	ScopeRead  = "read"
	ScopeScan  = "scan"
	ScopeHooks = "hooks"
	ScopeAdmin = "admin"
)

// A Notification is told of new findings that block.
type Notification struct {
	Name    string `yaml:"name"`
	URL     Secret `yaml:"url"`
	Format  string `yaml:"format"` // json (default), slack, teams
	Secret  Secret `yaml:"secret"` // signs the body
	Private bool   `yaml:"private"`
	All     bool   `yaml:"all"` // every change, not only what newly blocks
}

// A ProxyLogin trusts a reverse proxy to say who reads the page.
type ProxyLogin struct {
	Header string   `yaml:"header"` // "X-Forwarded-User"
	From   []string `yaml:"from"`   // prefixes of the proxies' addresses
	Scopes []string `yaml:"scopes"` // of whoever it names; default read
}

// TLS has the files of the server's certificate. ClientCA makes callers show one
// of their own.
type TLS struct {
	Cert     string `yaml:"cert"`
	Key      string `yaml:"key"`
	ClientCA string `yaml:"client_ca"`
}

// A Secret is a value that the configuration only refers to. It is never printed.
type Secret struct{ value string }

// String hides the value.
func (Secret) String() string { return "***" }

// GoString hides the value.
func (Secret) GoString() string { return "***" }

// Reveal returns the value.
func (s Secret) Reveal() string { return s.value }

// maxSecret bounds a file that holds a secret, in bytes.
const maxSecret = 64 << 10

// UnmarshalYAML looks the value up.
func (s *Secret) UnmarshalYAML(n *yaml.Node) error {
	var text string
	if err := n.Decode(&text); err != nil {
		return err
	}
	kind, rest, _ := strings.Cut(text, ":")
	switch kind {
	case "env":
		s.value = os.Getenv(rest)
		if s.value == "" {
			return fmt.Errorf("line %d: the variable %s is empty", n.Line, rest)
		}
	case "file":
		f, err := os.Open(rest) // #nosec G304 -- the operator names it
		if err != nil {
			return fmt.Errorf("line %d: %w", n.Line, err)
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxSecret))
		if err != nil {
			return fmt.Errorf("line %d: %w", n.Line, err)
		}
		s.value = strings.TrimRight(string(data), "\r\n")
		if s.value == "" {
			return fmt.Errorf("line %d: %s is empty", n.Line, rest)
		}
	default:
		return fmt.Errorf("line %d: a secret is named as env:NAME or file:PATH, never written out", n.Line)
	}
	return nil
}

// ParseFile reads a configuration and checks it as a whole.
func ParseFile(data []byte) (*File, error) {
	var f File
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for _, check := range []func() error{f.checkRegistries, f.checkSources, f.checkTokens, f.checkNotifications, f.checkProxy, f.checkLogin, f.checkLayers} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return &f, nil
}

func (f *File) checkRegistries() error {
	names, hosts := map[string]bool{}, map[string]bool{}
	for i := range f.Registries {
		r := &f.Registries[i]
		r.Name = cmp.Or(r.Name, r.Host)
		switch {
		case r.Host == "" || strings.ContainsAny(r.Host, "/@ "):
			return fmt.Errorf("registries: %q is no host", r.Host)
		case names[r.Name] || hosts[r.Host]:
			return fmt.Errorf("registries: %s is there twice", r.Name)
		case (r.Username == "") != (r.Password.value == ""):
			return fmt.Errorf("registries: %s: username and password go together", r.Name)
		case r.Poll < 0 || r.Poll > 0 && r.Poll < 10*time.Second:
			return fmt.Errorf("registries: %s: poll is at least 10s", r.Name)
		}
		names[r.Name], hosts[r.Host] = true, true
	}
	return nil
}

func (f *File) checkSources() error {
	for i := range f.Sources {
		s := &f.Sources[i]
		switch {
		case !hook.Known(s.Source):
			return fmt.Errorf("sources: %q is none of %s", s.Source, strings.Join(hook.Sources(), ", "))
		case s.Source == "pubsub" && (s.Audience == "" || s.Email == ""):
			return errors.New("sources: pubsub wants audience and email")
		case s.Source != "pubsub" && s.Secret.value == "":
			return fmt.Errorf("sources: %s wants a secret", s.Source)
		case s.Registry != "" && f.registryByName(s.Registry) == nil:
			return fmt.Errorf("sources: %s: no registry is named %s", s.Source, s.Registry)
		}
	}
	return nil
}

func (f *File) checkTokens() error {
	for i := range f.Tokens {
		t := &f.Tokens[i]
		sum, ok := strings.CutPrefix(t.Hash, "sha256:")
		if b, err := hex.DecodeString(sum); !ok || err != nil || len(b) != 32 {
			return fmt.Errorf("tokens: %s: hash is sha256: and 64 hex digits; type: fnvet token", t.Name)
		}
		t.Rate = cmp.Or(t.Rate, 100)
		if err := checkScopes(t.Scopes); err != nil {
			return fmt.Errorf("tokens: %s: %w", t.Name, err)
		}
	}
	return nil
}

func checkScopes(scopes []string) error {
	if len(scopes) == 0 {
		return errors.New("there are no scopes")
	}
	for _, scope := range scopes {
		if !slices.Contains([]string{ScopeRead, ScopeScan, ScopeHooks, ScopeAdmin}, scope) {
			return fmt.Errorf("%q is none of read, scan, hooks, admin", scope)
		}
	}
	return nil
}

// Guarded reports whether callers have a way to say who they are. Without one a
// server belongs on a loopback address.
func (f *File) Guarded() bool { return len(f.Tokens) > 0 || f.ProxyLogin != nil || f.OIDCLogin != nil }

func (f *File) checkNotifications() error {
	for i := range f.Notifications {
		n := &f.Notifications[i]
		n.Format = cmp.Or(n.Format, "json")
		if u, err := url.Parse(n.URL.value); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return fmt.Errorf("notifications: %s: the URL is none", n.Name)
		}
		if !slices.Contains([]string{"json", "slack", "teams"}, n.Format) {
			return fmt.Errorf("notifications: %s: format is json, slack or teams", n.Name)
		}
	}
	return nil
}

func (f *File) checkProxy() error {
	if f.ProxyLogin == nil {
		return nil
	}
	if f.ProxyLogin.Header == "" || len(f.ProxyLogin.From) == 0 {
		return errors.New("proxy_login wants header and from")
	}
	for _, p := range f.ProxyLogin.From {
		if _, err := netip.ParsePrefix(p); err != nil {
			return fmt.Errorf("proxy_login: %q is no prefix such as 10.0.0.0/8", p)
		}
	}
	if f.ProxyLogin.Scopes == nil {
		f.ProxyLogin.Scopes = []string{ScopeRead}
	}
	if err := checkScopes(f.ProxyLogin.Scopes); err != nil {
		return fmt.Errorf("proxy_login: %w", err)
	}
	return nil
}

// The defaults of the cache of layers.
const (
	layerCacheMiB = 1024
	layerCacheAge = 30 * 24 * time.Hour
	maxLayerCache = 1 << 30 // MiB
)

func (f *File) checkLayers() error {
	if f.LayerCache == nil {
		f.LayerCache = new(int64)
		*f.LayerCache = layerCacheMiB
	}
	f.LayerCacheAge = cmp.Or(f.LayerCacheAge, layerCacheAge)
	if *f.LayerCache < 0 || *f.LayerCache > maxLayerCache {
		return errors.New("layer_cache_mib is a size in MiB; 0 keeps nothing")
	}
	if f.LayerCacheAge < time.Hour {
		return errors.New("layer_cache_age is at least 1h")
	}
	return nil
}

func (f *File) registryByName(name string) *Registry {
	for i := range f.Registries {
		if f.Registries[i].Name == name {
			return &f.Registries[i]
		}
	}
	return nil
}

// registryByHost finds a registry by a host of an event or reference.
func (f *File) registryByHost(host string) *Registry {
	for i := range f.Registries {
		if r := &f.Registries[i]; r.Host == host || r.Address != "" && r.Address == host {
			return r
		}
	}
	return nil
}
