// Package tomltext decodes TOML and says where a mistake is. It knows no file's
// meaning.
package tomltext

import (
	"errors"
	"fmt"

	"github.com/pelletier/go-toml/v2"
)

// maxBrackets bounds unclosed brackets, which the decoder follows by recursion.
const maxBrackets = 1000

// Decode reads a document into what v points to. Keys that v has no place for are
// passed over. An error says line and column where there are such.
func Decode(data []byte, v any) error {
	if err := brackets(data); err != nil {
		return err
	}
	err := unmarshal(data, v)
	if at, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, column := at.Position()
		return fmt.Errorf("line %d, column %d: %w", line, column, err)
	}
	return err
}

// unmarshal makes an error of the panic that the decoder ends in (v2.2.4) where
// [[a.b]] stands without an [[a]] before it and v has a list for a.
func unmarshal(data []byte, v any) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("a table is part of a list that has nothing in it")
		}
	}()
	return toml.Unmarshal(data, v)
}

// brackets counts unclosed brackets. Those inside strings are counted too; no
// real file comes near the limit.
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
