package terraform

import (
	"bytes"
	"context"
	"path"
	"strings"

	"github.com/fnvet/fnvet/posture/model"
	"github.com/fnvet/fnvet/posture/terraform/eval"
)

// IsPlan tells by its first bytes whether a file is a plan or state in JSON. A state
// file is one whatever its name.
func IsPlan(name string, data []byte) bool {
	base := path.Base(name)
	if !strings.HasSuffix(base, ".json") && !strings.HasSuffix(base, ".tfstate") && !strings.HasSuffix(base, ".tfplan") {
		return false
	}
	head := bytes.TrimSpace(data[:min(len(data), 2048)])
	return bytes.HasPrefix(head, []byte("{")) && bytes.Contains(head, []byte(`"terraform_version"`)) &&
		(bytes.Contains(head, []byte(`"format_version"`)) || bytes.Contains(head, []byte(`"version"`)))
}

// ReadPlan reads a plan or state in JSON.
func ReadPlan(ctx context.Context, src *model.Source) (*model.Model, error) {
	m := &model.Model{Dialect: model.TerraformPlan, Cloud: model.AWS, File: src.Pos(src.Name, 0, 0).File}
	res, err := eval.JSON(src.Name, src.Data)
	if err != nil {
		m.Partial = true
		return m, err
	}
	b := newBuilder(m, src, path.Dir(src.Name))
	for i := range res.Variables {
		b.variable(&res.Variables[i])
	}
	b.build(res.Resources, res.Calls)
	b.issues(res)
	return m, ctx.Err()
}
