package deps

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"

	"github.com/fnvet/fnvet"
)

// archives notes every archive inside the artifact that is opened as well, with
// the hashes that identify it.
type archives struct{}

func (archives) Want(f *fnvet.File) bool { return f.Archive && f.Link == "" }

func (archives) Detect(ctx context.Context, f *fnvet.File) (fnvet.Facts, error) {
	if err := ctx.Err(); err != nil {
		return fnvet.Facts{}, err
	}
	short, long := sha256.Sum256(f.Data), sha512.Sum512(f.Data)
	return fnvet.Facts{Archives: []fnvet.Archive{{
		Path: f.Path, Layer: f.Layer, Size: int64(len(f.Data)),
		Hashes: []fnvet.Hash{{Alg: "SHA-256", Value: hex.EncodeToString(short[:])}, {Alg: "SHA-512", Value: hex.EncodeToString(long[:])}},
	}}}, nil
}
