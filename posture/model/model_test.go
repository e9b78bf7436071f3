package model

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValue(t *testing.T) {
	one, two := Is(Pos{}, 1), Value[int]{Alts: []int{1, 2}}
	maybe, open := Value[int]{Alts: []int{1}, Maybe: true}, Value[int]{Alts: []int{1}, Open: true}
	big := func(n int) bool { return n > 1 }
	small := func(n int) bool { return n < 3 }
	for _, c := range []struct {
		name                 string
		v                    Value[int]
		absent, stated, sure bool
		anyBig, allSmall     bool
		mayBig               bool // where the default is big
	}{
		{"zero", Value[int]{}, true, false, false, false, false, true},
		{"one", one, false, true, true, false, true, false},
		{"two", two, false, true, false, true, true, true},
		{"under a condition", maybe, false, false, false, false, false, true},
		{"part unknown", open, false, true, false, false, false, false},
		{"unknown", Unknown[int](Pos{}, "why"), false, true, false, false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, sure := c.v.Known()
			got := []bool{c.v.Absent(), c.v.Stated(), sure, c.v.Any(big), c.v.All(small), c.v.May(9, big)}
			if d := cmp.Diff([]bool{c.absent, c.stated, c.sure, c.anyBig, c.allSmall, c.mayBig}, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestText(t *testing.T) {
	bucket := Part{Ref: &Ref{RefResource, "Bucket", "arn"}}
	text := Text{}.Append(Part{Literal: "a"}, Part{Literal: "b"}, bucket, Part{Literal: "/*"})
	if got := text.String(); got != "ab${Bucket.arn}/*" || len(text.Parts) != 3 {
		t.Errorf("%q of %d parts", got, len(text.Parts))
	}
	if text.Prefix() != "ab" || text.Suffix() != "/*" || text.Is("ab") {
		t.Error("prefix, suffix or Is")
	}
	if _, ok := text.Literal(); ok {
		t.Error("a text with a reference is no literal")
	}
}

func TestDenotes(t *testing.T) {
	r := Resource{ID: "Orders", Name: Is(Pos{}, Lit(Pos{}, "orders"))}
	for _, c := range []struct {
		name string
		text Text
		want bool
	}{
		{"a reference", To(Pos{}, RefResource, "Orders", "arn"), true},
		{"another's", To(Pos{}, RefResource, "Other", "arn"), false},
		{"a parameter of that name", To(Pos{}, RefParameter, "Orders", ""), false},
		{"its name", Lit(Pos{}, "orders"), true},
		{"its ARN", Lit(Pos{}, "arn:aws:sqs:eu-west-1:1:orders"), true},
		{"another that ends the same", Lit(Pos{}, "arn:aws:sqs:eu-west-1:1:reorders"), false},
		{"objects of it", To(Pos{}, RefResource, "Orders", "arn").Append(Part{Literal: "/*"}), true},
	} {
		if got := r.Denotes(c.text); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	unnamed := Resource{ID: "Q"}
	if unnamed.Denotes(Lit(Pos{}, "")) {
		t.Error("no name denotes nothing")
	}
}
