// Package fnvet is the vocabulary of the scanner: Artifact, File, Package,
// Finding, Gap, Verdict and the Report that holds them. It does no work of its
// own, imports only the standard library, and is imported by every other
// package of this module.
//
// Data flows one way: bytes become an Artifact of Files, detectors turn Files
// into Facts and Gaps, the policy turns those into a Verdict, and a report
// prints them. The JSON encoding of Report is the public contract of
// docs/contract.md.
package fnvet

import (
	"context"
	"io/fs"
)

// Schema names the shape of Report in JSON.
const Schema = "fnvet/report/1"

// A File is one file of an artifact, offered once to every detector that wants it.
//
// Data is valid only while Detect runs and must not be changed or kept;
// whatever a finding keeps of it is copied.
type File struct {
	// Path is where reports say the file is: "fn.zip!/lib/a.jar!/x.txt",
	// "node_modules/a/index.js" for directories, "app/a.js" for images.
	Path string
	// Name is the slash-separated path inside the innermost container, without
	// a leading slash: "x.txt" for the zip example above.
	Name string
	// Container is the Path of the innermost archive that holds the file, or ""
	// when that is the artifact itself.
	Container string
	// Depth counts the archives around the file; 0 for files of the artifact itself.
	Depth int
	// Size is len(Data), in bytes.
	Size int64
	// Mode has the type and permission bits the container states. Only regular
	// files and symbolic links are offered.
	Mode fs.FileMode
	// Link is the target of a symbolic link, else "".
	Link string
	// Layer is the digest of the image or Lambda layer that brought the file, or "".
	Layer string
	// DiffID is the diff_id that the image config states for that layer, or "".
	DiffID string
	// Removed is true when a later layer deletes or replaces the file. It is
	// final only after the walk, so detectors must not read it.
	Removed bool
	// RemovedBy is the digest of the layer that did, or "". Final only after the walk.
	RemovedBy string
	// Archive is true when the file is itself opened as an archive and its
	// entries are offered too.
	Archive bool
	// Data is the whole content.
	Data []byte
}

// Facts is what a detector learnt. The zero value means nothing.
type Facts struct {
	Packages []Package
	Findings []Finding
	Gaps     []Gap
	// Distro is set by the detector that reads os-release.
	Distro *Distro
	// Reach is set by the detector that follows imports from the entry point.
	Reach []ReachFact
	// Host is set by the detectors that tell what the code runs on.
	Host *Host
	// Links is set by the detector that reads the symbols of Go binaries.
	Links []LinkFact
	// Functions is set by the detector that reads templates: those whose code is,
	// or may be, in the artifact.
	Functions []Function
	// Templates and Config are set by that detector too: Config fills what the
	// artifact does not state of itself.
	Templates []Template
	Config    *Config
	// Policies is set by it when they are asked for.
	Policies []RolePolicy
	// Archives are those inside the artifact that were opened as well.
	Archives []Archive
	// Texts are the licence texts, for the packages they lie with.
	Texts []LicenseText
}

// A Host is what a function runs on besides its package, as far as the package
// shows. Empty fields are not known.
type Host struct {
	Runtime string // as the provider writes it: "nodejs22.x"
	From    string // one of the Runtime constants
	Base    string // of an image: "distroless debian 12"
	// SDK holds the packages of the provider's SDK that the code imports and that
	// are not in the artifact: on a managed runtime they come from that.
	SDK []string
}

// Where a runtime is known from.
const (
	RuntimeAPI       = "api"       // what the provider states of a deployed function
	RuntimeTemplate  = "template"  // a template in or beside the package
	RuntimeImage     = "image"     // environment and files of the image
	RuntimeBootstrap = "bootstrap" // a custom runtime's program in the package
)

// A ReachFact says whether the handler can load what a Location of that Path
// and Layer states. What has no fact is unknown.
type ReachFact struct {
	Ecosystem   string // of the packages it speaks of; others at the same place are another matter
	Path, Layer string
	Reach       Reach
	Via         []string // as Finding.ReachableVia
}

// A LinkFact says what a Go binary with a symbol table is linked from. Of a binary
// without a fact nothing is known.
type LinkFact struct {
	Path, Layer string
	// Names are hashes of packages and symbols as internal/linked spells them, sorted.
	Names []uint64
}

// An Import is a package in which an advisory of Go places its flaw, and the
// functions and methods there; none means all of it.
type Import struct {
	Path    string   // "net/http"
	Symbols []string // "Transport.RoundTrip"
}

// A Detector looks at one file at a time. Want is the cheap question (name,
// size, first bytes), Detect the work. Both are called concurrently for
// different files and must not keep file.Data. Detect returns what it found even
// when it also returns an error; an error becomes a Gap at the file's path.
type Detector interface {
	Want(file *File) bool
	Detect(ctx context.Context, file *File) (Facts, error)
}

// A Finisher is a Detector that joins what it saw over several files. Finish is
// called once, after the last Detect. removed tells for a Path and Layer it saw
// whether a later layer deletes that file.
type Finisher interface {
	Finish(ctx context.Context, removed func(path, layer string) bool) (Facts, error)
}

// A Setting is a name and value that an artifact states outside its files: an
// environment variable, label or history line of an image config, a zip comment.
// Values may hold secrets and are never printed.
type Setting struct {
	Path   string // where reports say it is: "image-config", "fn.zip"
	Layer  string // digest of the layer a history line made, or ""
	Source string // env, image-config, template or metadata, as in Secret.Source
	Name   string // of the variable, label or field
	Value  string
}

// A Distro is a Linux distribution as /etc/os-release states it.
type Distro struct {
	ID        string // "debian", "alpine", "almalinux"
	VersionID string // "12", "3.18.4", "9.4"
	Name      string // PRETTY_NAME
	Codename  string // VERSION_CODENAME, or ""
}

// A Report is the whole result for one target. Its JSON form is the contract.
type Report struct {
	Schema   string    `json:"schema"`
	Artifact Artifact  `json:"artifact"`
	Scan     Scan      `json:"scan"`
	Packages []Package `json:"packages"`
	Findings []Finding `json:"findings"`
	Gaps     []Gap     `json:"gaps"`
	Verdict  Verdict   `json:"verdict"`
}

// A PackageKind says on what evidence a package is listed.
type PackageKind string

// The kinds, strongest evidence first.
const (
	Installed PackageKind = "installed"
	Bundled   PackageKind = "bundled"
	Locked    PackageKind = "locked"
	Declared  PackageKind = "declared"
)

// A Reach says whether the handler can load something.
type Reach string

// The answers. Unknown is the honest default.
const (
	ReachYes     Reach = "yes"
	ReachNo      Reach = "no"
	ReachUnknown Reach = "unknown"
)

// A Package is one name and version of one ecosystem, with every place it was seen.
type Package struct {
	PURL      string      `json:"purl"`
	Name      string      `json:"name"` // as OSV writes it: "@scope/name", "group:artifact"
	Version   string      `json:"version"`
	Ecosystem string      `json:"ecosystem"` // as OSV writes it: "npm", "Debian:12"
	Kind      PackageKind `json:"kind"`
	Licenses  []string    `json:"licenses"` // SPDX expressions or as declared
	// Concluded are SPDX ids of the licence texts that lie with the package.
	Concluded []string   `json:"licenses_concluded,omitempty"`
	Locations []Location `json:"locations"`
	Direct    bool       `json:"direct"`
	Reachable Reach      `json:"reachable"`
	// Source is the source package that advisories name (dpkg, apk, rpm), if it differs.
	Source *SourcePackage `json:"source,omitempty"`
	// Hashes are of the package file, as read or as a lockfile states them.
	Hashes []Hash `json:"hashes,omitempty"`
	// Supplier is who makes or maintains the package, as its metadata says, or nil.
	Supplier *Party `json:"supplier,omitempty"`
	// Links are where it comes from, sorted by kind and URL.
	Links []Link `json:"links,omitempty"`
	// Size is what is installed of the package, in bytes; 0 where that is not known.
	Size int64 `json:"size,omitempty"`
	// DependsOn holds purls, where a lockfile or an installed manifest states the graph.
	DependsOn []string `json:"depends_on,omitempty"`
	// Required is true when a lockfile says that the package is needed at run time
	// on every platform. Only the comparison of lockfiles reads it.
	Required bool `json:"-"`
	// Groups are candidate Maven group ids, likeliest first, when the jar does
	// not state its own. Only the matcher reads them.
	Groups []string `json:"-"`
}

// A Location is one place a package was seen.
type Location struct {
	Path  string      `json:"path"`
	Layer string      `json:"layer"`
	Kind  PackageKind `json:"kind"`
	// Evidence says what in a bundle or binary names the package, and after a
	// "+" what states its version, if that is something else: "source-map",
	// "source-map+package-json". Empty for files that state packages plainly.
	Evidence string `json:"evidence,omitempty"`
	// Confidence grades Evidence; empty where Evidence is.
	Confidence Confidence `json:"confidence,omitempty"`
}

// A Kind is what sort of risk a finding is.
type Kind string

// The kinds of findings.
const (
	Vulnerability Kind = "vulnerability"
	Malware       Kind = "malware"
	SecretKind    Kind = "secret"
	ConfigKind    Kind = "config"
	Injection     Kind = "injection"
	License       Kind = "license"
	Hygiene       Kind = "hygiene"
)

// Kinds lists every Kind in the order reports use.
var Kinds = [...]Kind{Malware, Vulnerability, SecretKind, ConfigKind, Injection, License, Hygiene}

// A Severity grades a finding.
type Severity string

// The severities, worst first. SeverityUnknown ranks below Info.
const (
	Critical        Severity = "critical"
	High            Severity = "high"
	Medium          Severity = "medium"
	Low             Severity = "low"
	Info            Severity = "info"
	SeverityUnknown Severity = "unknown"
)

// Rank orders severities: 5 for Critical down to 1 for Info, 0 for anything else.
func (s Severity) Rank() int {
	switch s {
	case Critical:
		return 5
	case High:
		return 4
	case Medium:
		return 3
	case Low:
		return 2
	case Info:
		return 1
	default:
		return 0
	}
}

// A Confidence grades how sure a secret finding, or the evidence of a bundled package, is.
type Confidence string

// The confidences. The default gate blocks on high and medium.
const (
	ConfidenceHigh   Confidence = "high"
	ConfidenceMedium Confidence = "medium"
	ConfidenceLow    Confidence = "low"
)

// A Finding is one risk at one place.
type Finding struct {
	ID        string      `json:"id"`
	Kind      Kind        `json:"kind"`
	Severity  Severity    `json:"severity"`
	Title     string      `json:"title"`
	Path      string      `json:"path"`
	Line      int         `json:"line"`   // 1-based; 0 where it means nothing
	Column    int         `json:"column"` // 1-based, in bytes; 0 where it means nothing
	Layer     string      `json:"layer"`
	Removed   bool        `json:"removed"`
	RemovedBy string      `json:"removed_by,omitempty"`
	Package   *PackageRef `json:"package,omitempty"`
	Aliases   []string    `json:"aliases,omitempty"`
	CVSS      *CVSS       `json:"cvss,omitempty"`
	EPSS      *float64    `json:"epss,omitempty"` // probability, 0 to 1
	KEV       bool        `json:"kev,omitempty"`
	KEVDue    string      `json:"kev_due,omitempty"` // YYYY-MM-DD
	// SeverityFrom is the id of the advisory that rates the same flaw, when the
	// finding's own advisories do not: Severity and CVSS are that one's.
	SeverityFrom string `json:"severity_from,omitempty"`
	// Status is StatusDisputed or StatusWithdrawn when the advisory says so of itself.
	Status       string   `json:"status,omitempty"`
	Reachable    Reach    `json:"reachable,omitempty"`
	ReachableVia []string `json:"reachable_via,omitempty"`
	Resource     string   `json:"resource,omitempty"`
	// Evidence is a redacted excerpt: never enough of a secret to use it.
	Evidence    string      `json:"evidence"`
	Secret      *Secret     `json:"secret,omitempty"`
	Flow        []FlowStep  `json:"flow,omitempty"`
	Remediation string      `json:"remediation"`
	References  []string    `json:"references,omitempty"`
	Fingerprint string      `json:"fingerprint"` // 32 hex digits, set by scan
	Suppressed  *Suppressed `json:"suppressed,omitempty"`
	// Blocks is true when the finding fails the gate. Set by policy.Enforce, so
	// that a saved report can be shown again without its policy.
	Blocks bool `json:"blocks,omitempty"`
	// Imports are where in the module the flaw is, as advisories of Go state it.
	// Only the join of reachability reads them.
	Imports []Import `json:"-"`
	// Salt adds to the fingerprint what tells two findings of one rule in one
	// file apart, such as a short hash of the secret. Never printed.
	Salt string `json:"-"`
}

// What an advisory may say of itself.
const (
	StatusDisputed  = "disputed"  // by the vendor, say
	StatusWithdrawn = "withdrawn" // in words; records withdrawn by the field are not matched
)

// A PackageRef names the package of an advisory finding.
type PackageRef struct {
	PURL      string   `json:"purl"`
	Name      string   `json:"name"`
	Version   string   `json:"version"`
	Ecosystem string   `json:"ecosystem"`
	Fixed     []string `json:"fixed"` // ascending
	// Upgrade is the way out of all advisories of the package at once, or nil
	// when none is known.
	Upgrade *Upgrade `json:"upgrade,omitempty"`
}

// An Upgrade is the smallest known step that takes a package out of its advisories.
type Upgrade struct {
	// Version is the lowest one above the present that the fewest advisories
	// affect: none, or only those in Leaves.
	Version string `json:"version"`
	// Major is true when the step may break its users: the leftmost number
	// changes, below 1.0 the leftmost that is not 0 where caret ranges mean that.
	Major bool `json:"major"`
	// Via holds the purls of the direct dependencies that bring the package in,
	// when it is not one itself and a lockfile or manifest states the graph.
	Via []string `json:"via,omitempty"`
	// Leaves holds the ids of advisories that affect that version too.
	Leaves []string `json:"leaves,omitempty"`
}

// CVSS is a vector as the advisory states it and the base score computed from it.
type CVSS struct {
	Vector string  `json:"vector"`
	Score  float64 `json:"score"`
}

// A Secret is what is kept of a secret finding; never the secret.
type Secret struct {
	Rule string `json:"rule"`
	// Hash is keyed, 16 hex digits, equal for equal secrets within one installation.
	Hash       string     `json:"hash"`
	Start      int        `json:"start"` // byte offsets in the file
	End        int        `json:"end"`
	Name       string     `json:"name"` // of the variable or key, if known
	Confidence Confidence `json:"confidence"`
	Source     string     `json:"source"` // file, env, image-config, template or metadata
}

// A FlowStep is one step of event data towards a sink.
type FlowStep struct {
	Path   string `json:"path"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Note   string `json:"note"`
}

// Suppressed says why a finding does not count.
type Suppressed struct {
	By      string `json:"by"` // policy, vex, baseline or inline
	Reason  string `json:"reason"`
	Expires string `json:"expires"` // YYYY-MM-DD or ""
}

// A Gap is a place the scan could not look at, and why. A Report with gaps is
// not a clean Report.
type Gap struct {
	Path   string `json:"path"`
	Reason string `json:"reason"` // one of the Gap constants
	Detail string `json:"detail"`
}

// The reasons of gaps.
const (
	GapUnreadable   = "unreadable"     // damaged or truncated bytes
	GapEncrypted    = "encrypted"      // a password is needed
	GapUnsupported  = "unsupported"    // a method or format fnvet does not read
	GapLimit        = "limit"          // a size, count, depth, ratio or time limit was reached
	GapUnparsable   = "unparsable"     // a manifest or lockfile that does not parse
	GapUnsafePath   = "unsafe-path"    // an entry name that points outside the artifact
	GapDigest       = "digest"         // bytes that do not match the digest stated for them
	GapNoDatabase   = "no-database"    // no advisory database, or not for this ecosystem
	GapOldDatabase  = "old-database"   // the advisory database is older than allowed
	GapUnmatched    = "unmatched"      // a package that could not be compared with advisories
	GapNothingFound = "not-recognised" // nothing in the artifact was recognised
	GapFailed       = "failed"         // a step failed
	// GapNotInventoried is code bundled or built so that its packages cannot be
	// listed, or not all of them.
	GapNotInventoried = "not-inventoried"
)

// A Verdict says whether the artifact may go up.
type Verdict struct {
	Pass     bool     `json:"pass"`
	Code     int      `json:"code"`     // the exit code: 0, 1 or 3
	Blocking int      `json:"blocking"` // findings that block
	Reasons  []string `json:"reasons"`
}

// A Rule describes something fnvet can report, for "fnvet rules" and SARIF.
type Rule struct {
	ID       string
	Kind     Kind
	Severity Severity
	Title    string
	Help     string // a paragraph: what it means and what to do
}
