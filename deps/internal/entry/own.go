package entry

import "strings"

// ThirdParty says whether a path lies in a tree that a package manager filled.
// Lockfiles and project manifests there belong to the making of those
// packages: uri-js alone ships a yarn.lock of 313 packages, none of which is
// installed with it. What is installed in such trees has evidence of its own.
func ThirdParty(name string) bool {
	name = "/" + name
	for _, tree := range []string{
		"/node_modules/", "/bower_components/", "/site-packages/", "/dist-packages/",
		"/vendor/", "/gems/", "/pkg/mod/", "/.cargo/registry/", "/.m2/repository/",
		"/usr/local/go/", "/usr/lib/go", "/usr/share/", "/usr/lib/python",
	} {
		if strings.Contains(name, tree) {
			return true
		}
	}
	return false
}
