package sbom

import (
	"bytes"

	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/tagvalue"
)

// writeSPDXTagValue writes SPDX 2.3 as lines of "Tag: value". The writer of
// tools-golang does not escape, so every text is made one line first.
func writeSPDXTagValue(b *bytes.Buffer, inv *inventory) error {
	doc, err := inv.spdx()
	if err != nil {
		return err
	}
	doc.DocumentName = oneLine(doc.DocumentName)
	for i := range doc.CreationInfo.Creators {
		doc.CreationInfo.Creators[i].Creator = oneLine(doc.CreationInfo.Creators[i].Creator)
	}
	for _, p := range doc.Packages {
		p.PackageName, p.PackageVersion = oneLine(p.PackageName), oneLine(p.PackageVersion)
		p.PackageFileName, p.PackageSourceInfo = oneLine(p.PackageFileName), oneLine(p.PackageSourceInfo)
		p.PackageHomePage, p.PackageDownloadLocation = oneLine(p.PackageHomePage), oneLine(p.PackageDownloadLocation)
		if p.PackageOriginator != nil {
			p.PackageOriginator.Originator = oneLine(p.PackageOriginator.Originator)
		}
		if p.PackageSupplier != nil {
			p.PackageSupplier.Supplier = oneLine(p.PackageSupplier.Supplier)
		}
		for _, r := range p.PackageExternalReferences {
			r.Locator = oneLine(r.Locator)
		}
		for _, a := range p.Annotations {
			a.AnnotationSPDXIdentifier = common.MakeDocElementID("", string(p.PackageSPDXIdentifier))
			a.AnnotationComment = oneLine(a.AnnotationComment)
			doc.Annotations = append(doc.Annotations, new(a))
		}
	}
	for _, l := range doc.OtherLicenses {
		l.ExtractedText, l.LicenseName = oneLine(l.ExtractedText), oneLine(l.LicenseName)
	}
	return tagvalue.Write(*doc, b)
}
