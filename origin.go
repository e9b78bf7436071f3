package fnvet

// A Party is a person or organisation as a package's own metadata names it.
type Party struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	URL   string `json:"url,omitempty"` // http or https
	// Organization is true where the field that names it is for organisations.
	Organization bool `json:"organization,omitempty"`
}

// The kinds of links, as CycloneDX names external references.
const (
	LinkVCS          = "vcs"
	LinkWebsite      = "website"
	LinkIssues       = "issue-tracker"
	LinkDistribution = "distribution" // the very file that was installed, as a lockfile states it
)

// A Link is a place on a network that a package's metadata or a lockfile states.
// fnvet never follows one.
type Link struct {
	Kind string `json:"kind"`
	URL  string `json:"url"` // without user, password and fragment
}

// An Archive is an archive inside the artifact that was opened as well.
type Archive struct {
	Path   string `json:"path"`
	Layer  string `json:"layer,omitempty"`
	Size   int64  `json:"size"` // bytes
	Hashes []Hash `json:"hashes"`
}

// A LicenseText is a file with the text of a licence, or with statements about
// licences, that speaks of the package in whose folder it lies.
type LicenseText struct {
	Path  string // of the file
	Layer string
	// Dir is the folder of the package as its Location.Path states it, or the path
	// of the archive that is the package.
	Dir string
	// Package is the name of a distribution's package that the file is about,
	// where it does not lie with it; else "".
	Package string
	// Licenses are SPDX ids; empty where the text is none that is known.
	Licenses []string
	// Declared is true where the file states the ids and does not only hold a text.
	Declared bool
}

// Empty reports whether a detector learnt nothing.
func (f *Facts) Empty() bool {
	return len(f.Packages)+len(f.Findings)+len(f.Gaps)+len(f.Reach)+len(f.Functions)+len(f.Archives)+len(f.Texts) == 0 && f.Distro == nil
}

// A SourcePackage is the name and version a distribution's advisories use.
type SourcePackage struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// A Hash is an algorithm as CycloneDX names it ("SHA-256") and the hex digest.
type Hash struct {
	Alg   string `json:"alg"`
	Value string `json:"value"`
}
