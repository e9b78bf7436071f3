package reach

import (
	"maps"
	"slices"
	"strings"
)

// sdk lists the packages of AWS's SDK that code of the artifact imports and that
// are not in it: where the runtime is a managed one they come from there. It
// runs before archives in the artifact are set aside.
func (d *Detector) sdk() []string {
	wanted := make(map[string]bool)
	for i := range d.files {
		f := &d.files[i]
		if f.js != nil {
			for _, r := range f.js.Source.Refs {
				if p := packagePart(r.Spec); p == "aws-sdk" || strings.HasPrefix(p, "@aws-sdk/") {
					wanted[p] = true
				}
			}
		}
		if f.py != nil {
			for _, r := range f.py.Source.Refs {
				if top, _, _ := strings.Cut(r.Module, "."); r.Level == 0 && (top == "boto3" || top == "botocore") {
					wanted[top] = true
				}
			}
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	for i := range d.files {
		name := "/" + d.files[i].name
		for p := range wanted {
			if strings.HasSuffix(name, "/node_modules/"+p+"/package.json") || strings.HasSuffix(name, "/"+p+"/__init__.py") || strings.HasSuffix(name, "/"+p+"/__init__.pyc") {
				delete(wanted, p)
			}
		}
	}
	return slices.Sorted(maps.Keys(wanted))
}

// packagePart is the package of a specifier: "@a/b/c.js" is of "@a/b".
func packagePart(spec string) string {
	parts := strings.SplitN(spec, "/", 3)
	if strings.HasPrefix(spec, "@") && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}
