package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/sbom"
	"github.com/fnvet/fnvet/vex"
)

// maxVEX bounds a VEX document that is read, in bytes.
const maxVEX = 256 << 20

// readVEX reads the documents of --vex.
func readVEX(files []string) ([]*vex.Document, error) {
	var docs []*vex.Document
	for _, file := range files {
		data, err := readBounded(file, maxVEX)
		if err != nil {
			return nil, fmt.Errorf("--vex: %w", err)
		}
		d, err := vex.Read(data)
		if err != nil {
			return nil, fmt.Errorf("--vex: %s: %w", file, err)
		}
		docs = append(docs, d)
	}
	return docs, nil
}

// documentFormats are those that hold one target.
func documentFormats() []string { return append(sbom.Formats(), vex.Format) }

// writeDocument writes one of them.
func writeDocument(w io.Writer, format string, reports []*fnvet.Report, o sbom.Options) error {
	if len(reports) != 1 {
		return fmt.Errorf("%s holds one target; there are %d", format, len(reports))
	}
	if slices.Contains(sbom.Formats(), format) {
		return sbom.Write(w, format, reports[0], o)
	}
	if o.Now.IsZero() {
		o.Now = reports[0].Scan.Started
	}
	return vex.Write(w, reports[0], vex.Options{Author: o.Author, Version: o.Version, Now: o.Now})
}
