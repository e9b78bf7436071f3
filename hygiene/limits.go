package hygiene

import (
	"strconv"

	"github.com/fnvet/fnvet"
)

// The limits of AWS Lambda in bytes (Lambda Developer Guide, "Lambda quotas").
// Its MB and GB are powers of two: it refuses "262144001 bytes".
const (
	lambdaZipped   = 50 << 20
	lambdaUnzipped = 250 << 20
	lambdaImage    = 10 << 30
)

// sizeFindings compares the artifact with Lambda's limits.
func (d *Detector) sizeFindings() []fnvet.Finding {
	if d.azure {
		return nil
	}
	if found, ok := d.statedSizes(); ok {
		return found
	}
	return Sizes(d.artifact, d.unpacked-d.self())
}

// self is the size of the artifact where that is among the files: jars are.
func (d *Detector) self() int64 {
	if d.artifact.Type != "jar" {
		return 0
	}
	return d.tops[d.artifact.Name]
}

// Sizes compares an artifact whose files take that many bytes with what AWS Lambda
// accepts.
func Sizes(a fnvet.Artifact, unpacked int64) []fnvet.Finding {
	var found []fnvet.Finding
	over := func(rule string, n, limit int64, what string) {
		if n > limit {
			found = append(found, finding(rule, "", a.Name, "", megabytes(n)+what+", the limit is "+megabytes(limit)))
			found[len(found)-1].Salt = rule
		}
	}
	switch a.Type {
	case "zip", "jar":
		over(zippedSize, a.Size, lambdaZipped, " zipped")
		over(unzippedSize, unpacked, lambdaUnzipped, " unzipped")
	case "directory":
		over(unzippedSize, unpacked, lambdaUnzipped, "")
	case "image":
		over(imageSize, unpacked, lambdaImage, " uncompressed")
	}
	return found
}

// megabytes writes n as Lambda's documentation writes sizes, rounded up.
func megabytes(n int64) string {
	if n >= 1<<30 && n%(1<<30) == 0 {
		return strconv.FormatInt(n>>30, 10) + " GB"
	}
	return strconv.FormatInt((n+1<<20-1)>>20, 10) + " MB"
}
