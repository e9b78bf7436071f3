// Package rpm reads the package databases of RPM distributions from memory:
// Berkeley DB hash files (Packages), the NDB of SUSE (Packages.db) and SQLite
// (rpmdb.sqlite).
//
// Libraries for these want a path on disk, and nothing of an artifact is ever
// written to disk. So the three formats are read here, as far as their pages
// lead to package headers: no indexes, no transactions, no writing.
package rpm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/deps/internal/entry"
)

// Limits: a header with all its file lists is seldom over 4 MB, and
// distributions have some 70,000 packages.
const (
	maxHeader   = 64 << 20
	maxPackages = 500_000
)

// Want says whether a file is an RPM database: var/lib/rpm or
// usr/lib/sysimage/rpm (SUSE, Fedora) and one of the three file names.
func Want(name string) bool {
	dir, base := path.Split("/" + name)
	if !strings.HasSuffix(dir, "/var/lib/rpm/") && !strings.HasSuffix(dir, "/usr/lib/sysimage/rpm/") &&
		!strings.HasSuffix(dir, "/usr/share/rpm/") {
		return false
	}
	return base == "Packages" || base == "Packages.db" || base == "rpmdb.sqlite"
}

// Parse reads a database of any of the formats; which one is found from the
// bytes. On an error it returns what it could read.
func Parse(data []byte) ([]fnvet.Package, error) {
	var read func([]byte, func([]byte) error) error
	switch {
	case strings.HasPrefix(string(data[:min(len(data), 16)]), sqliteMagic):
		read = readSQLite
	case len(data) >= 4 && string(data[:4]) == "RpmP":
		read = readNDB
	default:
		read = readBDB
	}
	var p parsed
	err := read(data, p.header)
	return p.packages(), errors.Join(err, p.bad)
}

// parsed collects the headers of a database.
type parsed struct {
	pkgs     []fnvet.Package
	needs    [][]string
	provides map[string]string // package URL by capability
	bad      error             // of the first header that does not parse
}

func (p *parsed) header(blob []byte) error {
	h, err := parseHeader(blob)
	if err != nil {
		if p.bad == nil {
			p.bad = err
		}
		return nil
	}
	if len(p.pkgs) >= maxPackages {
		return fmt.Errorf("more than %d packages", maxPackages)
	}
	name := h.text(tagName)
	if name == "gpg-pubkey" { // a key, kept as a package
		return nil
	}
	version := h.text(tagVersion) + "-" + h.text(tagRelease)
	epoch := h.number(tagEpoch)
	full := version
	if epoch != "" && epoch != "0" {
		full = epoch + ":" + version
	}
	pkg, ok := entry.Package(entry.RPM, name, full, fnvet.Installed)
	if !ok {
		return nil
	}
	pkg.PURL = entry.Linux("rpm", name, version, h.text(tagArch), epoch)
	pkg.Licenses = entry.Licenses(h.text(tagLicense))
	pkg.Supplier = entry.Party(h.text(tagVendor), true)
	if n, err := strconv.ParseInt(h.number(tagSize), 10, 64); err == nil {
		pkg.Size = n
	}
	pkg.Links = entry.Link(nil, fnvet.LinkWebsite, entry.Address(h.text(tagURL)))
	pkg.Source = source(h.text(tagSource), pkg, version)
	if p.provides == nil {
		p.provides = make(map[string]string)
	}
	for _, capability := range h.texts(tagProvide) {
		if _, taken := p.provides[capability]; !taken {
			p.provides[capability] = pkg.PURL
		}
	}
	p.pkgs, p.needs = append(p.pkgs, pkg), append(p.needs, h.texts(tagRequire))
	return nil
}

func (p *parsed) packages() []fnvet.Package {
	for i := range p.pkgs {
		for _, need := range p.needs[i] {
			if purl, ok := p.provides[need]; ok && purl != p.pkgs[i].PURL {
				p.pkgs[i].DependsOn = append(p.pkgs[i].DependsOn, purl)
			}
		}
		p.pkgs[i].DependsOn = entry.Sorted(p.pkgs[i].DependsOn)
	}
	return p.pkgs
}

// source reads "glibc-2.34-100.el9.src.rpm". The source has its binary's epoch
// where they have the same version, as they nearly always do.
func source(file string, pkg fnvet.Package, version string) *fnvet.SourcePackage {
	stem := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(file, ".rpm"), ".src"), ".nosrc")
	release := strings.LastIndexByte(stem, '-')
	if release <= 0 || len(stem) > entry.MaxField {
		return nil
	}
	start := strings.LastIndexByte(stem[:release], '-')
	if start <= 0 {
		return nil
	}
	s := fnvet.SourcePackage{Name: strings.Clone(stem[:start]), Version: strings.Clone(stem[start+1:])}
	if s.Version == version {
		s.Version = pkg.Version
	}
	if s.Name == pkg.Name && s.Version == pkg.Version {
		return nil
	}
	return &s
}

// Tags and types of header entries, from rpm's lib/rpmtag.h.
const (
	tagName    = 1000
	tagVersion = 1001
	tagRelease = 1002
	tagEpoch   = 1003
	tagSize    = 1009
	tagVendor  = 1011
	tagLicense = 1014
	tagURL     = 1020
	tagArch    = 1022
	tagSource  = 1044
	tagProvide = 1047
	tagRequire = 1049

	typeInt32  = 4
	typeString = 6
	typeArray  = 8
	typeI18N   = 9
)

// A header is the tags of one package, as slices of its blob.
type header map[uint32]field

type field struct {
	typ, count uint32
	data       []byte // from the field's start to the end of the store
}

var errHeader = errors.New("damaged package header")

// parseHeader reads a header as the database holds it: big-endian counts of
// entries and bytes, 16 bytes an entry (tag, type, offset, count), the store.
func parseHeader(blob []byte) (header, error) {
	if len(blob) < 8 {
		return nil, errHeader
	}
	entries, size := uint64(binary.BigEndian.Uint32(blob)), uint64(binary.BigEndian.Uint32(blob[4:]))
	if entries == 0 || 8+16*entries+size > uint64(len(blob)) {
		return nil, errHeader
	}
	store := blob[8+16*entries : 8+16*entries+size]
	h := make(header, 16)
	for i := range entries {
		e := blob[8+16*i:]
		tag, offset := binary.BigEndian.Uint32(e), uint64(binary.BigEndian.Uint32(e[8:]))
		switch tag {
		case tagName, tagVersion, tagRelease, tagEpoch, tagSize, tagVendor, tagLicense, tagURL, tagArch, tagSource, tagProvide, tagRequire:
			if offset >= uint64(len(store)) {
				return nil, errHeader
			}
			h[tag] = field{binary.BigEndian.Uint32(e[4:]), binary.BigEndian.Uint32(e[12:]), store[offset:]}
		}
	}
	if h.text(tagName) == "" || h.text(tagVersion) == "" {
		return nil, errHeader
	}
	return h, nil
}

func (h header) text(tag uint32) string {
	if all := h.texts(tag); len(all) > 0 {
		return all[0]
	}
	return ""
}

// texts reads NUL-terminated strings.
func (h header) texts(tag uint32) []string {
	f, ok := h[tag]
	if !ok || f.typ != typeString && f.typ != typeArray && f.typ != typeI18N {
		return nil
	}
	count := f.count
	if f.typ == typeString {
		count = 1
	}
	var out []string
	data := f.data
	for range count {
		end := bytes.IndexByte(data[:min(len(data), 4096)], 0)
		if end < 0 {
			break
		}
		out = append(out, string(data[:end]))
		data = data[end+1:]
	}
	return out
}

func (h header) number(tag uint32) string {
	f, ok := h[tag]
	if !ok || f.typ != typeInt32 || len(f.data) < 4 {
		return ""
	}
	return strconv.FormatUint(uint64(binary.BigEndian.Uint32(f.data)), 10)
}
