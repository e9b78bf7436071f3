package posture

import (
	"context"

	"github.com/fnvet/fnvet/posture/model"
)

// A reader is one row of the table of dialects.
type reader struct {
	dialect model.Dialect
	// is tells by name and content, cheaply, whether a file is a template of the
	// dialect. Name is slash-separated.
	is func(name string, data []byte) bool
	// folder is true for dialects where all such files of one folder are one stack;
	// then the Source's Name is the folder and its Data nil.
	folder bool
	// read gives the model. What was read before a mistake is returned beside the error.
	read func(ctx context.Context, src *model.Source) (*model.Model, error)
}

// readers is the whole table of dialects, the most particular first.
var readers = [...]reader{}
