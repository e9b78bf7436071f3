package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/advisory"
)

// A kept package is what matching needs of it: the rest is in the report.
type kept struct {
	Name, Version, Ecosystem, PURL string
	Source                         *fnvet.SourcePackage `json:",omitempty"`
	Groups                         []string             `json:",omitempty"`
}

func (k *kept) pkg() fnvet.Package {
	return fnvet.Package{Name: k.Name, Version: k.Version, Ecosystem: k.Ecosystem, PURL: k.PURL, Source: k.Source, Groups: k.Groups}
}

// saveInventory replaces the components of an artifact.
func (s *Store) saveInventory(ctx context.Context, t tx, artifact int64, pkgs []fnvet.Package) error {
	keys := map[string]*fnvet.Package{}
	for i := range pkgs {
		p := &pkgs[i]
		keys[componentKey(p)] = p
	}
	order := make([]string, 0, len(keys))
	for k := range keys {
		order = append(order, k)
	}
	slices.Sort(order) // the same order in every transaction: no deadlocks
	var components, inventory [][]any
	for _, key := range order {
		p := keys[key]
		text, err := json.Marshal(kept{p.Name, p.Version, p.Ecosystem, p.PURL, p.Source, p.Groups})
		if err != nil {
			return err
		}
		components = append(components, []any{key, p.Ecosystem, p.Name, p.Version, p.PURL, string(text)})
	}
	err := insertMany(ctx, t, "INSERT INTO component (key, ecosystem, name, version, purl, package) VALUES ", " ON CONFLICT DO NOTHING", components)
	if err != nil {
		return err
	}
	ids, err := componentIDs(ctx, t, order)
	if err != nil {
		return err
	}
	var names [][]any
	for key, id := range ids {
		inventory = append(inventory, []any{id, artifact})
		for _, n := range advisory.NamesOf(keys[key]) {
			names = append(names, []any{n.Ecosystem, n.Name, id})
		}
	}
	byID := func(at int) func(a, b []any) int {
		return func(a, b []any) int { return cmp.Compare(a[at].(int64), b[at].(int64)) } //nolint:forcetypeassert // made above
	}
	slices.SortFunc(inventory, byID(0))
	slices.SortStableFunc(names, byID(2))
	if _, err := t.exec(ctx, "DELETE FROM inventory WHERE artifact = $1", artifact); err != nil {
		return err
	}
	err = insertMany(ctx, t, "INSERT INTO inventory (component, artifact) VALUES ", " ON CONFLICT DO NOTHING", inventory)
	if err != nil {
		return err
	}
	return insertMany(ctx, t, "INSERT INTO component_name (ecosystem, name, component) VALUES ", " ON CONFLICT DO NOTHING", names)
}

// componentKey tells components apart: by all that matching reads.
func componentKey(p *fnvet.Package) string {
	key := []string{p.Ecosystem, p.Name, p.Version, p.PURL}
	if p.Source != nil {
		key = append(key, p.Source.Name, p.Source.Version)
	}
	return strings.Join(append(key, p.Groups...), "\x1f")
}

// componentIDs finds the ids of components by key.
func componentIDs(ctx context.Context, c conn, keys []string) (map[string]int64, error) {
	ids := make(map[string]int64, len(keys))
	for part := range slices.Chunk(keys, maxArguments) {
		args := make([]any, len(part))
		for i, k := range part {
			args[i] = k
		}
		err := each(ctx, c, "SELECT id, key FROM component WHERE key IN ("+marks(len(part))+")", args, func(r rows) error {
			var id int64
			var key string
			err := r.Scan(&id, &key)
			ids[key] = id
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(ids) != len(keys) {
		return nil, errors.New("components are missing")
	}
	return ids, nil
}

func sortChanges(changes []Change) {
	slices.SortFunc(changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(b.What, a.What), cmp.Compare(number(b.Blocks), number(a.Blocks)),
			cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(a.Advisory, b.Advisory), cmp.Compare(a.Subject, b.Subject))
	})
}

// marks is "$1, $2, …".
func marks(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(i + 1))
	}
	return b.String()
}
