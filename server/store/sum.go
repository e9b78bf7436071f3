package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc64"
)

// SQLite has no checksums of its pages: a bit that flips in a text is another
// text. So the rows that a verdict depends on (scan, event, result, artifact)
// carry a checksum of what they say, which is compared whenever they are read. It
// is against decay, not against people. 0 is a row of before there were any.

// sumOf is the checksum of the values of a row, texts and integers.
func sumOf(values ...any) int64 {
	b := make([]byte, 0, 512)
	for _, v := range values {
		switch v := v.(type) {
		case string:
			b = binary.AppendUvarint(b, uint64(len(v)))
			b = append(b, v...)
		case int:
			b = binary.AppendVarint(b, int64(v))
		case int64:
			b = binary.AppendVarint(b, v)
		default:
			panic(fmt.Sprintf("a row holds a %T", v)) // a mistake of this package
		}
	}
	sum := int64(crc64.Checksum(b, crc64.MakeTable(crc64.ECMA))) //nolint:gosec // as the column holds it
	if sum == 0 {
		return 1
	}
	return sum
}

// intact compares the checksum of a row with what the row says.
func intact(table string, id, stored, sum int64) error {
	if stored == 0 || stored == sum {
		return nil
	}
	return fmt.Errorf("%w: row %d of the table %s is not as it was written; put the store back from a backup", ErrDamaged, id, table)
}

func (c *Scan) sum() int64 {
	v := c.Version
	return sumOf(c.ID, c.Registry, c.Repository, c.Tag, c.Digest, c.Target, c.Upload, c.Source, c.Callback,
		v.Database, v.Rules, v.Policy, c.Created.UnixMilli(), c.job, c.same)
}

// A resultRow is what the table result holds beside the report, which has a
// checksum of its own.
type resultRow struct {
	scan, artifact, finished, code, blocking int64
	database                                 string
}

func (r *resultRow) sum() int64 {
	return sumOf(r.scan, r.artifact, r.finished, r.code, r.blocking, r.database)
}

// sum leaves out what a comparison with new advisories sets for all artifacts at
// once: by which database they were judged, and when.
func (a *Artifact) sum() (int64, error) {
	reasons, err := json.Marshal(a.Reasons)
	return sumOf(a.ID, a.Scan, a.Registry, a.Repository, a.Tag, a.Digest, a.IndexDigest, a.Name, a.Type,
		a.Code, a.Blocking, a.Findings, a.Packages, a.Gaps, string(reasons), a.Scanned.UnixMilli()), err
}

func (k eventKey) sum(scan int64) int64 { return sumOf(k.source, k.key, scan) }
