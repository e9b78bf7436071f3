package java

import (
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet/internal/classfile"
)

// A flag is something about a class that its constants do not answer.
type flag uint16

const (
	reflects  flag = 1 << iota // looks classes up by names that are not constant
	scans                      // lists the classes of jars or packages
	decodes                    // makes objects of classes that data names
	openTyped                  // has a decoder do so, where it would not by itself
	native                     // has native methods
	starts                     // starts programs
	damaged                    // could not be read to its end
)

// Limits, in bytes: a class, a resource that is read for names, one constant's
// text; and names kept of a file.
const (
	maxClass    = 16 << 20
	maxResource = 1 << 20
	maxText     = 16 << 10
	maxWords    = 100_000
)

type kind uint8

const (
	other kind = iota
	classes
	service
	manifest
	coordinates // pom.properties, pom.xml
	resource
)

// A File is what one file says of classes.
type File struct {
	// Name is the path in its archive; Container the path of that, "" for the artifact.
	Name, Container string

	kind  kind
	class string   // "com/acme/Handler"
	refs  []uint64 // classes it names as such
	soft  []uint64 // classes in types of members, generic types and annotations
	words []uint64 // names in texts, that may be of classes or packages
	stems []string // starts of names in texts: "com/acme/impl/"
	flags flag
	entry bool // it implements an interface of handlers

	manifest manifestInfo
	group    string // of coordinates
	artifact string
}

type manifestInfo struct{ main, start string }

// Wants says by name, container and size whether a file is of use. Names of text
// files count only where Java keeps them.
func Wants(name, container string, size int64) bool {
	base := path.Base(name)
	switch ext := path.Ext(base); {
	case ext == ".class":
		return size <= maxClass
	case base == "MANIFEST.MF", base == "pom.properties", base == "pom.xml":
		return strings.Contains("/"+name, "/META-INF/")
	case strings.Contains("/"+name, "/META-INF/") || strings.HasPrefix(name, "BOOT-INF/") || strings.HasPrefix(name, "WEB-INF/"):
		return !media(ext) && size <= maxResource
	case ext == ".properties" || ext == ".factories":
		return size <= maxResource
	case jar(container):
		return !media(ext) && size <= maxResource
	}
	return false
}

func jar(container string) bool {
	switch strings.ToLower(path.Ext(container)) {
	case ".jar", ".war", ".ear":
		return true
	}
	return false
}

// media are files that name no classes.
func media(ext string) bool {
	switch strings.ToLower(ext) {
	case ".png", ".gif", ".jpg", ".svg", ".ico", ".css", ".html", ".htm", ".js", ".map", ".ttf", ".woff", ".woff2", ".md", ".so", ".dll", ".dylib", ".jnilib",
		".sf", ".rsa", ".dsa", ".jar", ".java", ".kotlin_module", ".sha1", ".pdf":
		return true
	}
	return false
}

// Read reads one file that Wants.
func Read(name string, data []byte) File {
	f := File{Name: name}
	inMeta := strings.Contains("/"+name, "/META-INF/")
	switch base := path.Base(name); {
	case path.Ext(base) == ".class":
		f.kind = classes
		f.readClass(data)
	case base == "MANIFEST.MF":
		f.kind = manifest
		f.readManifest(data)
		f.text(string(data))
	case base == "pom.properties" || base == "pom.xml":
		f.kind = coordinates
		if parts := strings.Split(name, "/"); len(parts) >= 5 && parts[len(parts)-4] == "maven" {
			f.group, f.artifact = parts[len(parts)-3], parts[len(parts)-2]
		}
	case inMeta && path.Base(path.Dir(name)) == "services":
		f.kind, f.class = service, strings.ReplaceAll(base, ".", "/")
		f.text(string(data))
	default:
		f.kind = resource
		f.text(string(data))
	}
	f.refs, f.soft = unique(f.refs), unique(f.soft)
	f.words = slices.Clip(slices.DeleteFunc(unique(f.words), func(h uint64) bool { return has(f.refs, h) || has(f.soft, h) }))
	f.soft = slices.Clip(slices.DeleteFunc(f.soft, func(h uint64) bool { return has(f.refs, h) }))
	slices.Sort(f.stems)
	f.stems = slices.Compact(f.stems)
	return f
}

func has(sorted []uint64, h uint64) bool {
	_, ok := slices.BinarySearch(sorted, h)
	return ok
}

func unique(list []uint64) []uint64 {
	slices.Sort(list)
	return slices.Clip(slices.Compact(list))
}

// handlers are the interfaces that providers call. AWS, Google, Azure's is an
// annotation.
var handlers = [...]string{
	"com/amazonaws/services/lambda/runtime/RequestHandler", "com/amazonaws/services/lambda/runtime/RequestStreamHandler",
	"com/google/cloud/functions/HttpFunction", "com/google/cloud/functions/BackgroundFunction", "com/google/cloud/functions/RawBackgroundFunction",
	"com/google/cloud/functions/CloudEventsFunction", "com/google/cloud/functions/TypedFunction",
}

func (f *File) readClass(data []byte) {
	c, err := classfile.Parse(data)
	if err != nil {
		f.flags, f.class = damaged, classOfName(f.Name)
		f.text(string(data[:min(len(data), maxText)]))
		return
	}
	f.class = strings.Clone(c.Name())
	typed, byClass := false, false
	var reflective []int // constants of methods that look classes up
	for i := range c.Len() {
		switch c.Tag(i) {
		case classfile.TagClass:
			f.refer(&f.refs, c.Class(i))
		case classfile.TagUTF8:
			text := c.UTF8(i)
			typed = typed || text == "Lcom/fasterxml/jackson/annotation/JsonTypeInfo;"
			byClass = byClass || text == "CLASS" || text == "MINIMAL_CLASS"
			f.text(text)
		case classfile.TagMethod, classfile.TagInterfaceMethod:
			class, name, descriptor := c.Method(i)
			if looksUp(class, name, descriptor) {
				reflective = append(reflective, i)
			}
			f.flags |= effect(class, name)
		}
	}
	if typed && byClass {
		f.flags |= openTyped
	}
	for _, i := range c.Interfaces() {
		f.entry = f.entry || slices.Contains(handlers[:], i)
	}
	f.look(c, reflective)
}

// look finds calls that look classes up: those of a constant name are references,
// others make the class one that reflects.
func (f *File) look(c *classfile.File, reflective []int) {
	for i := range c.Len() { // method references: Class::forName
		if h := c.Constant(i, classfile.TagMethodHandle, 3); h != nil && slices.Contains(reflective, classfile.U2(h[1:])) {
			f.flags |= reflects
		}
	}
	whole := c.Members(func(m classfile.Member, method bool) {
		if method && m.Access&classfile.AccNative != 0 {
			f.flags |= native
		}
		if !method || m.Code == nil || len(reflective) == 0 {
			return
		}
		ok := classfile.Calls(m.Code, func(call, pushed int) {
			if !slices.Contains(reflective, call) {
				return
			}
			text, constant := c.Text(pushed)
			if !constant {
				f.flags |= reflects
				return
			}
			f.refer(&f.refs, strings.ReplaceAll(text, ".", "/"))
		})
		if !ok {
			f.flags |= reflects
		}
	})
	if !whole {
		f.flags |= damaged
	}
}

// refer adds a class; of the JDK's only the part of the JDK that it is in.
func (f *File) refer(to *[]uint64, name string) {
	if name == "" || len(name) > maxText {
		return
	}
	if part := partOfJDK(name); part != "" {
		*to = append(*to, hash(part))
	}
	if strings.HasPrefix(name, "java/") || strings.HasPrefix(name, "jdk/") || strings.HasPrefix(name, "sun/") {
		return
	}
	*to = append(*to, hash(name))
}

// partOfJDK names what asks for services together, in a form that is no class's
// name: "JDK java/sql" for java/sql/Driver. "" for classes of others.
func partOfJDK(class string) string {
	if class == "" || class[0] != 'j' && class[0] != 'o' {
		return ""
	}
	for _, xml := range []string{"javax/xml/", "org/xml/sax/", "org/w3c/dom/", "java/beans/", "java/util/prefs/"} {
		if strings.HasPrefix(class, xml) {
			return "JDK javax/xml"
		}
	}
	if !strings.HasPrefix(class, "java/") && !strings.HasPrefix(class, "javax/") {
		return ""
	}
	parts := strings.SplitN(class, "/", 3)
	if len(parts) < 3 {
		return ""
	}
	return "JDK " + parts[0] + "/" + parts[1]
}

// looksUp tells methods that find a class by its name.
func looksUp(class, name, descriptor string) bool {
	switch name {
	case "forName", "findClass", "findSystemClass", "loadClass", "findLoadedClass":
		return class == "java/lang/Class" || strings.HasSuffix(descriptor, ")Ljava/lang/Class;") && strings.HasPrefix(descriptor, "(Ljava/lang/String;")
	case "defineClass", "defineHiddenClass", "defineAnonymousClass":
		return true
	case "getBundle":
		return class == "java/util/ResourceBundle"
	case "fromMethodDescriptorString":
		return class == "java/lang/invoke/MethodType"
	case "lookup":
		return strings.HasPrefix(class, "javax/naming/")
	case "getEngineByName", "eval":
		return strings.HasPrefix(class, "javax/script/")
	case "<init>":
		return class == "java/net/URLClassLoader"
	}
	return false
}

// effect is what else a call may lead to.
func effect(class, name string) flag {
	switch class {
	case "java/io/ObjectInputStream":
		if strings.HasPrefix(name, "read") {
			return decodes
		}
	case "java/beans/XMLDecoder":
		return decodes
	case "java/util/jar/JarFile", "java/util/zip/ZipFile":
		if name == "entries" || name == "stream" || name == "versionedStream" {
			return scans
		}
	case "java/util/jar/JarInputStream", "java/net/JarURLConnection":
		return scans
	case "java/lang/ProcessBuilder", "java/lang/Runtime":
		if name == "start" || name == "exec" {
			return starts
		}
	case "org/yaml/snakeyaml/Yaml", "com/thoughtworks/xstream/XStream", "com/esotericsoftware/kryo/Kryo", "com/alibaba/fastjson/JSON",
		"com/caucho/hessian/io/HessianInput", "com/caucho/hessian/io/Hessian2Input":
		return openTyped
	}
	switch name {
	case "enableDefaultTyping", "activateDefaultTyping", "enableDefaultTypingAsProperty", "activateDefaultTypingAsProperty", "setDefaultTyping":
		return openTyped
	}
	return 0
}

// frameworks find classes by looking through packages; once one of them runs,
// nothing is out of reach.
var frameworks = [...]string{
	"org/springframework/boot/SpringApplication", "org/springframework/context/", "io/micronaut/context/", "io/quarkus/runtime/", "org/reflections/", "io/github/classgraph/",
	"org/glassfish/jersey/server/", "org/hibernate/boot/", "org/jboss/weld/", "com/google/inject/", "org/apache/felix/", "org/codehaus/groovy/", "groovy/lang/", "clojure/lang/",
	"org/mozilla/javascript/", "org/springframework/beans/factory/",
}

// text takes the names out of a text: of classes, packages, and their starts.
func (f *File) text(s string) {
	if len(s) > maxResource {
		f.flags |= damaged
		return
	}
	for len(s) > 0 && len(f.words) < maxWords {
		i := 0
		for i < len(s) && !nameByte(s[i]) {
			i++
		}
		s = s[i:]
		n := 0
		for n < len(s) && nameByte(s[n]) {
			n++
		}
		word, end := s[:n], byte(0)
		if n < len(s) {
			end = s[n]
		}
		s = s[n:]
		f.word(word, end)
	}
	if len(f.words) >= maxWords {
		f.flags |= damaged
	}
}

// word takes one word; what ends with ";" may begin with the L of a descriptor,
// several of which follow each other with brackets between.
func (f *File) word(word string, end byte) {
	if len(word) < 3 || len(word) > 1024 {
		return
	}
	if !strings.ContainsAny(word, "./$") {
		return
	}
	if end == ';' || end == '<' {
		for i := range len(word) {
			if word[i] == 'L' {
				f.refer(&f.soft, word[i+1:])
			}
			if word[i] == '/' {
				break
			}
		}
		if word[0] == 'L' && strings.IndexByte(word, '.') < 0 {
			return // a descriptor, and nothing else
		}
	}
	name := strings.Trim(word, "./")
	if name == "" || strings.HasPrefix(name, "java/") || strings.HasPrefix(name, "java.") {
		return
	}
	f.words = append(f.words, hashPath(name))
	if class, ok := strings.CutSuffix(name, "/class"); ok {
		f.words = append(f.words, hashPath(class))
	} else if class, ok := strings.CutSuffix(name, ".class"); ok {
		f.words = append(f.words, hashPath(class))
	}
	if last := word[len(word)-1]; (last == '.' || last == '/' || last == '$') && len(f.stems) < maxWords/10 {
		stem := strings.ReplaceAll(name, ".", "/")
		if last != '$' {
			stem += "/"
		}
		f.stems = append(f.stems, strings.Clone(stem))
	}
}

// hashPath is hash of a name with slashes for its dots.
func hashPath(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		c := s[i]
		if c == '.' {
			c = '/'
		}
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

func nameByte(c byte) bool { return nameBytes[c] }

// nameBytes are the bytes of names of classes, packages and paths.
var nameBytes = func() (set [256]bool) {
	for c := range set {
		b := byte(c) // #nosec G115 -- below 256
		set[c] = b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '$' || b == '.' || b == '/' || b >= 0x80
	}
	return set
}()

// hash is FNV-1a with 64 bits.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// readManifest takes Main-Class and Start-Class of the main section.
func (f *File) readManifest(data []byte) {
	text := strings.ReplaceAll(strings.ReplaceAll(string(data[:min(len(data), maxResource)]), "\r\n", "\n"), "\n ", "")
	head, _, _ := strings.Cut(text, "\n\n")
	for line := range strings.SplitSeq(head, "\n") {
		name, value, _ := strings.Cut(line, ":")
		value = strings.Clone(strings.ReplaceAll(strings.TrimSpace(value), ".", "/"))
		switch strings.ToLower(name) {
		case "main-class":
			f.manifest.main = value
		case "start-class":
			f.manifest.start = value
		case "launcher-agent-class", "premain-class":
			f.flags |= starts
		}
	}
}

// classOfName is the class by the path of its file: without the directories of
// boot jars, web applications and other releases of Java.
func classOfName(name string) string {
	for _, dir := range []string{"BOOT-INF/classes/", "WEB-INF/classes/"} {
		if i := strings.Index("/"+name, "/"+dir); i >= 0 {
			name = name[i+len(dir):]
		}
	}
	if rest, ok := strings.CutPrefix(name, "META-INF/versions/"); ok {
		_, name, _ = strings.Cut(rest, "/")
	}
	return strings.TrimSuffix(name, ".class")
}
