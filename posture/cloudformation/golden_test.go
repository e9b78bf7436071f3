package cloudformation

import (
	"testing"

	"github.com/fnvet/fnvet/posture/internal/outline"
)

// Every template beside gives the outline in the file of its name with .golden.
func TestGolden(t *testing.T) { outline.Golden(t, Is, Read) }
