package java

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKnownIsSorted(t *testing.T) {
	if !slices.IsSortedFunc(known[:], func(a, b [2]string) int { return strings.Compare(a[0], b[0]) }) {
		t.Error("known is not sorted: the search misses entries")
	}
	for _, k := range known {
		if got := knownGroup(k[0]); got != k[1] {
			t.Errorf("knownGroup(%q) = %q, want %q", k[0], got, k[1])
		}
	}
}

func TestSplitName(t *testing.T) {
	for _, test := range []struct{ stem, stated, artifact, version string }{
		{"spring-core-5.3.0", "", "spring-core", "5.3.0"},
		{"log4j-1.2-api-2.14.1", "", "log4j-1.2-api", "2.14.1"},
		{"guava-31.1-jre", "", "guava", "31.1-jre"},
		{"netty-codec-4.1.50.Final", "", "netty-codec", "4.1.50.Final"},
		{"netty-transport-native-epoll-4.1.50.Final-linux-x86_64", "", "netty-transport-native-epoll", "4.1.50.Final"},
		{"jetty-server-9.4.30.v20200611", "", "jetty-server", "9.4.30.v20200611"},
		{"bcprov-jdk15on-1.60", "", "bcprov-jdk15on", "1.60"},
		{"fn-1.0-SNAPSHOT-all", "", "fn", "1.0-SNAPSHOT"},
		{"hadoop-client-3.3.1-hadoop3-shaded", "", "hadoop-client", "3.3.1"},
		{"scala-library_2.13-1.0-custom", "1.0-custom", "scala-library_2.13", "1.0-custom"},
		{"commons-io", "2.6", "commons-io", ""},
		{"0a1b2c3d", "", "0a1b2c3d", ""},
	} {
		artifact, version := splitName(test.stem, test.stated)
		if artifact != test.artifact || version != test.version {
			t.Errorf("%s: %s at %s, want %s at %s", test.stem, artifact, version, test.artifact, test.version)
		}
	}
}

// TestGroups: manifests and packages of jars as Maven Central has them.
func TestGroups(t *testing.T) {
	for _, test := range []struct{ artifact, symbolic, module, vendor, common, want string }{
		{"spring-core", "", "spring.core", "", "org.springframework", "org.springframework"},
		{"spring-boot", "", "spring.boot", "", "org.springframework.boot", "org.springframework.boot"},
		{"spring-security-web", "", "", "", "org.springframework.security.web", "org.springframework.security"},
		{"jackson-databind", "com.fasterxml.jackson.core.jackson-databind", "", "com.fasterxml.jackson.core", "com.fasterxml.jackson.databind", "com.fasterxml.jackson.core"},
		{"commons-lang3", "org.apache.commons.lang3", "org.apache.commons.lang3", "org.apache.commons", "org.apache.commons.lang3", "org.apache.commons"},
		{"commons-io", "org.apache.commons.io", "", "", "org.apache.commons.io", "commons-io"},
		{"log4j", "log4j", "", "", "org.apache.log4j", "log4j"},
		{"log4j-core", "org.apache.logging.log4j.core", "", "org.apache", "org.apache.logging.log4j.core", "org.apache.logging.log4j"},
		{"kotlin-stdlib", "", "kotlin.stdlib", "", "kotlin", "org.jetbrains.kotlin"},
		{"tomcat-embed-core", "", "", "org.apache", "org.apache", "org.apache.tomcat.embed"},
		{"httpclient", "org.apache.httpcomponents.httpclient", "", "", "org.apache.http", "org.apache.httpcomponents"},
		{"acme-widgets", "", "", "", "com.acme.widgets", "com.acme"},
		{"inhouse", "", "", "", "", ""},
	} {
		m := map[string]string{"bundle-symbolicname": test.symbolic, "automatic-module-name": test.module, "implementation-vendor-id": test.vendor}
		got := ""
		if all := groups(m, "", test.artifact, test.common); len(all) > 0 {
			got = all[0]
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.artifact, got, test.want)
		}
	}
}

func TestManifest(t *testing.T) {
	got := parseManifest([]byte("Manifest-Version: 1.0\r\nBundle-SymbolicName: com.acme.\r\n long;a=b\r\nX:y\r\n\r\nName: org/apache\r\nImplementation-Title: no\r\n"))
	want := map[string]string{"manifest-version": "1.0", "bundle-symbolicname": "com.acme.long;a=b", "x": "y"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// FuzzIdentify: whatever a jar is called and states, its coordinates are plain
// text, and the first group is no invention when nothing suggests one.
func FuzzIdentify(f *testing.F) {
	f.Add("spring-core-5.3.0.jar", []byte("Implementation-Title: a#b;1\nBundle-SymbolicName: x.y.z\n"), "org/springframework/core")
	f.Fuzz(func(t *testing.T, name string, manifest []byte, dir string) {
		r := jar{name: name, manifest: parseManifest(manifest), dirs: map[string]int{dir: 1}}
		id := r.identify()
		if id.known(0) && !resolved(id.artifact, id.version) {
			t.Fatalf("artifact %q at %q", id.artifact, id.version)
		}
		for _, g := range id.groups {
			if !resolved(g) {
				t.Fatalf("group %q", g)
			}
		}
		if len(id.groups) == 1 && id.groups[0] == id.artifact && knownGroup(id.artifact) == "" && !domain(id.artifact) {
			t.Fatalf("%q is its own group", id.artifact)
		}
	})
}

// FuzzProject: a pom's properties resolve in bounded time to bounded text.
func FuzzProject(f *testing.F) {
	f.Add([]byte(`<project><properties><a>${b}${b}</a><b>${a}</b></properties><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>${a}</version></dependency></dependencies></project>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		pkgs, _ := ParsePom(data)
		for _, p := range pkgs {
			if strings.Contains(p.Version, "${") || len(p.Version) > 512 || p.Name == "" {
				t.Fatalf("%q at %q", p.Name, p.Version)
			}
		}
	})
}
