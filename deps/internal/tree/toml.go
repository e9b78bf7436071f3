package tree

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"time"

	"github.com/fnvet/fnvet/internal/tomltext"
)

// TOML reads a document. Keys of a table come in sorted order. A document that
// breaks off is read up to the last table header before its end, and the error
// is returned with that.
func TOML(data []byte) (Value, error) {
	var doc map[string]any
	err := tomltext.Decode(data, &doc)
	if err != nil {
		i := bytes.LastIndex(data, []byte("\n[["))
		doc = nil
		if i < 0 || tomltext.Decode(data[:i+1], &doc) != nil {
			return Value{}, err
		}
	}
	c := converter{}
	v := c.toml(doc, 0)
	return v, errors.Join(err, c.err)
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
	case fmt.Stringer: // dates and times without a zone
		return Value{Kind: String, text: x.String()}
	}
	return Value{}
}
