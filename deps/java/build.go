package java

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
)

// ParseGradleLock reads gradle.lockfile and buildscript-gradle.lockfile: lines
// of "group:artifact:version=configurations". It ends with an "empty=" line.
func ParseGradleLock(data []byte) ([]fnvet.Package, error) {
	var out []fnvet.Package
	ended := false
	for len(data) > 0 {
		raw, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		line := strings.TrimSpace(string(raw))
		if line == "" || line[0] == '#' {
			continue
		}
		coordinates, configurations, ok := strings.Cut(line, "=")
		if coordinates == "empty" {
			ended = true
			continue
		}
		parts := strings.Split(coordinates, ":")
		if !ok && len(parts) != 3 || len(parts) != 3 || !resolved(parts...) {
			continue
		}
		if configurations != "" && strings.Trim(configurations, ",") == "" {
			continue
		}
		if pkg, ok := entry.Package(entry.Maven, parts[0]+":"+parts[1], parts[2], fnvet.Locked); ok {
			out = append(out, pkg)
		}
	}
	if !ended {
		return out, errors.New("cut off: no line of empty configurations at the end")
	}
	return out, nil
}

// WantPom says whether a file is the pom.xml of a project, not one that a jar
// carries about itself.
func WantPom(name string) bool {
	return path.Base(name) == "pom.xml" && !strings.Contains("/"+name, "/META-INF/")
}

// ParsePom reads the dependencies a pom.xml declares with an exact version,
// properties of the same file resolved. Test and provided ones, imports and
// ranges are left out.
func ParsePom(data []byte) ([]fnvet.Package, error) {
	p, err := parseProject(data)
	managed := make(map[string]string)
	for _, d := range p.Managed {
		managed[p.resolve(d.Group)+":"+p.resolve(d.Artifact)] = p.resolve(d.Version)
	}
	var out []fnvet.Package
	for _, d := range p.Dependencies {
		if d.Scope == "test" || d.Scope == "provided" || d.Scope == "import" || d.Scope == "system" {
			continue
		}
		group, artifact, version := p.resolve(d.Group), p.resolve(d.Artifact), p.resolve(d.Version)
		if version == "" {
			version = managed[group+":"+artifact]
		}
		version = strings.TrimSuffix(strings.TrimPrefix(version, "["), "]") // [1.0] is exactly 1.0
		if !resolved(group, artifact, version) || strings.ContainsAny(version, "[](),") {
			continue
		}
		if pkg, ok := entry.Package(entry.Maven, group+":"+artifact, version, fnvet.Declared); ok {
			pkg.Direct = true
			out = append(out, pkg)
		}
	}
	return out, err
}

// A project is what is read of a pom.xml.
type project struct {
	Group   string `xml:"groupId"`
	Version string `xml:"version"`
	Parent  struct {
		Group   string `xml:"groupId"`
		Version string `xml:"version"`
	} `xml:"parent"`
	Properties struct {
		List []struct {
			XMLName xml.Name
			Value   string `xml:",chardata"`
		} `xml:",any"`
	} `xml:"properties"`
	Licenses []struct {
		Name string `xml:"name"`
	} `xml:"licenses>license"`
	URL          string `xml:"url"`
	Organization struct {
		Name string `xml:"name"`
		URL  string `xml:"url"`
	} `xml:"organization"`
	Developers []struct {
		Name  string `xml:"name"`
		Email string `xml:"email"`
		URL   string `xml:"url"`
	} `xml:"developers>developer"`
	SCM struct {
		URL        string `xml:"url"`
		Connection string `xml:"connection"`
	} `xml:"scm"`
	Issues struct {
		URL string `xml:"url"`
	} `xml:"issueManagement"`
	Dependencies []dependency `xml:"dependencies>dependency"`
	Managed      []dependency `xml:"dependencyManagement>dependencies>dependency"`
}

type dependency struct {
	Group    string `xml:"groupId"`
	Artifact string `xml:"artifactId"`
	Version  string `xml:"version"`
	Scope    string `xml:"scope"`
}

func parseProject(data []byte) (project, error) {
	var p project
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = func(charset string, in io.Reader) (io.Reader, error) {
		switch strings.ToLower(charset) {
		case "iso-8859-1", "latin1", "windows-1252", "us-ascii", "ascii":
			return &latin1{in: in}, nil
		}
		return nil, errors.New("unknown charset")
	}
	err := d.Decode(&p)
	return p, err
}

func (p project) licenses() []string {
	var texts []string
	for _, l := range p.Licenses {
		texts = append(texts, l.Name)
	}
	return entry.Licenses(texts...)
}

// supplier is the organisation, else the first developer who is named.
func (p project) supplier() *fnvet.Party {
	if o := entry.Named(p.stated(p.Organization.Name), "", p.stated(p.Organization.URL), true); o != nil {
		return o
	}
	for _, d := range p.Developers {
		if o := entry.Named(p.stated(d.Name), d.Email, p.stated(d.URL), false); o != nil {
			return o
		}
	}
	return nil
}

func (p project) links() []fnvet.Link {
	source := entry.Repository(p.stated(p.SCM.URL))
	if source == "" {
		source = entry.Repository(p.stated(p.SCM.Connection))
	}
	list := entry.Link(nil, fnvet.LinkVCS, source)
	list = entry.Link(list, fnvet.LinkWebsite, entry.Address(p.stated(p.URL)))
	return entry.Links(entry.Link(list, fnvet.LinkIssues, entry.Address(p.stated(p.Issues.URL))))
}

// stated is a text with its properties resolved; "" where one stays open.
func (p project) stated(text string) string {
	if text = p.resolve(text); strings.Contains(text, "${") {
		return ""
	}
	return text
}

// resolve replaces ${name} by the project's own properties, to a depth of 8.
func (p project) resolve(text string) string {
	text = strings.TrimSpace(text)
	for range 8 {
		before, rest, ok := strings.Cut(text, "${")
		name, after, closed := strings.Cut(rest, "}")
		if !ok || !closed {
			return text
		}
		value, found := p.property(name)
		if !found || len(before)+len(value)+len(after) > entry.MaxField {
			return text
		}
		text = before + value + after
	}
	return text
}

func (p project) property(name string) (string, bool) {
	switch name {
	case "project.version", "version", "pom.version":
		v := firstOf(p.Version, p.Parent.Version)
		return v, v != ""
	case "project.groupId", "groupId", "pom.groupId":
		g := firstOf(p.Group, p.Parent.Group)
		return g, g != ""
	case "project.parent.version":
		return p.Parent.Version, p.Parent.Version != ""
	}
	for _, property := range p.Properties.List {
		if property.XMLName.Local == name {
			return strings.TrimSpace(property.Value), true
		}
	}
	return "", false
}

// latin1 turns ISO 8859-1 into UTF-8.
type latin1 struct {
	in   io.Reader
	rest []byte
}

func (l *latin1) Read(out []byte) (int, error) {
	if len(l.rest) == 0 {
		buf := make([]byte, 4096)
		n, err := l.in.Read(buf)
		for _, b := range buf[:n] {
			l.rest = append(l.rest, string(rune(b))...)
		}
		if n == 0 {
			return 0, err
		}
	}
	n := copy(out, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}
