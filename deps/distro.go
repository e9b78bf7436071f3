package deps

import (
	"strconv"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
)

// released gives a distribution package its ecosystem and the namespace and
// distro qualifier of its package URL; other packages stay as they are.
func released(p *fnvet.Package, d *fnvet.Distro) {
	switch p.Ecosystem {
	case entry.Deb, entry.Apk, entry.RPM:
	default:
		return
	}
	kind := p.Ecosystem
	p.Ecosystem = Ecosystem(kind, d)
	id, version := namespace(kind, d), ""
	if d != nil {
		version = d.VersionID
	}
	head, rest, _ := strings.Cut(strings.TrimPrefix(p.PURL, "pkg:"+kind+"/"), "?")
	p.PURL = "pkg:" + kind + "/" + id + "/" + head
	var qualifiers []string
	for q := range strings.SplitSeq(rest, "&") {
		if q != "" {
			qualifiers = append(qualifiers, q)
		}
	}
	if version != "" {
		qualifiers = append(qualifiers, "distro="+escaped(d.ID+"-"+version))
	}
	if len(qualifiers) > 0 {
		p.PURL += "?" + strings.Join(entry.Sorted(qualifiers), "&") // keys in order, as purls want it
	}
}

// escaped percent-encodes what a qualifier's value may not hold.
func escaped(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~:", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(c)|0x100, 16)[1:]))
	}
	return b.String()
}

// namespace is the purl namespace of a distribution.
func namespace(kind string, d *fnvet.Distro) string {
	if d != nil && d.ID != "" {
		switch d.ID {
		case "rhel":
			return "redhat"
		case "ol":
			return "oracle"
		case "amzn":
			return "amazon"
		case "opensuse-leap", "opensuse-tumbleweed":
			return "opensuse"
		case "sles":
			return "suse"
		}
		return escaped(strings.ToLower(d.ID))
	}
	return map[string]string{entry.Deb: "debian", entry.Apk: "alpine", entry.RPM: "redhat"}[kind]
}

// Ecosystem writes the OSV ecosystem of a distribution's packages, with its
// release: "Debian:12", "Alpine:v3.18", "AlmaLinux:9", "Ubuntu:22.04:LTS". kind
// is "deb", "apk" or "rpm" and decides when d is nil.
// https://ossf.github.io/osv-schema/#defined-ecosystems
func Ecosystem(kind string, d *fnvet.Distro) string {
	if d == nil {
		return map[string]string{entry.Deb: "Debian", entry.Apk: "Alpine", entry.RPM: "Red Hat"}[kind]
	}
	major, rest, _ := strings.Cut(d.VersionID, ".")
	switch strings.ToLower(d.ID) {
	case "debian", "raspbian":
		return with("Debian", major)
	case "ubuntu":
		return ubuntu(d.VersionID)
	case "alpine":
		minor, _, _ := strings.Cut(rest, ".")
		if minor == "" || strings.Contains(d.VersionID, "_") { // "3.21_alpha…" is edge
			return "Alpine"
		}
		return "Alpine:v" + major + "." + minor
	case "wolfi":
		return "Wolfi"
	case "chainguard":
		return "Chainguard"
	case "minimos":
		return "MinimOS"
	case "almalinux":
		return with("AlmaLinux", major)
	case "rocky":
		return with("Rocky Linux", major)
	case "rhel", "centos":
		return with("Red Hat", major)
	case "amzn":
		return with("Amazon Linux", d.VersionID)
	case "ol":
		return with("Oracle Linux", major)
	case "fedora":
		return with("Fedora", d.VersionID)
	case "opensuse-leap":
		return with("openSUSE", "Leap "+d.VersionID)
	case "opensuse-tumbleweed":
		return "openSUSE:Tumbleweed"
	case "sles":
		return "SUSE:" + strings.TrimSpace(suse(d.VersionID))
	case "azurelinux", "mariner":
		return with("Azure Linux", major)
	case "photon":
		return with("Photon OS", d.VersionID)
	case "openeuler":
		return with("openEuler", d.VersionID)
	case "mageia":
		return with("Mageia", d.VersionID)
	}
	return with(d.ID, d.VersionID)
}

func with(name, release string) string {
	if release == "" {
		return name
	}
	return name + ":" + release
}

// ubuntu marks long-term releases: those of April in even years.
func ubuntu(version string) string {
	year, month, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(year); err == nil && n%2 == 0 && month == "04" {
		return "Ubuntu:" + version + ":LTS"
	}
	return with("Ubuntu", version)
}

// suse writes "15.5" as OSV does: "Linux Enterprise Server 15 SP5".
func suse(version string) string {
	major, pack, ok := strings.Cut(version, ".")
	if !ok || pack == "0" {
		return "Linux Enterprise Server " + major
	}
	return "Linux Enterprise Server " + major + " SP" + pack
}
