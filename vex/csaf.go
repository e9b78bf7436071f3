package vex

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	packageurl "github.com/package-url/packageurl-go"
)

// The shapes of CSAF 2.0 (OASIS Standard, 18 November 2022) that are read.
type csaf struct {
	Document struct {
		Category    string `json:"category"`
		CSAFVersion string `json:"csaf_version"`
		Tracking    struct {
			ID      string `json:"id"`
			Current string `json:"current_release_date"`
		} `json:"tracking"`
	} `json:"document"`
	ProductTree struct {
		Branches      []csafBranch  `json:"branches"`
		Names         []csafProduct `json:"full_product_names"`
		Relationships []struct {
			Product   csafProduct `json:"full_product_name"`
			Component string      `json:"product_reference"`
			Platform  string      `json:"relates_to_product_reference"`
		} `json:"relationships"`
		Groups []struct {
			ID       string   `json:"group_id"`
			Products []string `json:"product_ids"`
		} `json:"product_groups"`
	} `json:"product_tree"`
	Vulnerabilities []csafVulnerability `json:"vulnerabilities"`
}

type csafBranch struct {
	Branches []csafBranch `json:"branches"`
	Product  *csafProduct `json:"product"`
}

type csafProduct struct {
	ID     string `json:"product_id"`
	Name   string `json:"name"`
	Helper struct {
		PURL   string `json:"purl"`
		Hashes []struct {
			Files []struct {
				Algorithm string `json:"algorithm"`
				Value     string `json:"value"`
			} `json:"file_hashes"`
		} `json:"hashes"`
	} `json:"product_identification_helper"`
}

type csafVulnerability struct {
	CVE string `json:"cve"`
	IDs []struct {
		Text string `json:"text"`
	} `json:"ids"`
	Status struct {
		Fixed              []string `json:"fixed"`
		FirstFixed         []string `json:"first_fixed"`
		NotAffected        []string `json:"known_not_affected"`
		Affected           []string `json:"known_affected"`
		FirstAffected      []string `json:"first_affected"`
		LastAffected       []string `json:"last_affected"`
		UnderInvestigation []string `json:"under_investigation"`
	} `json:"product_status"`
	Flags []struct {
		Label string `json:"label"`
		csafAbout
	} `json:"flags"`
	Threats []struct {
		Category string `json:"category"`
		Details  string `json:"details"`
		csafAbout
	} `json:"threats"`
}

type csafAbout struct {
	Products []string `json:"product_ids"`
	Groups   []string `json:"group_ids"`
}

// about says whether a flag or threat, which may name groups, is about a product.
func (a *csafAbout) about(id string, groups map[string][]string) bool {
	if len(a.Products)+len(a.Groups) == 0 || slices.Contains(a.Products, id) {
		return true
	}
	return slices.ContainsFunc(a.Groups, func(g string) bool { return slices.Contains(groups[g], id) })
}

func readCSAF(data []byte) (*Document, error) {
	var doc csaf
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("CSAF: %w", err)
	}
	if doc.Document.CSAFVersion == "" {
		return nil, ErrUnknown
	}
	if doc.Document.CSAFVersion != "2.0" {
		return nil, fmt.Errorf("CSAF: version %q is not 2.0", doc.Document.CSAFVersion)
	}
	at, err := newest(doc.Document.Tracking.Current)
	if err != nil {
		return nil, fmt.Errorf("CSAF: current_release_date: %w", err)
	}
	products, err := doc.products()
	if err != nil {
		return nil, err
	}
	groups := map[string][]string{}
	for _, g := range doc.ProductTree.Groups {
		groups[g.ID] = g.Products
	}
	d := &Document{Format: "csaf", ID: doc.Document.Tracking.ID}
	for i := range doc.Vulnerabilities {
		for _, s := range doc.Vulnerabilities[i].statements(products, groups) {
			s.time = at
			d.statements = append(d.statements, s)
		}
	}
	return d, nil
}

// products resolves the product tree: what each product id stands for.
func (doc *csaf) products() (map[string][]product, error) {
	ids := map[string]*identity{}
	for i := range doc.ProductTree.Names {
		ids[doc.ProductTree.Names[i].ID] = doc.ProductTree.Names[i].identity()
	}
	todo := doc.ProductTree.Branches
	for len(todo) > 0 {
		b := todo[len(todo)-1]
		todo = append(todo[:len(todo)-1:len(todo)-1], b.Branches...)
		if b.Product != nil {
			ids[b.Product.ID] = b.Product.identity()
		}
	}
	out := map[string][]product{}
	for id, is := range ids {
		out[id] = []product{{artifact: is}, {pkg: is}}
	}
	for _, r := range doc.ProductTree.Relationships {
		if _, twice := out[r.Product.ID]; twice {
			return nil, errors.New("CSAF: product id " + r.Product.ID + " is there twice")
		}
		component, platform := ids[r.Component], ids[r.Platform]
		switch {
		case component == nil || platform == nil: // a product of a product: not resolved, so it matches nothing
		case platform.purl != "" || len(platform.sha256) > 0:
			out[r.Product.ID] = []product{{platform, component}}
		case hasVersion(component.purl):
			// The platform is only a name ("Enterprise Linux 9"); an exact version is certain without it.
			out[r.Product.ID] = []product{{pkg: component}}
		}
	}
	return out, nil
}

func hasVersion(purl string) bool {
	p, err := packageurl.FromString(purl)
	return err == nil && p.Version != ""
}

func (p *csafProduct) identity() *identity {
	id := &identity{purl: p.Helper.PURL}
	for _, h := range p.Helper.Hashes {
		for _, f := range h.Files {
			if strings.EqualFold(f.Algorithm, "sha256") {
				id.sha256 = append(id.sha256, f.Value)
			}
		}
	}
	return id
}

// statements gives one statement for each product and status.
func (v *csafVulnerability) statements(products map[string][]product, groups map[string][]string) []statement {
	var ids []string
	if v.CVE != "" {
		ids = append(ids, v.CVE)
	}
	for _, id := range v.IDs {
		if id.Text != "" {
			ids = append(ids, id.Text)
		}
	}
	var out []statement
	add := func(status Status, lists ...[]string) {
		for _, id := range slices.Concat(lists...) {
			s := statement{ids: ids, status: status, products: products[id]}
			if status == NotAffected {
				s.justification, s.text = v.why(id, groups)
			}
			out = append(out, s)
		}
	}
	add(NotAffected, v.Status.NotAffected)
	add(Fixed, v.Status.Fixed, v.Status.FirstFixed)
	add(Affected, v.Status.Affected, v.Status.FirstAffected, v.Status.LastAffected)
	add(UnderInvestigation, v.Status.UnderInvestigation)
	return out
}

// why finds the flag (whose labels are those of OpenVEX) and the impact stated
// for a product.
func (v *csafVulnerability) why(id string, groups map[string][]string) (justification, text string) {
	for i := range v.Flags {
		if v.Flags[i].about(id, groups) {
			justification = v.Flags[i].Label
			break
		}
	}
	for i := range v.Threats {
		if t := &v.Threats[i]; t.Category == "impact" && t.about(id, groups) {
			text = t.Details
			break
		}
	}
	return justification, text
}
