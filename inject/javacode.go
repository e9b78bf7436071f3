package inject

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/inject/engine"
	"github.com/fnvet/fnvet/inject/ir"
	"github.com/fnvet/fnvet/inject/java"
)

// javaCode is the function's own classes of one file system.
type javaCode struct {
	index *java.Index
	at    map[string]string // class: name of the file
}

// frameworks are packages whose classes implement handlers and are no function's own.
var frameworks = []string{"com/amazonaws/", "software/amazon/", "org/springframework/", "io/micronaut/", "io/quarkus/", "com/google/cloud/functions/",
	"com/microsoft/azure/", "org/apache/", "io/opentelemetry/", "com/datadoghq/", "io/lumigo/", "org/crac/", "kotlin/", "scala/", "java/", "javax/", "jakarta/"}

func isFramework(class string) bool {
	return slices.ContainsFunc(frameworks, func(p string) bool { return strings.HasPrefix(class, p) })
}

// handlerTypes are the interfaces of entry points, with the method that is called.
var handlerTypes = map[string]string{
	"com/amazonaws/services/lambda/runtime/RequestHandler":       "handleRequest",
	"com/amazonaws/services/lambda/runtime/RequestStreamHandler": "handleRequest",
	"com/google/cloud/functions/HttpFunction":                    "service",
	"com/google/cloud/functions/BackgroundFunction":              "accept",
	"com/google/cloud/functions/RawBackgroundFunction":           "accept",
	"com/google/cloud/functions/CloudEventsFunction":             "accept",
}

// A javaEntry is a method that events reach.
type javaEntry struct {
	class, key string
	params     []string
	result     bool // it gives the function that events reach
	fn         *fnvet.Function
}

// java reads the classes, finds the entry points, and follows them. found says
// that there was one.
func (p *program) java(ctx context.Context) (found bool, err error) {
	classes := p.classes(ctx)
	if len(classes) == 0 {
		return false, ctx.Err()
	}
	entries := p.javaEntries(java.NewIndex(classes), classes)
	if len(entries) == 0 {
		return false, nil
	}
	var mine []*java.Class
	for _, c := range classes {
		if slices.ContainsFunc(entries, func(e javaEntry) bool { return sharesPackage(c.Name, e.class) }) {
			mine = append(mine, c)
		}
	}
	p.javaCode.index = java.NewIndex(mine)
	for _, e := range entries {
		f := p.javaFile(e.class)
		if f == nil {
			continue
		}
		if err := p.work(ctx, f, "what the class does when it is loaded", func() error { return p.machine.Load(f) }); err != nil {
			return true, err
		}
		if e.fn != nil && p.fnOf[f] == nil {
			p.fnOf[f] = e.fn
		}
		name, _, _ := strings.Cut(e.key, "(")
		var entry engine.Entry
		ok := false
		err := p.work(ctx, f, name, func() error {
			entry, ok = p.machine.Method(f, "<init>()V", e.key, java.Dotted(e.class)+"."+name, e.result)
			return nil
		})
		if err != nil || !ok {
			continue
		}
		entry.Params = e.params
		if e.fn != nil && p.allBus() {
			entry.Params = fromBus(e.params)
		}
		if err := p.start(ctx, f, entry, e.fn); err != nil {
			return true, err
		}
	}
	return true, nil
}

// classes reads every class of the file system.
func (p *program) classes(ctx context.Context) []*java.Class {
	p.javaCode.at = map[string]string{}
	var out []*java.Class
	for _, name := range p.names {
		if path.Ext(name) != ".class" || ctx.Err() != nil {
			continue
		}
		s := p.byName[name]
		text, err := s.read()
		if err != nil {
			continue
		}
		c, err := java.Read([]byte(text))
		if err != nil || c.Name == "" {
			p.gaps = append(p.gaps, fnvet.Gap{Path: s.path, Reason: fnvet.GapUnparsable, Detail: "not a class file; event data is not followed through it"})
			continue
		}
		if _, known := p.javaCode.at[c.Name]; !known {
			p.javaCode.at[c.Name] = name
			out = append(out, c)
		}
	}
	return out
}

// sharesPackage says that two classes are of one project by their names: the
// first two parts of their packages, or all where there are fewer; three where the
// two are those of a place that hosts many projects.
func sharesPackage(class, handler string) bool {
	top := func(name string) string {
		parts := strings.Split(path.Dir(name), "/")
		n := 2
		if len(parts) > 2 && slices.Contains(hosting, parts[0]+"/"+parts[1]) {
			n = 3
		}
		return strings.Join(parts[:min(len(parts), n)], "/")
	}
	return top(class) == top(handler)
}

var hosting = []string{"com/github", "io/github", "com/gitlab", "io/gitlab", "org/bitbucket", "net/sourceforge", "org/sourceforge", "com/google"}

func (p *program) javaEntries(x *java.Index, classes []*java.Class) []javaEntry {
	var out []javaEntry
	spring := slices.ContainsFunc(p.names, func(n string) bool { return strings.HasPrefix(n, "BOOT-INF/") })
	for _, s := range p.starts() {
		class, method, _ := strings.Cut(s.handler, "::")
		class = strings.ReplaceAll(class, ".", "/")
		spring = spring || strings.HasPrefix(class, "org/springframework/cloud/function")
		if x.Class(class) == nil && method == "" { // com.acme.Handler.method, as Google and some templates write it
			method, class = path.Base(class), path.Dir(class)
		}
		if x.Class(class) != nil && !isFramework(class) {
			out = append(out, p.handlerMethods(x, class, method, s.fn)...)
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, c := range classes {
		if isFramework(c.Name) {
			continue
		}
		out = append(out, azureMethods(c)...)
		out = append(out, springMethods(x, c, spring)...)
		if !c.Abstract {
			out = append(out, p.handlerMethods(x, c.Name, "", nil)...)
		}
	}
	return out
}

// handlerMethods are the methods of a class that its interfaces, or a name that
// somebody stated, make entry points.
func (p *program) handlerMethods(x *java.Index, class, method string, fn *fnvet.Function) []javaEntry {
	if method == "" {
		for _, up := range x.Above(class) {
			if m := handlerTypes[up]; m != "" {
				method = m
			}
		}
		if method == "" && fn == nil {
			return nil
		}
		if method == "" {
			method = "handleRequest"
		}
	}
	var out []javaEntry
	for _, owner := range append([]string{class}, x.Above(class)...) {
		c := x.Class(owner)
		if c == nil {
			continue
		}
		for key, m := range c.Methods {
			if m.Name == method && len(m.Code) > 0 && m.Access&0x1000 == 0 {
				out = append(out, javaEntry{class: class, key: key, params: javaParams(m.Descriptor), fn: fn})
			}
		}
		if len(out) > 0 {
			break
		}
	}
	slices.SortFunc(out, func(a, b javaEntry) int { return strings.Compare(a.key, b.key) })
	return out
}

// javaParams are what the parameters of a handler get, by their types.
func javaParams(descriptor string) []string {
	var out []string
	for i, t := range java.Params(descriptor) {
		switch {
		case t == "Lcom/google/cloud/functions/HttpRequest;":
			out = append(out, "source:http.request")
		case t == "Lcom/google/cloud/functions/HttpResponse;":
			out = append(out, "ext:com.google.cloud.functions.HttpResponse")
		case t == "Lio/cloudevents/CloudEvent;":
			out = append(out, "source:cloudevent")
		case strings.HasSuffix(t, "/Context;") || strings.HasSuffix(t, "/ExecutionContext;"):
			out = append(out, "ext:java.lambda.context")
		case t == "Ljava/io/OutputStream;":
			out = append(out, "ext:java.io.OutputStream")
		case i == 0:
			out = append(out, "source:event")
		default:
			out = append(out, "")
		}
	}
	return out
}

// azureTriggers are the annotations of parameters that an event gives.
var azureTriggers = map[string]string{
	"HttpTrigger": "source:http.request", "QueueTrigger": "source:queue.message", "ServiceBusQueueTrigger": "source:queue.message",
	"ServiceBusTopicTrigger": "source:topic.message", "EventGridTrigger": "source:topic.message", "BlobTrigger": "source:blob",
	"EventHubTrigger": "source:stream.event", "CosmosDBTrigger": "source:table.document", "KafkaTrigger": "source:stream.event",
	"BindingName": "source:http.param",
}

func azureMethods(c *java.Class) []javaEntry {
	var out []javaEntry
	for key, m := range c.Methods {
		if !slices.Contains(m.Annotations, "com/microsoft/azure/functions/annotation/FunctionName") {
			continue
		}
		e := javaEntry{class: c.Name, key: key}
		for i := range java.Params(m.Descriptor) {
			what := ""
			if i < len(m.Parameters) {
				for _, a := range m.Parameters[i] {
					if w := azureTriggers[path.Base(a)]; w != "" {
						what = w
					}
				}
			}
			e.params = append(e.params, what)
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b javaEntry) int { return strings.Compare(a.key, b.key) })
	return out
}

// springMethods are functions of Spring Cloud Function: classes that are one, and
// methods that make one.
func springMethods(x *java.Index, c *java.Class, spring bool) []javaEntry {
	var out []javaEntry
	isFunction := spring && slices.ContainsFunc(x.Above(c.Name), func(up string) bool {
		return up == "java/util/function/Function" || up == "java/util/function/Consumer"
	})
	for key, m := range c.Methods {
		switch {
		case isFunction && (m.Name == "apply" || m.Name == "accept") && m.Access&0x1000 == 0 && len(m.Code) > 0:
			out = append(out, javaEntry{class: c.Name, key: key, params: []string{"source:event"}})
		case slices.Contains(m.Annotations, "org/springframework/context/annotation/Bean") && strings.Contains(m.Descriptor, ")Ljava/util/function/"):
			out = append(out, javaEntry{class: c.Name, key: key, params: []string{"source:event"}, result: true})
		}
	}
	slices.SortFunc(out, func(a, b javaEntry) int { return strings.Compare(a.key, b.key) })
	return out
}

// javaFile lowers a class when it is first needed.
func (p *program) javaFile(class string) *ir.File {
	c := p.javaCode.index
	if c == nil || c.Class(class) == nil {
		return nil
	}
	name := p.javaCode.at[class]
	if f, ok := p.files[name]; ok {
		return f
	}
	s := p.byName[name]
	f := java.Lower(c.Class(class), c, name, s.path)
	p.files[name], p.where[f] = f, s
	return f
}
