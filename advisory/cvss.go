package advisory

import (
	"strings"

	"github.com/fnvet/fnvet"
	gocvss20 "github.com/pandatix/go-cvss/20"
	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"
	gocvss40 "github.com/pandatix/go-cvss/40"
)

// score computes the score of a CVSS vector: the base score of versions 2, 3.0
// and 3.1, the score of version 4.0. generation orders the versions; it is 0 for
// a vector that does not parse.
func score(vector string) (value float64, generation int) {
	switch {
	case strings.HasPrefix(vector, "CVSS:4.0/"):
		if v, err := gocvss40.ParseVector(vector); err == nil {
			return v.Score(), 40
		}
	case strings.HasPrefix(vector, "CVSS:3.1/"):
		if v, err := gocvss31.ParseVector(vector); err == nil {
			return v.BaseScore(), 31
		}
	case strings.HasPrefix(vector, "CVSS:3.0/"):
		if v, err := gocvss30.ParseVector(vector); err == nil {
			return v.BaseScore(), 30
		}
	default:
		if v, err := gocvss20.ParseVector(strings.Trim(vector, "()")); err == nil {
			return v.BaseScore(), 20
		}
	}
	return 0, 0
}

// severityOf maps a score by the qualitative scale of CVSS 3.1 and 4.0 (section
// "Qualitative Severity Rating Scale"); zero says the flaw does no harm.
func severityOf(value float64) fnvet.Severity {
	switch {
	case value >= 9:
		return fnvet.Critical
	case value >= 7:
		return fnvet.High
	case value >= 4:
		return fnvet.Medium
	case value > 0:
		return fnvet.Low
	}
	return fnvet.Info
}

// wordSeverity reads the words that GitHub, Red Hat, Debian and Ubuntu use.
func wordSeverity(word string) fnvet.Severity {
	switch word {
	case "critical":
		return fnvet.Critical
	case "high", "important":
		return fnvet.High
	case "medium", "moderate":
		return fnvet.Medium
	case "low":
		return fnvet.Low
	case "negligible", "unimportant", "none":
		return fnvet.Info
	}
	return fnvet.SeverityUnknown
}

// rate grades one record: its newest CVSS version first, else its word.
func (g grade) rate() (fnvet.Severity, *fnvet.CVSS) {
	var best *fnvet.CVSS
	newest := 0
	for _, vector := range g.vectors {
		value, generation := score(vector)
		if generation > newest || generation == newest && best != nil && value > best.Score {
			best, newest = &fnvet.CVSS{Vector: vector, Score: value}, generation
		}
	}
	if best != nil {
		return severityOf(best.Score), best
	}
	return wordSeverity(g.word), nil
}
