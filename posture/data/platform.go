package data

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/fnvet/fnvet/internal/lazyregexp"
)

// A Runtime says until when a provider keeps a runtime. Dates are "2006-01-02", ""
// where none is set.
type Runtime struct {
	Name       string
	Deprecated string // no more security patches
	NoCreate   string // functions can no longer be created with it
	NoUpdate   string // nor updated
	Successor  string
}

func readRuntimes() map[string]Runtime {
	all := map[string]Runtime{}
	read := func(cloud, text string) {
		for line := range lines(text) {
			f := strings.Fields(line)
			where := cloud
			if where == "" && len(f) > 0 {
				where, f = f[0], f[1:]
			}
			if len(f) == 5 {
				all[where+" "+f[0]] = Runtime{f[0], dated(f[1]), dated(f[2]), dated(f[3]), dated(f[4])}
			}
		}
	}
	read("aws", lambdaFile)
	read("google", googleFile)
	read("", statedFile)
	return all
}

// Runtime looks a runtime up: "aws", "nodejs22.x". Names that are not known are not
// in the data: newer than it, or misspelt.
func (c *Catalog) Runtime(cloud, name string) (Runtime, bool) {
	name = strings.ToLower(name)
	r, ok := c.runtimes()[cloud+" "+name]
	if !ok && cloud == "azure" {
		r, ok = c.runtimes()[cloud+" "+azureRuntime(name)]
	}
	return r, ok
}

// azureRuntime brings "node20", "node|~20", "python|3.12" and "dotnet-isolated8.0" into one form.
func azureRuntime(name string) string {
	name = strings.NewReplacer("|", "", "~", "", "-isolated", "", "-lts", "").Replace(name)
	if rest, ok := strings.CutPrefix(name, "node"); ok && !strings.HasPrefix(rest, "js") {
		name = "nodejs" + rest
	}
	if strings.HasPrefix(name, "dotnet") || strings.HasPrefix(name, "node") {
		name = strings.TrimSuffix(name, ".0")
		name = strings.Replace(name, "dotnetcore", "dotnet", 1)
		if strings.HasPrefix(name, "dotnetv") {
			name = "dotnet" + name[len("dotnetv"):]
		}
	}
	return name
}

// day finds the day in a text that says where data is from, "" where there is none.
var day = lazyregexp.New(`\b20\d\d-[01]\d-[0-3]\d\b`)

// RuntimesAsOf is the day that the dates of runtimes are of: "2026-11-25".
func RuntimesAsOf() string {
	first, _, _ := strings.Cut(lambdaFile, "\n")
	return day().FindString(first)
}

// AsOf is the day that the prices are of, "" where their source says none.
func (p Prices) AsOf() string { return day().FindString(p.Source) }

// A Price is what one function costs, in one currency.
type Price struct {
	GBSecond float64 // of memory, while it runs
	Request  float64
}

// Prices are list prices by region and architecture.
type Prices struct {
	Currency string
	// Source says where they are from and of what day.
	Source string
	by     map[string]Price
}

// maxPriceFile bounds a price file, in bytes.
const maxPriceFile = 1 << 20

// ListPrices are AWS Lambda's list prices of the first tier, as embedded.
func ListPrices() Prices {
	p, err := ParsePrices([]byte(pricesFile + pricesStated))
	if err != nil {
		return Prices{} // a test reads them
	}
	return p
}

// pricesStated are those that no package carries: of Google's request-based billing
// (cloud.google.com/run/pricing, tier 1), USD without free tiers, as of 2026-11-25.
const pricesStated = `
google * 0.0000025 0.0000004
google-vcpu * 0.000024 0
`

// ParsePrices reads a price file: a line "region architecture price-of-a-GB-second
// price-of-a-request" for each, "*" for all other regions or architectures, "#" before
// comments, of which the first is the source; "currency EUR" names the currency
// (default USD).
func ParsePrices(text []byte) (Prices, error) {
	p := Prices{Currency: "USD", by: map[string]Price{}}
	if len(text) > maxPriceFile {
		return Prices{}, errors.New("price file: larger than 1 MiB")
	}
	n := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		n++
		line = strings.TrimSpace(line)
		if source, ok := strings.CutPrefix(line, "#"); ok {
			if p.Source == "" {
				p.Source = strings.TrimSpace(source)
			}
			continue
		}
		if line == "" {
			continue
		}
		if f := strings.Fields(line); len(f) == 2 && f[0] == "currency" && len(f[1]) <= 8 {
			p.Currency = f[1]
			continue
		}
		f, err := fieldsOf(line, 4)
		if err != nil {
			return Prices{}, fmt.Errorf("price file: line %d: %w", n, err)
		}
		second, err1 := strconv.ParseFloat(f[2], 64)
		request, err2 := strconv.ParseFloat(f[3], 64)
		if err := errors.Join(err1, err2); err != nil || !(second >= 0 && second < 1e6) || !(request >= 0 && request < 1e6) {
			return Prices{}, fmt.Errorf("price file: line %d: no price", n)
		}
		p.by[f[0]+" "+f[1]] = Price{second, request}
	}
	if len(p.by) == 0 {
		return Prices{}, errors.New("price file: no prices")
	}
	return p, nil
}

// Cloud returns the price of another cloud, or of its processors by another name in
// the place of the region: "google", "google-vcpu" (of a second of one).
func (p Prices) Cloud(name string) (Price, bool) {
	price, ok := p.by[name+" *"]
	return price, ok
}

// Of returns the price of a region ("" for the one most regions have) and
// architecture ("" for x86_64).
func (p Prices) Of(region, architecture string) (Price, bool) {
	if architecture == "" {
		architecture = "x86_64"
	}
	for _, key := range []string{region + " " + architecture, region + " *", "* " + architecture, "* *"} {
		if price, ok := p.by[key]; ok {
			return price, true
		}
	}
	return Price{}, false
}
