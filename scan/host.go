package scan

import (
	"slices"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/platform"
)

// host puts what the steps learnt of the function's surroundings into the
// configuration. What the provider's API states stays.
func (h *Harvest) host(c *fnvet.Config) {
	var sdk []string
	for i := range h.Parts {
		f := h.Parts[i].Facts.Host
		if f == nil {
			continue
		}
		if c.RuntimeFrom == "" && f.Runtime != "" {
			c.Runtime, c.RuntimeFrom = f.Runtime, f.From
		}
		if c.Base == "" {
			c.Base = f.Base
		}
		sdk = append(sdk, f.SDK...)
	}
	slices.Sort(sdk)
	for _, name := range slices.Compact(sdk) {
		if platform.Provides(c.Runtime, name) {
			c.RuntimeSDK = append(c.RuntimeSDK, name)
		}
	}
}
