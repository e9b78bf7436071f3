// Package advisory is the database of known flaws: it fetches OSV records,
// compiles them to one index file, and says which of them affect a list of
// packages. https://ossf.github.io/osv-schema/
//
// Update reads the layout of the OSV bucket from a web server or a directory and
// replaces the index in one step. Open and Match read the index straight from
// the file: a few kilobytes to open, one compressed block for each package that
// may have advisories. Match follows the schema's evaluation algorithm in each
// ecosystem's own order of versions (package version) and joins records that are
// aliases of one another.
//
// It keeps what a report needs: ids, ranges, severities, a one-line summary, a
// few references, and the vulnerable symbols of Go modules. It drops the long
// descriptions, GIT ranges and withdrawn records. It does not find packages and
// does not judge them.
package advisory
