package entry

import (
	"net/url"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// maxURL bounds an address that is believed, in bytes.
const maxURL = 2048

// Party reads "Name <mail> (address)", each part optional, as npm and the
// distributions write who made or maintains a package; nil where nothing is said.
func Party(text string, organization bool) *fnvet.Party {
	text = strings.TrimSpace(text)
	if len(text) > MaxField {
		return nil
	}
	var p fnvet.Party
	if before, rest, ok := strings.Cut(text, "("); ok {
		if inside, after, closed := strings.Cut(rest, ")"); closed && Address(inside) != "" {
			p.URL = Address(inside)
			text = strings.TrimSpace(before + after)
		}
	}
	if before, rest, ok := strings.Cut(text, "<"); ok {
		if inside, after, closed := strings.Cut(rest, ">"); closed {
			p.Email = mail(inside)
			text = strings.TrimSpace(before + after)
		}
	}
	return Named(text, p.Email, p.URL, organization)
}

// Named makes a party of parts that are stated apart; nil where nothing is said.
func Named(name, address, site string, organization bool) *fnvet.Party {
	p := fnvet.Party{Name: line(name), Email: mail(address), URL: Address(site), Organization: organization}
	if strings.EqualFold(p.Name, "unknown") || strings.EqualFold(p.Name, "none") {
		p.Name = ""
	}
	if p.Email == "" && mail(p.Name) != "" {
		p.Name, p.Email = "", p.Name
	}
	if p.Name == "" && p.Email == "" && p.URL == "" {
		return nil
	}
	return &p
}

// line is a text of one line that is short enough to be a name.
func line(s string) string {
	s = strings.Trim(strings.TrimSpace(s), `"`)
	if len(s) > MaxField || strings.ContainsAny(s, "\n\r") {
		return ""
	}
	return strings.Clone(s)
}

// mail is s if it can be an address of mail, else "".
func mail(s string) string {
	s = strings.TrimSpace(s)
	user, host, ok := strings.Cut(s, "@")
	if !ok || user == "" || !strings.Contains(host, ".") || len(s) > 254 || strings.ContainsAny(s, " \t<>()[]\",;:\\") || strings.Contains(host, "@") {
		return ""
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return ""
		}
	}
	return strings.Clone(s)
}

// Address is a web address without what may be secret in it (user, password,
// query) and without fragment; "" for anything else.
func Address(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > maxURL {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || !strings.Contains(u.Host, ".") {
		return ""
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return ""
		}
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	return u.String()
}

// Repository is the web address of a source repository as manifests write it:
// git+https, git and ssh addresses, and the short forms of npm ("owner/name" and
// "github:owner/name"). It is "" where there is none.
func Repository(s string) string {
	s = strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(s, "scm:"); ok { // of Maven: "scm:git:https://…"
		if _, s, ok = strings.Cut(rest, ":"); !ok {
			return ""
		}
	}
	for prefix, host := range map[string]string{"github:": "github.com", "gitlab:": "gitlab.com", "bitbucket:": "bitbucket.org"} {
		if rest, ok := strings.CutPrefix(s, prefix); ok {
			s = "https://" + host + "/" + strings.TrimLeft(rest, "/")
		}
	}
	s = strings.TrimPrefix(s, "git+")
	for _, scheme := range []string{"ssh://", "git://"} {
		if rest, ok := strings.CutPrefix(s, scheme); ok {
			if _, host, user := strings.Cut(rest, "@"); user {
				rest = host
			}
			s = "https://" + rest
		}
	}
	if rest, ok := strings.CutPrefix(s, "git@"); ok {
		s = "https://" + strings.Replace(rest, ":", "/", 1)
	}
	if owner, name, ok := strings.Cut(s, "/"); ok && !strings.ContainsAny(s, ":. @") && owner != "" && name != "" && !strings.Contains(name, "/") {
		s = "https://github.com/" + s
	}
	return Address(s)
}

// Link adds a link of a kind unless the address is empty.
func Link(list []fnvet.Link, kind, address string) []fnvet.Link {
	if address == "" {
		return list
	}
	return append(list, fnvet.Link{Kind: kind, URL: strings.Clone(address)})
}

// Links sorts links and leaves out those that occur twice.
func Links(list []fnvet.Link) []fnvet.Link {
	slices.SortFunc(list, func(a, b fnvet.Link) int { return strings.Compare(a.Kind+"\x00"+a.URL, b.Kind+"\x00"+b.URL) })
	return slices.Compact(list)
}
