//go:build !linux

package sandbox

import (
	"context"
	"io"
)

// Supported reports whether Start works here.
func Supported() bool { return false }

// A Child is a running child; there are none here.
type Child struct {
	In    io.WriteCloser
	Out   io.ReadCloser
	Board *Board
}

// Start fails with ErrUnsupported.
func Start(context.Context, []string, io.Reader) (*Child, error) { return nil, ErrUnsupported }

// Wait fails with ErrUnsupported.
func (*Child) Wait() error { return ErrUnsupported }

// Join fails with ErrUnsupported.
func Join() (io.Reader, io.WriteCloser, *Board, error) { return nil, nil, nil, ErrUnsupported }

// Enter fails with ErrUnsupported.
func Enter([]string, bool, Limits) (string, error) { return "", ErrUnsupported }
