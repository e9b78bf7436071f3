package secrets

import (
	"runtime/debug"
)

// gitleaksVersion is the version of the gitleaks module whose rules these are,
// used where the binary does not carry its module list.
const (
	gitleaksModule  = "github.com/zricethezav/gitleaks/v8"
	gitleaksVersion = "v8.30.1"
	ownVersion      = "2"
)

// Version names the rule set: the version of the gitleaks module it is taken
// from and the number of our own part.
func Version() string {
	version := gitleaksVersion
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == gitleaksModule {
				version = m.Version
			}
		}
	}
	return "gitleaks " + version + " + fnvet " + ownVersion
}

// corrections maps regular expressions of gitleaks' global allowlist to what
// they were meant to be. `^true|false|null$` is read as "starts with true, or
// contains false, or ends in null", so that any secret with "false" in it goes
// unseen.
func corrections() map[string]string {
	return map[string]string{
		`(?i)^true|false|null$`: `(?i)^(?:true|false|null)$`,
	}
}

// correct changes what we hold to be wrong in the rules of gitleaks, in place.
//
// Its global path allowlist is dropped: it skips node_modules, vendored trees,
// Python libraries, documents and executables, which is most of a function
// package. classify decides what a path is worth instead.
func correct(base *configFile) {
	fixed := corrections()
	if base.AllowList != nil {
		a := base.AllowList
		a.Paths = nil
		for i, text := range a.Regexes {
			if better, ok := fixed[text]; ok {
				a.Regexes[i] = better
			}
		}
	}
}
