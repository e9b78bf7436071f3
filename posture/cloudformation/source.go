package cloudformation

import (
	"errors"
	"io"
	"io/fs"

	"github.com/fnvet/fnvet/posture/model"
)

// readFile reads a file beside the template, within bounds.
func readFile(src *model.Source, name string) ([]byte, error) {
	if src.FS == nil {
		return nil, fs.ErrNotExist
	}
	f, err := src.FS.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxTemplate+1))
	if err == nil && len(data) > maxTemplate {
		err = errors.New("the file is too large")
	}
	return data, err
}
