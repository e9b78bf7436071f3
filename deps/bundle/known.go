package bundle

func (v *inventory) byKnown(code []byte) {}
