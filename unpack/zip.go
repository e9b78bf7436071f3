package unpack

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/fnvet/fnvet"
	"golang.org/x/text/unicode/norm"
)

// A zipWalk reads one zip. Every way to read it is followed: each end record,
// the central directory, the local headers where they say something else, and
// local headers that no directory lists.
type zipWalk struct {
	w       *walker
	sc      *scope
	src     source
	entries []zipEntry
	extents []extent // of each entry that was found, by index
	dirs    []zipDirectory
	first   int64 // offset of the first directory
}

// An extent is the part of the source that one entry takes up.
type extent struct{ start, end int64 }

// zip offers the entries of src.
func (w *walker) zip(sc *scope, src source) {
	sc.windows = true
	z := &zipWalk{w: w, sc: sc, src: src}
	z.list()
	z.comments()
	wanted := z.plan()
	z.progress(0, wanted...)
	w.parallel(len(wanted), func(i int) {
		w.guard(sc, func() { z.read(wanted[i]) })
		z.progress(1, wanted[i])
	})
	if !w.stopped() && len(z.entries) <= w.limits.Entries {
		z.leftovers()
	}
}

// progress tells of entries that are read, or with done 0 are to be read, if they
// are the artifact's own.
func (z *zipWalk) progress(done int64, indexes ...int) {
	if z.sc.depth > 0 || z.sc.image {
		return
	}
	total := int64(0)
	for _, i := range indexes {
		total += min(max(z.entries[i].csize, 0), z.src.n) // the size may lie
	}
	z.w.progress(done*total, (1-done)*total)
}

// list fills entries from the directories.
func (z *zipWalk) list() {
	z.dirs = z.readings()
	z.first = z.src.n
	type key struct {
		offset int64
		name   string
	}
	listed := map[key]bool{}
	if len(z.dirs) > 0 { // the count may lie, the size of a record may not
		z.entries = make([]zipEntry, 0, min(z.dirs[0].records, z.src.n/(centralLen+localLen)+1, int64(z.w.limits.Entries)+1))
	}
	for i, d := range z.dirs {
		count := int64(0)
		add := func(e zipEntry) {
			count++
			if len(z.dirs) > 1 {
				k := key{e.offset, e.name}
				if listed[k] {
					return
				}
				listed[k] = true
			}
			z.entries = append(z.entries, e)
		}
		limit := z.w.limits.Entries + 1 - len(z.entries)
		if damaged := readDirectory(z.src, d, limit, add); damaged && i == 0 {
			z.w.gap(z.sc.where(z.w), fnvet.GapUnreadable, "the central directory is damaged")
		}
		if count != d.records && (d.zip64 || count&math.MaxUint16 != d.records) && i == 0 && count < int64(limit) {
			z.note(fnvet.Medium, fmt.Sprintf("the end record counts %d entries, the directory has %d", d.records, count))
		}
		z.first = min(z.first, d.start)
	}
}

// readings returns the directories to follow, that of the last end record first.
// End records inside an entry of that one belong to a zip that is stored in this
// one, and are read when it is; a record whose comment ends with the archive is
// followed wherever it lies, because some tools go by that.
func (z *zipWalk) readings() []zipDirectory {
	dirs := findDirectories(z.src, maxEndSearch)
	if len(dirs) < 2 {
		return dirs
	}
	var listed []zipEntry
	readDirectory(z.src, dirs[0], z.w.limits.Entries+1, func(e zipEntry) { listed = append(listed, e) })
	slices.SortFunc(listed, func(a, b zipEntry) int { return cmp.Compare(a.offset, b.offset) })
	kept := dirs[:1]
	for _, d := range dirs[1:] {
		if d.end == z.src.n || !z.inEntry(listed, d.at) {
			kept = append(kept, d)
		}
	}
	if len(kept) > 1 {
		z.note(fnvet.High, fmt.Sprintf("%d end records lead to a directory", len(kept)))
	}
	if len(kept) > maxEndRecords {
		z.w.gap(z.sc.where(z.w), fnvet.GapLimit, "more than "+itoa(maxEndRecords)+" end records that lead to a directory")
		kept = kept[:maxEndRecords]
	}
	return kept
}

// inEntry reports whether the end record at offset at lies in the data of one of
// the entries, which are in the order of their offsets.
func (z *zipWalk) inEntry(entries []zipEntry, at int64) bool {
	i, _ := slices.BinarySearchFunc(entries, at+1, func(e zipEntry, at int64) int { return cmp.Compare(e.offset, at) })
	if i == 0 {
		return false
	}
	x, ok := z.extent(&entries[i-1])
	return ok && at+endLen <= x.end
}

// note reports that the archive as a whole is ambiguous.
func (z *zipWalk) note(severity fnvet.Severity, evidence string) {
	z.w.findingAs(severity, ambiguousArchive, z.sc, z.sc.where(z.w), evidence)
}

// comments keeps the comments of the archive and its entries as settings.
func (z *zipWalk) comments() {
	for i := range z.dirs {
		if z.dirs[i].comment != "" {
			z.w.setting(fnvet.Setting{Path: z.sc.where(z.w), Layer: z.sc.layer, Source: "metadata", Name: "comment", Value: z.dirs[i].comment})
		}
	}
	for i := range z.entries {
		if e := &z.entries[i]; e.comment != "" {
			name, _ := cleanName(e.name, true, false)
			z.w.setting(fnvet.Setting{Path: z.sc.path(name), Layer: z.sc.layer, Source: "metadata", Name: "comment", Value: e.comment})
			e.comment = ""
		}
	}
}

// plan picks the entries to read and takes them from the budget, in the order
// of the directory, so that what is left out does not depend on scheduling. It
// returns their indexes, large ones first. Of the others it only notes where
// they are.
func (z *zipWalk) plan() []int {
	var wanted []int
	names := make(map[string]int, len(z.entries))
	z.extents = make([]extent, len(z.entries))
	for i := range z.entries {
		e := &z.entries[i]
		if e.dir() {
			z.skip(i)
			continue
		}
		z.collide(names, i)
		if e.flags&flagEncrypted != 0 {
			z.w.gap(z.path(e), fnvet.GapEncrypted, "a password is needed")
		} else if !z.affordable(e) {
			z.skip(i)
			continue
		}
		wanted = append(wanted, i)
	}
	wanted = wanted[:z.w.chargeEntries(len(wanted))]
	return z.largeFirst(wanted)
}

// largeFirst moves large entries to the front, so that none is left to the end
// when the other cores have nothing more to do.
func (z *zipWalk) largeFirst(wanted []int) []int {
	large := func(i int) bool { return z.entries[i].usize >= 1<<22 }
	var first []int
	for _, i := range wanted {
		if large(i) {
			first = append(first, i)
		}
	}
	if len(first) == 0 {
		return wanted
	}
	slices.SortStableFunc(first, func(a, b int) int { return cmp.Compare(z.entries[b].usize, z.entries[a].usize) })
	return append(first, slices.DeleteFunc(wanted, large)...)
}

// skip notes the extent of an entry that is not read.
func (z *zipWalk) skip(i int) {
	if x, ok := z.extent(&z.entries[i]); ok {
		z.extents[i] = x
	}
}

// extent is where e lies, from its local header to the end of its data.
func (z *zipWalk) extent(e *zipEntry) (x extent, ok bool) {
	var buf [localLen]byte
	head, err := z.src.view(e.offset, localLen, buf[:])
	if err != nil || !has(head, localSignature) {
		return x, false
	}
	body := localLen + int64(binary.LittleEndian.Uint16(head[26:])) + int64(binary.LittleEndian.Uint16(head[28:]))
	return extent{e.offset, min(e.offset+body+e.csize, z.src.n)}, true
}

func (z *zipWalk) path(e *zipEntry) string {
	name, _ := cleanName(e.name, true, false)
	return z.sc.path(name)
}

// affordable checks e against the limits and takes its size from the budget.
func (z *zipWalk) affordable(e *zipEntry) bool {
	if !z.w.fits(z.path(e), e.usize) {
		return false
	}
	if e.usize > ratioFloor && e.usize/int64(z.w.limits.Ratio) > e.csize {
		z.w.gap(z.path(e), fnvet.GapLimit, "unpacks to more than the ratio limit of "+itoa(z.w.limits.Ratio)+" to 1")
		return false
	}
	return z.w.charge(z.sc, e.usize)
}

// collide notes names that occur twice, or that differ only in case or Unicode form.
func (z *zipWalk) collide(names map[string]int, i int) {
	e := &z.entries[i]
	key := foldName(e.name)
	j, twice := names[key]
	if !twice {
		names[key] = i
		return
	}
	other := &z.entries[j]
	switch {
	case e.name != other.name:
		z.w.finding(nameCollision, z.sc, z.path(e), "differs from "+quoted(other.name)+" only in case or Unicode form")
	case e.crc == other.crc && e.usize == other.usize:
		z.w.findingAs(fnvet.Low, ambiguousArchive, z.sc, z.path(e), "the name occurs twice, with the same checksum")
	default:
		severity := fnvet.Medium
		if mergedMeta(e.name) {
			severity = fnvet.Low
		}
		z.w.findingAs(severity, ambiguousArchive, z.sc, z.path(e),
			fmt.Sprintf("the name occurs twice, with %d and %d bytes", other.usize, e.usize))
	}
}

// mergedMeta reports the metadata files, such as licences and lists of service
// providers, that build tools put in a jar once for each library they merge.
// The manifest and signatures are not among them: they say what runs.
func mergedMeta(name string) bool {
	rest, meta := strings.CutPrefix(strings.ToUpper(name), "META-INF/")
	if !meta {
		return false
	}
	switch path.Ext(rest) {
	case ".SF", ".RSA", ".DSA", ".EC", ".MF":
		return strings.Contains(rest, "/")
	}
	return true
}

// foldName maps names that one file on a case-insensitive, normalising file
// system could have to the same string.
func foldName(name string) string {
	if !isASCII(name) {
		return strings.Map(unicode.ToLower, norm.NFC.String(strings.ToValidUTF8(name, "\uFFFD")))
	}
	return strings.ToLower(name)
}

// leftovers looks at what the entries do not cover: bytes before, between and
// after them, and entries that no directory lists.
func (z *zipWalk) leftovers() {
	if len(z.dirs) == 0 {
		z.w.gap(z.sc.where(z.w), fnvet.GapUnreadable, "cut off or damaged: no central directory; read from the local headers")
		z.recover(0, z.src.n)
		return
	}
	last := int64(0)
	for _, d := range z.dirs {
		last = max(last, d.end)
	}
	slices.SortFunc(z.extents, func(a, b extent) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
	at := int64(0)
	for _, x := range z.extents {
		if x.end == 0 {
			continue
		}
		if x.start > at {
			z.hole(at, x.start)
		}
		if x.start < at {
			z.note(fnvet.High, "entries overlap")
		}
		at = max(at, x.end)
	}
	if at < z.first {
		z.hole(at, z.first)
	}
	if last < z.src.n {
		z.hole(last, z.src.n)
	}
}

// hole looks at bytes that belong to no entry.
func (z *zipWalk) hole(start, end int64) {
	if z.padding(start, end) {
		return
	}
	if z.recover(start, end) {
		z.note(fnvet.High, "entries that the central directory does not list")
		return
	}
	if z.src.n-start > int64(math.MaxInt32) || !z.w.fits(z.sc.where(z.w), end-start) || !z.w.charge(z.sc, end-start) || z.w.chargeEntries(1) == 0 {
		return
	}
	lease := z.w.mem.acquire(end-start, z.sc.depth)
	defer z.w.mem.release(&lease)
	lease.buf = z.w.mem.buffer(int(end - start))
	data, err := z.src.view(start, end-start, *lease.buf)
	if err != nil {
		z.w.damage(z.sc.where(z.w), err)
	}
	name := fmt.Sprintf("(bytes %d to %d)", start, end)
	z.w.finding(hiddenData, z.sc, z.sc.where(z.w), fmt.Sprintf("bytes %d to %d belong to no entry", start, end))
	z.w.offer(z.sc, entry{name: name, mode: 0o644, data: data})
}

// padding reports whether a hole is only what tools leave there: zeros, a data
// descriptor, the record of split archives, or Android's signing block.
func (z *zipWalk) padding(start, end int64) bool {
	n := end - start
	if n > 1<<16 {
		tail, err := z.src.view(end-16, 16, nil)
		return err == nil && has(tail, "APK Sig Block 42")
	}
	b, err := z.src.view(start, n, nil)
	if err != nil {
		return false
	}
	if bytes.HasSuffix(b, []byte("APK Sig Block 42")) || has(b, "PK\x06\x08") {
		return true
	}
	if has(b, descriptorSignature) && n <= 24 || n == 12 || n == 4 && (has(b, descriptorSignature) || has(b, "PK00")) {
		return true
	}
	return len(bytes.Trim(b, "\x00")) == 0
}

// recover reads entries from local headers between start and end, without a
// directory. It reports whether there were any.
func (z *zipWalk) recover(start, end int64) (found bool) {
	if end-start > z.w.limits.Nested {
		z.w.gap(z.sc.where(z.w), fnvet.GapLimit, "too large to search for local headers")
		return false
	}
	data, err := z.src.view(start, end-start, nil)
	if err != nil {
		z.w.damage(z.sc.where(z.w), err)
	}
	for at := 0; !z.w.stopped(); {
		i := bytes.Index(data[at:], []byte(localSignature))
		if i < 0 {
			break
		}
		at += i
		n, ok := z.readLocal(data[at:], start+int64(at))
		found = found || ok
		at += max(n, len(localSignature))
	}
	return found
}

// readLocal reads the entry whose local header b starts with, and returns how
// many bytes it takes.
func (z *zipWalk) readLocal(b []byte, offset int64) (n int, ok bool) {
	e, body, ok := parseLocal(b)
	if !ok || binary.LittleEndian.Uint16(b[4:])&0xFF > 63 || !knownMethod(e.method) {
		return 0, false
	}
	e.offset = offset
	if e.dir() && (e.csize == 0) {
		return body, true
	}
	if e.flags&flagEncrypted != 0 {
		z.w.gap(z.path(&e), fnvet.GapEncrypted, "a password is needed")
		return body + int(min(e.csize, int64(len(b)-body))), true
	}
	if z.w.chargeEntries(1) == 0 {
		return len(b), true
	}
	open := e.flags&flagDescriptor != 0 && e.csize == 0
	packed := b[body:]
	if open && e.method == methodStore {
		packed = packed[:storedLen(packed)]
	} else if !open && e.csize <= int64(len(packed)) {
		packed = packed[:e.csize]
	}
	if open {
		e.usize, e.csize = -1, int64(len(packed))
	} else if !z.affordable(&e) {
		return body + len(packed), true
	}
	lease := z.w.mem.hold(0, z.sc.depth)
	used := z.unpack(&lease, &e, memorySource(packed))
	return body + int(used), true
}

// storedLen is where a stored entry of unknown length ends: at the next record.
func storedLen(b []byte) int {
	n := len(b)
	for _, signature := range []string{descriptorSignature, localSignature, centralSignature} {
		if i := bytes.Index(b[:n], []byte(signature)); i >= 0 {
			n = i
		}
	}
	return n
}
