package tree

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"time"

	"github.com/BurntSushi/toml"
)

// maxBrackets bounds unclosed brackets in TOML, which its decoder follows by recursion.
const maxBrackets = 1000

// TOML reads a document. Keys of a table come in sorted order. A document that
// breaks off is read up to the last table header before its end, and the error
// is returned with that.
func TOML(data []byte) (Value, error) {
	if err := brackets(data); err != nil {
		return Value{}, err
	}
	var doc map[string]any
	err := toml.Unmarshal(data, &doc)
	if err != nil {
		i := bytes.LastIndex(data, []byte("\n[["))
		doc = nil
		if i < 0 || toml.Unmarshal(data[:i+1], &doc) != nil {
			return Value{}, err
		}
	}
	c := converter{}
	v := c.toml(doc, 0)
	return v, errors.Join(err, c.err)
}

// brackets counts unclosed brackets. Those inside strings are counted too; no
// lockfile comes near the limit.
func brackets(data []byte) error {
	open := 0
	for i, b := range data {
		switch b {
		case '[', '{':
			if open++; open > maxBrackets {
				return fmt.Errorf("more than %d brackets open at byte %d", maxBrackets, i)
			}
		case ']', '}':
			open = max(0, open-1)
		}
	}
	return nil
}

func (c *converter) toml(x any, depth int) Value {
	if !c.more(depth) {
		return Value{}
	}
	switch x := x.(type) {
	case map[string]any:
		keys := make([]string, 0, len(x))
		for k := range x {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		v := Value{Kind: Object, list: make([]Member, 0, len(keys))}
		for _, k := range keys {
			v.list = append(v.list, Member{Key: k, Value: c.toml(x[k], depth+1)})
		}
		return v
	case []map[string]any:
		v := Value{Kind: Array, list: make([]Member, 0, len(x))}
		for _, e := range x {
			v.list = append(v.list, Member{Value: c.toml(e, depth+1)})
		}
		return v
	case []any:
		v := Value{Kind: Array, list: make([]Member, 0, len(x))}
		for _, e := range x {
			v.list = append(v.list, Member{Value: c.toml(e, depth+1)})
		}
		return v
	case string:
		return Value{Kind: String, text: x}
	case bool:
		return Value{Kind: Bool, text: strconv.FormatBool(x)}
	case int64:
		return Value{Kind: Number, text: strconv.FormatInt(x, 10)}
	case float64:
		return Value{Kind: Number, text: strconv.FormatFloat(x, 'g', -1, 64)}
	case time.Time:
		return Value{Kind: String, text: x.Format(time.RFC3339)}
	}
	return Value{}
}
