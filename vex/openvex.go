package vex

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The shapes of OpenVEX 0.2.0 (github.com/openvex/spec). 0.0.1 had strings where
// 0.2.0 has objects.
type openVEX struct {
	ID          string             `json:"@id"`
	Timestamp   string             `json:"timestamp"`
	LastUpdated string             `json:"last_updated"`
	Statements  []openVEXStatement `json:"statements"`
}

type openVEXStatement struct {
	Vulnerability   openVEXName      `json:"vulnerability"`
	Products        []openVEXProduct `json:"products"`
	Subcomponents   []openVEXProduct `json:"subcomponents"` // 0.0.1
	Status          Status           `json:"status"`
	Justification   string           `json:"justification"`
	ImpactStatement string           `json:"impact_statement"`
	ActionStatement string           `json:"action_statement"`
	StatusNotes     string           `json:"status_notes"`
	Timestamp       string           `json:"timestamp"`
	LastUpdated     string           `json:"last_updated"`
}

type openVEXName struct {
	ID      string   `json:"@id"`
	Name    string   `json:"name"`
	Aliases []string `json:"aliases"`
}

// UnmarshalJSON takes the plain string of 0.0.1 too.
func (n *openVEXName) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte{'"'}) {
		return json.Unmarshal(data, &n.Name)
	}
	type plain openVEXName
	return json.Unmarshal(data, (*plain)(n))
}

type openVEXProduct struct {
	ID            string            `json:"@id"`
	Identifiers   map[string]string `json:"identifiers"`
	Hashes        map[string]string `json:"hashes"`
	Subcomponents []openVEXProduct  `json:"subcomponents"`
}

// UnmarshalJSON takes the plain string of 0.0.1 too.
func (p *openVEXProduct) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte{'"'}) {
		return json.Unmarshal(data, &p.ID)
	}
	type plain openVEXProduct
	return json.Unmarshal(data, (*plain)(p))
}

func (p *openVEXProduct) identity() *identity {
	id := &identity{id: p.ID, purl: p.Identifiers["purl"]}
	if id.purl == "" && isPURL(p.ID) {
		id.purl = p.ID
	}
	if sum := p.Hashes["sha-256"]; sum != "" {
		id.sha256 = []string{sum}
	}
	return id
}

func isPURL(s string) bool { return len(s) > 4 && s[:4] == "pkg:" }

func readOpenVEX(data []byte) (*Document, error) {
	var doc openVEX
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("OpenVEX: %w", err)
	}
	d := &Document{Format: "openvex", ID: doc.ID}
	whole, err := newest(doc.LastUpdated, doc.Timestamp)
	if err != nil {
		return nil, fmt.Errorf("OpenVEX: timestamp: %w", err)
	}
	for i := range doc.Statements {
		s, err := doc.Statements[i].statement(whole)
		if err != nil {
			return nil, fmt.Errorf("OpenVEX: statement %d: %w", i+1, err)
		}
		d.statements = append(d.statements, s)
	}
	return d, nil
}

func (s *openVEXStatement) statement(whole time.Time) (statement, error) {
	out := statement{status: s.Status, justification: s.Justification}
	switch s.Status {
	case NotAffected:
		if s.Justification == "" && s.ImpactStatement == "" {
			return out, errors.New("not_affected wants a justification or an impact_statement")
		}
		out.text = s.ImpactStatement
	case Affected:
		out.text = s.ActionStatement
	case Fixed, UnderInvestigation:
		out.text = s.StatusNotes
	default:
		return out, fmt.Errorf("unknown status %q", s.Status)
	}
	for _, id := range append([]string{s.Vulnerability.Name, s.Vulnerability.ID}, s.Vulnerability.Aliases...) {
		if id != "" {
			out.ids = append(out.ids, id)
		}
	}
	if len(out.ids) == 0 {
		return out, errors.New("no vulnerability")
	}
	own, err := newest(s.LastUpdated, s.Timestamp)
	if err != nil {
		return out, fmt.Errorf("timestamp: %w", err)
	}
	out.time = own
	if own.IsZero() {
		out.time = whole
	}
	for i := range s.Products {
		p := &s.Products[i]
		id := p.identity()
		parts := append(p.Subcomponents, s.Subcomponents...)
		for j := range parts {
			out.products = append(out.products, product{id, parts[j].identity()})
		}
		if len(parts) == 0 {
			out.products = append(out.products, product{artifact: id}, product{pkg: id})
		}
	}
	return out, nil
}

// newest reads the first time that is stated; zero when none is.
func newest(times ...string) (time.Time, error) {
	for _, t := range times {
		if t != "" {
			return time.Parse(time.RFC3339, t)
		}
	}
	return time.Time{}, nil
}
