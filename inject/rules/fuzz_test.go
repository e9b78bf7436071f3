package rules

import (
	"strings"
	"testing"

	"github.com/fnvet/fnvet/inject/ir"
)

// A user's file is refused, or it can be asked anything: no panic, and each sink
// that answers has a class and selectors.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"sinks: [{id: injection/command, lang: js, call: ['a.{b,c}.*d', '?.e'], args: ['0.x.**', 'kw:y', recv, '*'], when: {is: {'0': [sh]}}, why: it is run}]",
		"classes: [{id: injection/x, severity: low, title: x}]\nescapes: [{call: [a], for: [injection/x], arg: '1'}]",
		"sources: [{root: event, paths: [{path: 'a.*.**', title: x, trigger: http}, {path: '', safe: true}]}]",
		"shapes: [{module: a, has: [b, c, d]}]", "guards: [{call: ['{'], when: 'false'}]", "clean: [{call: ['a.{b']}]",
		"sinks: [{id: injection/none}]", "x: &a [*a]", "handlers: [{lang: js, names: [h]}]", strings.Repeat("[", 500),
		"clean: [{call: ['{a,b}{c,d}{e,f}{g,h}{i,j}{k,l}{m,n}{o,p}']}]",
	} {
		f.Add([]byte(seed), "a.b.xd")
	}
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		s, err := Load(data)
		if err != nil {
			if s != nil {
				t.Fatal("an error with tables")
			}
			return
		}
		for _, lang := range []ir.Lang{ir.JS, ir.Python, ir.Java, ir.Go} {
			for _, k := range s.About(lang, name).Sinks {
				if s.Class(k) == nil || len(k.Selectors()) == 0 {
					t.Fatalf("%v: a sink without class or argument", k.Call)
				}
			}
		}
		_, _ = s.Grade("event", strings.Split(name, "."))
		_ = s.Shape(func(n string) bool { return n == name })
	})
}
