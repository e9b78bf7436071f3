package ir

import (
	"fmt"
	"testing"
)

// A scope answers as a map does, whatever its size.
func TestNames(t *testing.T) {
	fn := &Func{}
	for size := range 3 * fewNames {
		var scope Names
		want := map[string]*Var{}
		for i := range size {
			v := fn.NewVar(fmt.Sprint("v", i*7%11))
			scope.Put(v)
			want[v.Name] = v
			if i%5 == 3 {
				scope.Drop(fmt.Sprint("v", i%11))
				delete(want, fmt.Sprint("v", i%11))
			}
		}
		for i := range 11 {
			if name := fmt.Sprint("v", i); scope.Get(name) != want[name] {
				t.Errorf("%d variables: %s is %v, want %v", size, name, scope.Get(name), want[name])
			}
		}
	}
}
