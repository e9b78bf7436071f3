package advisory

import (
	"encoding/binary"
	"slices"
	"time"
)

// encoder appends the index's own encoding: unsigned varints, strings with
// their length, lists with their count.
type encoder struct{ b []byte }

func (e *encoder) number(n int)   { e.b = binary.AppendUvarint(e.b, uint64(max(n, 0))) }
func (e *encoder) text(s string)  { e.number(len(s)); e.b = append(e.b, s...) }
func (e *encoder) flag(f bool)    { e.b = append(e.b, byte(btoi(f)&1)) }
func (e *encoder) sum(crc uint32) { e.b = binary.LittleEndian.AppendUint32(e.b, crc) }

func (e *encoder) texts(list []string) {
	e.number(len(list))
	for _, s := range list {
		e.text(s)
	}
}

// sized appends what write appends, after its length.
func (e *encoder) sized(write func(*encoder)) {
	var inner encoder
	write(&inner)
	e.number(len(inner.b))
	e.b = append(e.b, inner.b...)
}

// decoder reads the same encoding. After the first error, bad is set and
// everything reads as zero, so callers check once at the end.
type decoder struct {
	b   []byte
	bad bool
	// text that ends where b ends, of which texts are parts; "" to copy each.
	// One copy for all of them costs less than one for each.
	whole string
}

// share makes the texts of what is left parts of one string.
func (d *decoder) share() { d.whole = string(d.b) }

func (d *decoder) fail() { d.b, d.bad = nil, true }

// number reads a count or position; those beyond 1<<40 are errors.
func (d *decoder) number() int {
	n, size := binary.Uvarint(d.b)
	if size <= 0 || n > 1<<40 {
		d.fail()
		return 0
	}
	d.b = d.b[size:]
	return int(n) // below 1<<40
}

// count reads the length of a list whose items take at least one byte each.
func (d *decoder) count() int {
	n := d.number()
	if n > len(d.b) {
		d.fail()
		return 0
	}
	return n
}

func (d *decoder) bytes() []byte {
	n := d.count()
	part := d.b[:n]
	d.b = d.b[n:]
	return part
}

func (d *decoder) text() string {
	part := d.bytes()
	if d.whole == "" {
		return string(part)
	}
	end := len(d.whole) - len(d.b)
	return d.whole[end-len(part) : end]
}

func (d *decoder) flag() bool {
	if len(d.b) == 0 || d.b[0] > 1 {
		d.fail()
		return false
	}
	f := d.b[0] == 1
	d.b = d.b[1:]
	return f
}

func (d *decoder) sum() uint32 {
	if len(d.b) < 4 {
		d.fail()
		return 0
	}
	n := binary.LittleEndian.Uint32(d.b)
	d.b = d.b[4:]
	return n
}

func (d *decoder) texts() []string {
	n := d.count()
	if n == 0 {
		return nil
	}
	list := make([]string, 0, min(n, 1024))
	for range n {
		list = append(list, d.text())
	}
	return list
}

// sized returns a decoder over a part written by encoder.sized.
func (d *decoder) sized() decoder { return decoder{b: d.bytes()} }

func (e *encoder) grade(g grade) { e.texts(g.vectors); e.text(g.word) }

func (d *decoder) grade() grade { return grade{vectors: d.texts(), word: d.text()} }

// record appends a record without its ranges, which stand with the packages;
// the imports stay with the record, by the position of their package.
func (e *encoder) record(r *record) {
	e.text(r.id)
	e.number(int(max(r.modified.Unix(), 0)))
	e.texts(r.aliases)
	e.texts(r.upstream)
	e.text(r.summary)
	e.grade(r.severity)
	e.texts(r.refs)
	e.b = append(e.b, byte(r.status))
	names := importers(r)
	e.number(len(names))
	for _, i := range names {
		e.text(r.affected[i].name)
		e.number(len(r.affected[i].imports))
		for _, imp := range r.affected[i].imports {
			e.text(imp.path)
			e.texts(imp.symbols)
		}
	}
}

func importers(r *record) []int {
	var list []int
	for i := range r.affected {
		if len(r.affected[i].imports) > 0 {
			list = append(list, i)
		}
	}
	return list
}

// record reads a record. Its affected entries hold only names and imports.
func (d *decoder) record() *record {
	d.share()
	r := &record{id: d.text(), modified: time.Unix(int64(d.number()), 0).UTC()}
	r.aliases, r.upstream, r.summary = d.texts(), d.texts(), d.text()
	r.severity, r.refs, r.status = d.grade(), d.texts(), status(d.small(byte(statuses)))
	for range d.count() {
		a := affected{name: d.text()}
		for range d.count() {
			a.imports = append(a.imports, goImport{path: d.text(), symbols: d.texts()})
		}
		if a.imports == nil {
			d.fail()
		}
		r.affected = append(r.affected, a)
	}
	return r
}

// entry is an affected package as it stands in the package table.
type entry struct {
	record int // number of its record
	affected
}

func (e *encoder) entry(x *entry) {
	e.number(x.record)
	e.text(x.release)
	e.number(len(x.ranges))
	for _, s := range x.ranges {
		e.flag(s.semver)
		e.number(len(s.events))
		for _, ev := range s.events {
			e.b = append(e.b, byte(ev.kind))
			e.text(ev.version)
		}
	}
	e.texts(x.versions)
	e.grade(x.severity)
}

func (d *decoder) entry(name string) entry {
	x := entry{record: d.number()}
	x.name, x.release = name, d.text()
	n := d.count()
	x.ranges = slices.Grow(x.ranges, min(n, 64))
	for range n {
		s := span{semver: d.flag()}
		n := d.count()
		s.events = make([]event, 0, min(n, 64))
		for range n {
			s.events = append(s.events, event{d.kind(), d.text()})
		}
		x.ranges = append(x.ranges, s)
	}
	x.versions, x.severity = d.texts(), d.grade()
	return x
}

func (d *decoder) kind() eventKind { return eventKind(d.small(byte(eventKinds))) }

// small reads one byte below limit.
func (d *decoder) small(limit byte) byte {
	if len(d.b) == 0 || d.b[0] >= limit {
		d.fail()
		return 0
	}
	b := d.b[0]
	d.b = d.b[1:]
	return b
}

// packageEntry is all that is known of one package name. others is only set
// for the bare artifact ids of Maven (":name"): the names that end in them.
type packageEntry struct {
	name    string
	others  []string
	entries []entry
}

func (e *encoder) packageEntry(p *packageEntry) {
	e.text(p.name)
	e.sized(func(e *encoder) {
		e.texts(p.others)
		e.number(len(p.entries))
		for i := range p.entries {
			e.entry(&p.entries[i])
		}
	})
}

// find returns the entry of name from a block of package entries, or nil.
func (d *decoder) find(name string) *packageEntry {
	for len(d.b) > 0 && !d.bad {
		n := d.bytes()
		body := d.sized()
		if string(n) == name {
			p := body.packageBody(name)
			d.bad = d.bad || body.bad
			return p
		}
	}
	return nil
}

// all returns every entry of a block.
func (d *decoder) all() []packageEntry {
	var list []packageEntry
	for len(d.b) > 0 && !d.bad {
		name := d.text()
		body := d.sized()
		list = append(list, *body.packageBody(name))
		d.bad = d.bad || body.bad || len(body.b) > 0
	}
	return list
}

func (d *decoder) packageBody(name string) *packageEntry {
	d.share()
	p := &packageEntry{name: name, others: d.texts()}
	n := d.count()
	p.entries = slices.Grow(p.entries, min(n, 1024))
	for range n {
		if d.bad {
			break
		}
		p.entries = append(p.entries, d.entry(name))
	}
	return p
}

// packagesOf turns records into the package table, sorted by name; the entries
// of a package are in the order of the records.
func packagesOf(base string, records []*record) []packageEntry {
	byName := map[string]*packageEntry{}
	for i, r := range records {
		for j := range r.affected {
			a := r.affected[j]
			a.imports = nil
			p := byName[a.name]
			if p == nil {
				p = &packageEntry{name: a.name}
				byName[a.name] = p
			}
			p.entries = append(p.entries, entry{record: i, affected: a})
		}
	}
	if base == "Maven" {
		addArtifacts(byName)
	}
	list := make([]packageEntry, 0, len(byName))
	for _, p := range byName {
		list = append(list, *p)
	}
	slices.SortFunc(list, func(a, b packageEntry) int { return compareNames(a.name, b.name) })
	return list
}
