package server

import (
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// plainRegistry says what a registry answered without its words, which may quote
// what was sent to it.
func plainRegistry(err error) error {
	if t, ok := errors.AsType[*transport.Error](err); ok {
		return fmt.Errorf("the registry answered %d", t.StatusCode)
	}
	return errors.New(reason(err))
}
