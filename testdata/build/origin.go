package main

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// An origin is one published package in one version, pinned by the digest of
// the file its registry serves.
type origin struct {
	ID        string `json:"id"`   // how recipes name it
	Kind      string `json:"kind"` // npm, pypi, maven or javac
	Name      string `json:"name"`
	Version   string `json:"version"`
	Integrity string `json:"integrity"` // "sha512-" and base64, or "sha256-" and hex
	License   string `json:"license"`   // SPDX
}

// origins is the table of all third-party packages, and of what javac compiles.
func origins() []origin {
	npm := func(name, version, integrity, license string) origin {
		return origin{"npm/" + name + "@" + version, "npm", name, version, integrity, license}
	}
	pypi := func(name, version, sum, license string) origin {
		return origin{"pypi/" + name + "@" + version, "pypi", name, version, "sha256-" + sum, license}
	}
	maven := func(name, version, sum string) origin { // all of one licence
		return origin{"maven/" + name + "@" + version, "maven", name, version, "sha256-" + sum, "Apache-2.0"}
	}
	return []origin{
		{"javac/report", "javac", "com.example.report.Handler", "11", "", "Apache-2.0"},
		maven("com.google.code.gson:gson", "2.8.8", "c6f3152b0c39c1b7ebe267e99604a750e9d5585b2f3f2e19d6fbd7ec9080d0fb"),
		maven("org.apache.commons:commons-text", "1.9", "0812f284ac5dd0d617461d9a2ab6ac6811137f25122dfffd4788a4871e732d00"),
		maven("org.apache.logging.log4j:log4j-core", "2.14.1", "ade7402a70667a727635d5c4c29495f4ff96f061f12539763f6f123973b465b0"),
		maven("org.springframework:spring-core", "5.3.17", "a9a39bc84a91ab6489df07df027dd5520c037e617c9f69e21c422a6d3a77d28a"),
		npm("@hapi/hoek", "8.3.0", "sha512-C0QL9bmgUXTSuf8nDeGrpMjtJG7tPUr8wG6/wxPbP62tGwCwQtdMSJYfESowmY4P3Hn593f+8OzNY5bckcu/LQ==", "BSD-3-Clause"),
		npm("axios", "0.21.0", "sha512-fmkJBknJKoZwem3/IKSSLpkdNXZeBu5Q7GA/aRsr2btgrptmSCxi2oFjZHqGdK9DoTil9PIHlPIZw2EcRJXRvw==", "MIT"),
		npm("follow-redirects", "1.13.0", "sha512-aq6gF1BEKje4a9i9+5jimNFIpq4Q1WiwBToeRK5NvZBd/TRsmW8BsJfOEGkr76TbOyPVD3OVDN910EcUNtRYEA==", "MIT"),
		npm("lodash", "4.17.15", "sha512-8xOcRHvCjnocdS5cpwXQXVzmmh5e5+saE2QGoeQmbKmRS6J3VQppPOIt0MnmE+4xlZoumy0GPG0D0MVIQbNA1A==", "MIT"),
		npm("minimist", "0.0.8", "sha512-miQKw5Hv4NS1Psg2517mV4e4dYNaO3++hjAvLOAzKqZ61rH8NS1SK+vbfBWZ5PY/Me/bEWhUwqMghEW5Fb9T7Q==", "MIT"),
		npm("minimist", "1.2.0", "sha512-7Wl+Jz+IGWuSdgsQEJ4JunV0si/iMhg42MnQQG6h1R6TNeVenp4U9x5CC5v/gYqz/fENLQITAWXidNtVL0NNbw==", "MIT"),
		npm("minimist", "1.2.8", "sha512-2yyAR8qBkN3YuheJanUpWC5U3bb5osDywNB8RzDVlDwDHbocAJveqqj1u8+SVD7jkWT4yvsHCpWqqWqAxb0zCA==", "MIT"),
		npm("mkdirp", "0.5.1", "sha512-SknJC52obPfGQPnjIkXbmA6+5H15E+fR+E4iR2oQ3zzCLbd7/ONua69R/Gw7AgkTLsRG+r5fzksYwWe1AgTyWA==", "MIT"),
		npm("qs", "6.5.1", "sha512-eRzhrN1WSINYCDCbrz796z37LOe3m5tmW7RQf6oBntukAG1nmovJvhnwHHRMAfeoItc1m2Hk02WER2aQ/iqs+A==", "BSD-3-Clause"),
		pypi("idna", "2.7", "156a6814fb5ac1fc6850fb002e0852d56c0c8d2531923a51032d1b70760e186e", "BSD-3-Clause"),
		pypi("Jinja2", "2.10", "74c935a1b8bb9a3947c50a54766a969d4846290e1e788ea44c1392163723c3bd", "BSD-3-Clause"),
		pypi("py", "1.11.0", "607c53218732647dff4acdfcd50cb62615cedf612e72d1724fb1a0cc6405b378", "MIT"),
		pypi("PyYAML", "5.3", "e9f45bd5b92c7974e59bcd2dcc8631a6b6cc380a904725fce7bc08872e691615", "MIT"),
		pypi("requests", "2.19.1", "63b52e3c866428a224f97cab011de738c36aec0185aa91cfacd418b5d58911d1", "Apache-2.0"),
		pypi("urllib3", "1.24.1", "61bf29cada3fc2fbefad4fdf059ea4bd1b4a86d2b6d15e1c7c0b582b9752fe39", "MIT"),
	}
}

func findOrigin(id string) (origin, error) {
	for _, o := range origins() {
		if o.ID == id {
			return o, nil
		}
	}
	return origin{}, fmt.Errorf("no origin %q", id)
}

// A source gives the files of an origin. Paths are those of an installed
// package: without npm's "package/" or an sdist's first folder.
type source interface {
	file(ctx context.Context, o origin, path string) ([]byte, error)
}

// registries is the source that asks the registries, each by its own client.
type registries struct {
	work   string // scratch directory
	own    string // testdata, for what javac compiles
	opened map[string]map[string][]byte
}

func (r *registries) file(ctx context.Context, o origin, path string) ([]byte, error) {
	if r.opened[o.ID] == nil {
		files, err := r.fetch(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.ID, err)
		}
		if r.opened == nil {
			r.opened = map[string]map[string][]byte{}
		}
		r.opened[o.ID] = files
	}
	data, ok := r.opened[o.ID][path]
	if !ok {
		return nil, fmt.Errorf("%s: has no file %s", o.ID, path)
	}
	return data, nil
}

func (r *registries) fetch(ctx context.Context, o origin) (map[string][]byte, error) {
	dir, err := os.MkdirTemp(r.work, o.Kind+"-")
	if err != nil {
		return nil, err
	}
	if err := r.download(ctx, o, dir); err != nil {
		return nil, err
	}
	if o.Kind == "javac" {
		return readTree(dir)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("the client left %d files, not 1", len(found))
	}
	data, err := os.ReadFile(found[0])
	if err != nil {
		return nil, err
	}
	if got := integrity(o.Integrity, data); got != o.Integrity {
		return nil, fmt.Errorf("digest is %s, not %s", got, o.Integrity)
	}
	if strings.HasSuffix(found[0], "gz") { // npm and sdist: one folder around everything
		return untar(data, 1)
	}
	return unzip(data)
}

// download runs the client that fits o; what it fetches is in dir after that.
func (r *registries) download(ctx context.Context, o origin, dir string) error {
	var args []string
	switch o.Kind {
	case "npm":
		args = []string{"npm", "pack", "--silent", "--pack-destination", dir, o.Name + "@" + o.Version}
	case "pypi":
		args = []string{"pip", "download", "--quiet", "--no-deps", "--dest", dir, o.Name + "==" + o.Version}
	case "maven":
		args = []string{"mvn", "-q", "-B", "dependency:copy", "-Dartifact=" + o.Name + ":" + o.Version, "-DoutputDirectory=" + dir}
	case "javac":
		sources := filepath.Join(r.own, "src", "java-report", "com", "example", "report", "Handler.java")
		args = []string{"javac", "--release", o.Version, "-g:none", "-d", dir, sources}
	default:
		return fmt.Errorf("unknown kind %q", o.Kind)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the table above
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(args[:2], " "), err, out)
	}
	return nil
}

// integrity is the digest of data in the form that want has.
func integrity(want string, data []byte) string {
	if strings.HasPrefix(want, "sha512-") {
		sum := sha512.Sum512(data)
		return "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
	}
	sum := sha256.Sum256(data)
	return "sha256-" + hex.EncodeToString(sum[:])
}

func readTree(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(name)], err = os.ReadFile(path) //nolint:gosec // our own scratch directory
		return err
	})
	return files, err
}

// replay is the source that takes files out of the packages made before.
type replay struct {
	byDigest map[string][]byte
	wanted   map[usedFile]string // without SHA256 → digest
}

func openReplay(dir string) (*replay, error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	r := &replay{byDigest: map[string][]byte{}, wanted: map[usedFile]string{}}
	for _, f := range m.Files {
		r.wanted[usedFile{Origin: f.Origin, Path: f.Path}] = f.SHA256
	}
	for _, p := range m.Packages {
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(p.File)))
		if err != nil {
			return nil, err
		}
		if err := walk("", data, func(_ string, leaf []byte) { r.byDigest[digest(leaf)] = leaf }); err != nil {
			return nil, fmt.Errorf("%s: %w", p.File, err)
		}
	}
	return r, nil
}

func (r *replay) file(_ context.Context, o origin, path string) ([]byte, error) {
	sum, ok := r.wanted[usedFile{Origin: o.ID, Path: path}]
	if !ok {
		return nil, fmt.Errorf("%s: %s is not in the manifest: build once with the network", o.ID, path)
	}
	data, ok := r.byDigest[sum]
	if !ok {
		return nil, fmt.Errorf("%s: %s: no package holds the file with digest %s", o.ID, path, sum)
	}
	return data, nil
}
