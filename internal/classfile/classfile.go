// Package classfile reads what fnvet needs of Java class files: constants,
// members and the instructions of methods. It checks no more than it must to stay
// within the bytes, and loads nothing.
package classfile

import (
	"encoding/binary"
	"errors"
	"strings"
)

// The tags of the constant pool. JVM specification, 4.4.
const (
	TagUTF8 = 1 + iota
	_
	tagInteger
	tagFloat
	tagLong
	tagDouble
	TagClass
	tagString
	tagField
	TagMethod
	TagInterfaceMethod
	tagNameAndType
	_
	_
	TagMethodHandle
	tagMethodType
	tagDynamic
	tagInvokeDynamic
	tagModule
	tagPackage
)

// ErrFormat is the error of bytes that are no class file.
var ErrFormat = errors.New("not a class file")

// A File is a class while it is read. The texts that it returns share one copy of
// the class's bytes: clone what is kept.
type File struct {
	data []byte
	text string // the same as data
	at   []int  // of each constant's tag in data; 0 for none
	rest int    // where the constant pool ends
}

// Len is the number of the highest constant and one.
func (c *File) Len() int { return len(c.at) }

// Tag is the tag of a constant, 0 for none.
func (c *File) Tag(i int) byte {
	if i <= 0 || i >= len(c.at) || c.at[i] == 0 {
		return 0
	}
	return c.data[c.at[i]]
}

// Access is the flags of the class.
func (c *File) Access() int { return U2(c.data[c.rest:]) }

// Name is the class's own name, "com/acme/Handler".
func (c *File) Name() string { return c.Class(U2(c.data[c.rest+2:])) }

// Super is the name of the class it extends.
func (c *File) Super() string { return c.Class(U2(c.data[c.rest+4:])) }

// Parse indexes the constant pool.
func Parse(data []byte) (*File, error) {
	if len(data) < 24 || binary.BigEndian.Uint32(data) != 0xCAFEBABE {
		return nil, ErrFormat
	}
	c := &File{data: data}
	n := int(binary.BigEndian.Uint16(data[8:]))
	c.at = make([]int, max(n, 1))
	p := 10
	for i := 1; i < n; i++ {
		if p+3 > len(data) {
			return nil, ErrFormat
		}
		c.at[i] = p
		switch data[p] {
		case TagUTF8:
			p += 3 + int(binary.BigEndian.Uint16(data[p+1:]))
		case tagInteger, tagFloat, tagField, TagMethod, TagInterfaceMethod, tagNameAndType, tagDynamic, tagInvokeDynamic:
			p += 5
		case tagLong, tagDouble:
			p += 9
			i++
		case TagClass, tagString, tagMethodType, tagModule, tagPackage:
			p += 3
		case TagMethodHandle:
			p += 4
		default:
			return nil, ErrFormat
		}
	}
	if p+8 > len(data) {
		return nil, ErrFormat
	}
	c.rest, c.text = p, string(data)
	return c, nil
}

// Constant returns the bytes after the tag of a constant, if it has that tag
// and n bytes.
func (c *File) Constant(i int, tag byte, n int) []byte {
	if i <= 0 || i >= len(c.at) || c.at[i] == 0 || c.data[c.at[i]] != tag || c.at[i]+1+n > len(c.data) {
		return nil
	}
	return c.data[c.at[i]+1 : c.at[i]+1+n]
}

// U2 is an unsigned number of two bytes.
func U2(b []byte) int { return int(binary.BigEndian.Uint16(b)) }

// UTF8 is the text of a constant; modified UTF-8 equals UTF-8 for every name
// that is looked for.
func (c *File) UTF8(i int) string {
	b := c.Constant(i, TagUTF8, 2)
	if b == nil {
		return ""
	}
	from, n := c.at[i]+3, U2(b)
	if from+n > len(c.data) {
		return ""
	}
	return c.text[from : from+n]
}

// Class is the name of a class constant, "java/lang/String"; of arrays that of
// their elements, "" for primitive ones.
func (c *File) Class(i int) string {
	b := c.Constant(i, TagClass, 2)
	if b == nil {
		return ""
	}
	name := c.UTF8(U2(b))
	if rest := strings.TrimLeft(name, "["); rest != name {
		if !strings.HasPrefix(rest, "L") {
			return ""
		}
		return strings.TrimSuffix(rest[1:], ";")
	}
	return name
}

// Text is the value of a string constant.
func (c *File) Text(i int) (string, bool) {
	b := c.Constant(i, tagString, 2)
	if b == nil {
		return "", false
	}
	return c.UTF8(U2(b)), true
}

// Method is class, name and descriptor of a method constant.
func (c *File) Method(i int) (class, name, descriptor string) {
	b := c.Constant(i, TagMethod, 4)
	if b == nil {
		b = c.Constant(i, TagInterfaceMethod, 4)
	}
	if b == nil {
		return "", "", ""
	}
	pair := c.Constant(U2(b[2:]), tagNameAndType, 4)
	if pair == nil {
		return "", "", ""
	}
	return c.Class(U2(b)), c.UTF8(U2(pair)), c.UTF8(U2(pair[2:]))
}

// Interfaces are those that the class itself implements.
func (c *File) Interfaces() []string {
	p := c.rest + 6
	n := U2(c.data[c.rest+6:])
	var out []string
	for i := range n {
		at := p + 2 + 2*i
		if at+2 > len(c.data) {
			break
		}
		out = append(out, c.Class(U2(c.data[at:])))
	}
	return out
}

// A Member is a method with its code, or a field.
type Member struct {
	Access           int
	Name, Descriptor string
	Code             []byte
}

// AccNative is the flag of methods in native libraries.
const AccNative = 0x0100

// Members calls each with every field and method, in their order; method tells
// which. It returns false when the class is damaged behind its constants.
func (c *File) Members(each func(m Member, method bool)) bool {
	p := c.rest + 6
	if p+2 > len(c.data) {
		return false
	}
	p += 2 + 2*U2(c.data[p:])
	for _, method := range []bool{false, true} {
		if p+2 > len(c.data) {
			return false
		}
		n := U2(c.data[p:])
		p += 2
		for range n {
			if p+8 > len(c.data) {
				return false
			}
			m := Member{Access: U2(c.data[p:]), Name: c.UTF8(U2(c.data[p+2:])), Descriptor: c.UTF8(U2(c.data[p+4:]))}
			attributes := U2(c.data[p+6:])
			p += 8
			for range attributes {
				if p+6 > len(c.data) {
					return false
				}
				size := int(binary.BigEndian.Uint32(c.data[p+2:]))
				if size < 0 || size > len(c.data)-p-6 {
					return false
				}
				if body := c.data[p+6 : p+6+size]; method && c.UTF8(U2(c.data[p:])) == "Code" && size >= 8 {
					if length := int(binary.BigEndian.Uint32(body[4:])); length >= 0 && length <= size-8 {
						m.Code = body[8 : 8+length]
					}
				}
				p += 6 + size
			}
			each(m, method)
		}
	}
	return true
}

// Calls walks the instructions of a method and calls each with the constant of
// every call and, when a constant string is pushed right before it, that string's.
// It returns false for code that does not add up.
func Calls(code []byte, each func(method, pushed int)) bool {
	pushed := 0
	for p := 0; p < len(code); {
		op := code[p]
		size := Length(code, p)
		if size <= 0 || p+size > len(code) {
			return false
		}
		switch op {
		case 0x12: // ldc
			pushed = int(code[p+1])
		case 0x13: // ldc_w
			pushed = U2(code[p+1:])
		case 0xb6, 0xb7, 0xb8, 0xb9: // invokevirtual, invokespecial, invokestatic, invokeinterface
			each(U2(code[p+1:]), pushed)
			pushed = 0
		default:
			pushed = 0
		}
		p += size
	}
	return true
}

// Length is the size of the instruction at p in bytes, 0 if there is none. JVM
// specification, 6.5.
func Length(code []byte, p int) int {
	op := code[p]
	switch {
	case op == 0xaa || op == 0xab: // tableswitch, lookupswitch
		q := (p + 4) &^ 3
		if op == 0xaa {
			if q+12 > len(code) {
				return 0
			}
			low, high := int64(int32(binary.BigEndian.Uint32(code[q+4:]))), int64(int32(binary.BigEndian.Uint32(code[q+8:]))) // #nosec G115 -- signed by definition
			if n := high - low + 1; n > 0 && n <= int64(len(code)) {
				return q + 12 + 4*int(n) - p
			}
			return 0
		}
		if q+8 > len(code) {
			return 0
		}
		if n := int(binary.BigEndian.Uint32(code[q+4:])); n >= 0 && n <= len(code) {
			return q + 8 + 8*n - p
		}
		return 0
	case op == 0xc4: // wide
		if p+1 < len(code) && code[p+1] == 0x84 {
			return 6
		}
		return 4
	case op >= 0x99 && op <= 0xa8, op >= 0xb2 && op <= 0xb8, op == 0x11, op == 0x13, op == 0x14, op == 0x84,
		op == 0xbb, op == 0xbd, op == 0xc0, op == 0xc1, op == 0xc6, op == 0xc7:
		return 3
	case op == 0x10, op == 0x12, op >= 0x15 && op <= 0x19, op >= 0x36 && op <= 0x3a, op == 0xa9, op == 0xbc:
		return 2
	case op == 0xb9, op == 0xba, op == 0xc8, op == 0xc9: // invokeinterface, invokedynamic, goto_w, jsr_w
		return 5
	case op == 0xc5: // multianewarray
		return 4
	case op > 0xc9:
		return 0
	}
	return 1
}
