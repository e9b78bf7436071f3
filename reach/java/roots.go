package java

import (
	"slices"
	"strings"
)

// A unit is what an answer is about: the classes of one artifact.
type unit struct {
	container string
	group     string
	artifact  string
	pom       []int // indexes of its coordinates
	roots     []string
	members   []int // classes that are surely its own
	own       bool  // the function's own code
	marked    bool
}

// An archive is one jar, or the artifact itself, with the units in it.
type archive struct {
	name    string
	classes []int
	poms    []*unit
	rest    *unit // what belongs to no statement of coordinates, or to the only one
	doubt   []int // classes that may be of several units
	entry   bool  // the handler is in it
}

// packagesOf are the packages of artifacts that do not follow from their
// coordinates. Facts of the artifacts as published.
var packagesOf = map[string][]string{
	"aws-lambda-java-core":   {"com/amazonaws/services/lambda/runtime"},
	"aws-lambda-java-events": {"com/amazonaws/services/lambda/runtime/events"},
	"checker-qual":           {"org/checkerframework"},
	"error_prone_annotations": {
		"com/google/errorprone",
	},
	"failureaccess":       {"com/google/common/util/concurrent/internal"},
	"guava":               {"com/google/common", "com/google/thirdparty"},
	"httpclient":          {"org/apache/http/client", "org/apache/http/impl/client", "org/apache/http/conn", "org/apache/http/impl/conn", "org/apache/http/cookie", "org/apache/http/impl/cookie", "org/apache/http/auth", "org/apache/http/impl/auth", "org/apache/http/impl/execchain"},
	"j2objc-annotations":  {"com/google/j2objc"},
	"jackson-annotations": {"com/fasterxml/jackson/annotation"},
	"joda-time":           {"org/joda/time"},
	"jsr305":              {"javax/annotation"},
	"logback-classic":     {"ch/qos/logback/classic"},
	"netty-transport":     {"io/netty/channel", "io/netty/bootstrap"},
	"protobuf-java":       {"com/google/protobuf"},
	"reactive-streams":    {"org/reactivestreams"},
}

// rootsOf lists where the classes of an artifact may be, by its coordinates, as
// far as classes are there: com.google.code.gson:gson is in com/google/gson,
// com.fasterxml.jackson.core:jackson-databind in com/fasterxml/jackson/databind.
func rootsOf(group, artifact string, there func(dir string) bool) []string {
	if known := packagesOf[artifact]; known != nil {
		return slices.DeleteFunc(slices.Clone(known), func(r string) bool { return !there(r) })
	}
	dir := strings.ReplaceAll(group, ".", "/")
	names := []string{artifact, strings.ReplaceAll(artifact, "-", "/"), strings.ReplaceAll(artifact, "-", ""), strings.ReplaceAll(artifact, "-", "_")}
	for at := dir; strings.Contains(at, "/"); at = at[:strings.LastIndexByte(at, '/')] {
		last := at[strings.LastIndexByte(at, '/')+1:]
		try := slices.Clone(names)
		if rest, ok := strings.CutPrefix(artifact, last+"-"); ok {
			try = append(try, rest, strings.ReplaceAll(rest, "-", "/"))
		}
		for _, name := range try {
			for _, root := range []string{at + "/" + name, at + "/services/" + name} {
				if there(root) {
					return []string{root}
				}
			}
			if trimmed := strings.TrimRight(name, "0123456789"); trimmed != name && there(at+"/"+trimmed) {
				return []string{at + "/" + trimmed}
			}
		}
	}
	if bare := "org/apache/" + strings.ReplaceAll(artifact, "-", "/"); there(bare) {
		return []string{bare} // commons-io:commons-io
	}
	return nil
}

// divide makes the units of an archive: one for all classes when it states one
// artifact or none, else one for each whose packages are known, and the rest.
func (w *walk) divide(a *archive, poms []*unit, ownPrefix string) {
	a.rest = &unit{container: a.name, own: a.entry}
	if len(poms) <= 1 {
		a.rest.members = a.classes
		if len(poms) == 1 {
			a.rest.pom, a.rest.group, a.rest.artifact = poms[0].pom, poms[0].group, poms[0].artifact
		}
		return
	}
	dirs := make(map[string]bool)
	for _, i := range a.classes {
		for dir := parent(w.files[i].class); dir != "" && !dirs[dir]; dir = parent(dir) {
			dirs[dir] = true
		}
	}
	there := func(root string) bool { return len(placed(dirs, root)) > 0 }
	byRoot := make(map[string][]*unit)
	for _, u := range poms {
		for _, r := range rootsOf(u.group, u.artifact, there) {
			for _, at := range placed(dirs, r) {
				u.roots = append(u.roots, at)
				byRoot[at] = append(byRoot[at], u)
			}
		}
	}
	a.poms = poms
	for _, i := range a.classes {
		class := w.files[i].class
		var owners []*unit
		for dir := parent(class); dir != "" && owners == nil; dir = parent(dir) {
			owners = byRoot[dir]
		}
		switch {
		case len(owners) == 1:
			owners[0].members = append(owners[0].members, i)
			w.owner[i] = owners[0]
		case len(owners) == 0 && a.entry && ownPrefix != "" && strings.HasPrefix(class, ownPrefix+"/"):
			a.rest.members = append(a.rest.members, i)
		default:
			a.doubt = append(a.doubt, i)
		}
	}
	if !a.entry { // a library that holds others: what it looks up may be any class of the archive
		for _, i := range a.doubt {
			w.owner[i] = &unit{container: a.name, members: a.classes}
		}
	}
}

// placed lists where a root is among the directories: there, or below others,
// where a relocation has put it.
func placed(dirs map[string]bool, root string) []string {
	if dirs[root] {
		return []string{root}
	}
	var out []string
	for d := range dirs {
		if strings.HasSuffix(d, "/"+root) {
			out = append(out, d)
		}
	}
	slices.Sort(out)
	return out
}

func parent(name string) string {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return ""
	}
	return name[:i]
}
