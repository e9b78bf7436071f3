package fnvet

import "time"

// An Artifact is what was scanned.
type Artifact struct {
	Name string `json:"name"`
	// Type is "zip", "jar", "tar", "directory", "image", "7z", "rar", "sbom" or "file".
	Type string `json:"type"`
	// Digest is "sha256:" and the hex digest of the input bytes; of the manifest
	// for images from a layout or registry; of the sorted tree for directories.
	Digest string `json:"digest"`
	// IndexDigest is that of the index the manifest was chosen from, for images
	// of a registry that were asked for by it; else "".
	IndexDigest string `json:"index_digest,omitempty"`
	// Manifest is true when Digest and Hashes are of an image's manifest, not of
	// the bytes of a file.
	Manifest bool `json:"manifest,omitempty"`
	// CodeSHA256 is the same digest as Lambda states it (base64), for zips only.
	CodeSHA256 string `json:"code_sha256"`
	// Hashes are of the bytes that Digest is of, SHA-256 and SHA-512; none for directories.
	Hashes []Hash  `json:"hashes,omitempty"`
	Size   int64   `json:"size"` // bytes
	Layers []Layer `json:"layers"`
	// Archives are those inside the artifact that were opened as well, by path.
	Archives []Archive `json:"archives,omitempty"`
	Config   Config    `json:"config"`
	// Templates are those that were read, in the artifact and beside it.
	Templates []Template `json:"templates,omitempty"`
}

// A Template is a template or function setting that was read.
type Template struct {
	Path       string       `json:"path"`
	Dialect    string       `json:"dialect"`   // "sam", "cloudformation", "serverless", "terraform"
	Functions  []string     `json:"functions"` // logical names
	Unresolved []Unresolved `json:"unresolved"`
}

// An Unresolved is what a template says and could not be worked out from it alone.
// It is no Gap unless a rule could have been decided by it.
type Unresolved struct {
	Path   string `json:"path"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	What   string `json:"what"` // "Fn::ImportValue vpc-id"
	Why    string `json:"why"`
}

// A Layer is one layer of an image, lowest first, or a Lambda layer.
type Layer struct {
	Digest  string `json:"digest"` // of the bytes as stored or pushed
	DiffID  string `json:"diff_id,omitempty"`
	Index   int    `json:"index"`
	Size    int64  `json:"size"`    // bytes as stored
	Command string `json:"command"` // from the image history, redacted of secrets
	// Name is the file or ARN of a Lambda layer, else "".
	Name string `json:"name,omitempty"`
}

// Config is what an image config or a function's settings say about how the
// artifact runs. Values of environment variables are never kept here.
type Config struct {
	OS           string   `json:"os,omitempty"`
	Architecture string   `json:"architecture,omitempty"`
	Created      string   `json:"created,omitempty"`
	User         string   `json:"user,omitempty"`
	WorkingDir   string   `json:"working_dir,omitempty"`
	Entrypoint   []string `json:"entrypoint,omitempty"`
	Cmd          []string `json:"cmd,omitempty"`
	EnvNames     []string `json:"env_names,omitempty"`
	LabelNames   []string `json:"label_names,omitempty"`
	Distro       string   `json:"distro,omitempty"` // "debian 12"
	// Base is the image this one was made from, as far as it shows: what its
	// labels name, else what kind of image it is: "distroless", "aws-lambda python3.12".
	Base string `json:"base,omitempty"`
	// RuntimeFrom is one of the Runtime constants, when Runtime is set.
	RuntimeFrom string `json:"runtime_from,omitempty"`
	// RuntimeSDK holds packages that the code imports, that are not in the
	// artifact, and that the managed runtime brings: their versions are the
	// provider's choice, and are not matched.
	RuntimeSDK []string `json:"runtime_sdk,omitempty"`

	// What the API states of a Lambda function.
	Function      string   `json:"function,omitempty"` // ARN
	Version       string   `json:"version,omitempty"`
	PackageType   string   `json:"package_type,omitempty"` // Zip or Image
	Runtime       string   `json:"runtime,omitempty"`      // "nodejs22.x"
	Handler       string   `json:"handler,omitempty"`      // "index.handler"
	Architectures []string `json:"architectures,omitempty"`
	MemoryMB      int      `json:"memory_mb,omitempty"`
	EphemeralMB   int      `json:"ephemeral_mb,omitempty"` // size of /tmp
	TimeoutS      int      `json:"timeout_s,omitempty"`
	Role          string   `json:"role,omitempty"` // ARN
	KMSKey        string   `json:"kms_key,omitempty"`
	Tracing       string   `json:"tracing,omitempty"`
	LayerARNs     []string `json:"layer_arns,omitempty"` // with version, lowest first
	VPC           string   `json:"vpc,omitempty"`
	DeadLetter    string   `json:"dead_letter,omitempty"` // ARN
	LastModified  string   `json:"last_modified,omitempty"`
}

// Scan is how the scan went.
type Scan struct {
	Version    string    `json:"fnvet"`
	Rules      string    `json:"rules"` // version of the rule set
	Started    time.Time `json:"started"`
	DurationMS int64     `json:"duration_ms"`
	Files      int       `json:"files"`
	Bytes      int64     `json:"bytes"` // uncompressed
	Complete   bool      `json:"complete"`
	Sandbox    string    `json:"sandbox"` // how the walk was confined, "" when it was not
	Database   Database  `json:"database"`
}

// Database describes the advisories used; zero when there were none.
type Database struct {
	// From is FromIndex, FromAPI or "" when packages were compared with nothing:
	// AgeHours means something with FromIndex only.
	From       string   `json:"from"`
	Modified   string   `json:"modified"`  // newest record, RFC 3339, or ""
	AgeHours   float64  `json:"age_hours"` // now less Modified
	Advisories int      `json:"advisories"`
	Ecosystems []string `json:"ecosystems"`
	// Lacks holds the ecosystems whose records may rate flaws that the report's
	// own advisories do not, and that the database does not have. Empty when
	// every flaw is rated.
	Lacks []string `json:"lacks,omitempty"`
}

// Where advisories came from.
const (
	FromIndex = "index" // the compiled database
	FromAPI   = "api"   // --osv-api
)
