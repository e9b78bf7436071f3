package unpack

import (
	"os"
	"path/filepath"
)

// Needs names what Walk must be able to read for a target, and whether it needs
// the network, so that a caller may forbid everything else first. It holds for
// options that Prepare has completed: looking up credentials is not covered.
func Needs(target string, opts Options) (readable []string, network bool) {
	for _, layer := range opts.Layers {
		readable = append(readable, realPath(layer))
	}
	switch {
	case opts.Plan != nil || target != "-" && Remote(target):
		return append(readable, networkFiles()...), true
	case target == "-":
		return readable, false
	}
	if _, err := os.Stat(target); err != nil {
		return readable, false
	}
	return append(readable, realPath(target)), false
}

// realPath is the absolute path without links.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return path
}

// networkFiles are what finding a host and checking its certificate reads: those
// of the resolver, and the places where crypto/x509 looks for root certificates.
func networkFiles() []string {
	files := []string{
		"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",
		"/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
		"/usr/local/share/certs", "/etc/openssl/certs", "/var/ssl/certs", "/system/etc/security/cacerts",
	}
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR"} {
		for _, path := range filepath.SplitList(os.Getenv(name)) {
			files = append(files, realPath(path))
		}
	}
	var there []string
	for _, file := range files {
		if _, err := os.Stat(file); err == nil { // #nosec G703 -- the user's own environment names it
			there = append(there, realPath(file))
		}
	}
	return there
}
