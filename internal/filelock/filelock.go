// Package filelock takes locks that the system releases with the process, however
// that ends.
package filelock

import "errors"

// ErrHeld says that another open file holds the lock.
var ErrHeld = errors.New("the lock is held")
