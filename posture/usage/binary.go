package usage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/fnvet/fnvet/posture/data"
)

// The import paths of the SDKs of Go. Names of functions survive in a binary's
// table of functions, stripped or not, and the linker drops what nothing calls.
var (
	goV2 = []byte("github.com/aws/aws-sdk-go-v2/service/")
	goV1 = []byte("github.com/aws/aws-sdk-go/service/")
)

// isELF reports whether a file is a Linux binary.
func isELF(b []byte) bool { return bytes.HasPrefix(b, []byte("\x7fELF")) }

// readGo reads a binary's names: "…/service/s3.(*Client).GetObject".
func readGo(c *data.Catalog, path, name string, b []byte) *source {
	s := newSource(path, name)
	for _, root := range [][]byte{goV2, goV1} {
		for at := 0; ; {
			i := bytes.Index(b[at:], root)
			if i < 0 {
				break
			}
			at += i + len(root)
			end := at
			for end < len(b) && end-at < 200 && b[end] > ' ' && b[end] < 0x7f {
				end++
			}
			s.goName(c, string(b[at:end]))
		}
	}
	s.doubt(c)
	return s
}

func (s *source) goName(c *data.Catalog, symbol string) {
	pkg, rest, ok := strings.Cut(symbol, ".(*")
	if !ok || strings.Contains(pkg, "/") {
		return
	}
	typ, method, ok := strings.Cut(rest, ").")
	if !ok || !isUpper(method) || strings.ContainsAny(method, ".(") {
		return
	}
	service := prefix(c, pkg)
	if service == "" {
		return
	}
	method = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(method, "WithContext"), "Pages"), "-fm")
	switch {
	case typ == "PresignClient":
		method = strings.TrimPrefix(method, "Presign")
	case strings.HasSuffix(method, "Request") || strings.HasSuffix(typ, "Output") || strings.HasSuffix(typ, "Input"):
		return
	case typ != "Client" && !strings.EqualFold(typ, pkg):
		return
	}
	s.services[service] = true
	// The SDK itself calls these to get credentials.
	if service == "sts" || service == "sso" || service == "sso-oauth" || service == "signin" {
		s.calls = append(s.calls, call{service, method, 0, true, ""})
		return
	}
	s.call(service, method, 0)
}

// doubt makes the calls of a client uncertain that has most of its service's
// methods, as the linker leaves them where methods are looked up by name.
func (s *source) doubt(c *data.Catalog) {
	seen := map[string]map[string]bool{}
	for _, x := range s.calls {
		if seen[x.service] == nil {
			seen[x.service] = map[string]bool{}
		}
		seen[x.service][strings.ToLower(x.method)] = true
	}
	for i := range s.calls {
		service := s.calls[i].service
		if n := len(seen[service]); n > 12 && n*2 > len(c.Actions(service+":*")) {
			s.calls[i].maybe = true
			s.unsure("the binary keeps every method of a client")
		}
	}
}

// Java's clients, by the beginning of their class's name: what follows is the service.
var javaClients = []string{"software/amazon/awssdk/services/", "com/amazonaws/services/", "software/amazon/awssdk/enhanced/"}

// readClass reads the constant pool of a class: which methods of which classes it
// refers to. The form is that of chapter 4 of the Java virtual machine specification.
func readClass(c *data.Catalog, path, name string, b []byte) (*source, error) {
	pool, err := constantPool(b)
	if err != nil {
		return nil, err
	}
	s := newSource(path, name)
	for _, e := range pool {
		if e.tag != 10 && e.tag != 11 { // Methodref, InterfaceMethodref
			continue
		}
		class := pool.utf8(pool.get(e.a, 7).a)
		method := pool.utf8(pool.get(e.b, 12).a)
		for _, root := range javaClients {
			rest, ok := strings.CutPrefix(class, root)
			if !ok {
				continue
			}
			service, typ, ok := strings.Cut(rest, "/")
			p := prefix(c, service)
			client := strings.HasSuffix(typ, "Client") || strings.HasPrefix(typ, "Amazon") || strings.HasPrefix(typ, "AWS") || strings.HasPrefix(typ, "DynamoDb") && strings.HasSuffix(typ, "Table")
			if ok && p != "" && client && !strings.Contains(typ, "/") {
				s.services[p] = true
				if _, _, known := actions(c, p, strings.TrimSuffix(strings.TrimSuffix(method, "Paginator"), "Async")); known {
					s.call(p, strings.TrimSuffix(strings.TrimSuffix(method, "Paginator"), "Async"), 0)
				}
			}
		}
		if class == "com/amazonaws/services/s3/transfer/TransferManager" && method == "upload" {
			s.call("s3", "upload", 0)
		}
	}
	return s, nil
}

// A constant is an entry of a pool: its tag, two indices and a text.
type constant struct {
	tag  byte
	a, b uint16
	text string
}

type constants []constant

func (p constants) get(i uint16, tag byte) constant {
	if int(i) >= len(p) || p[i].tag != tag {
		return constant{}
	}
	return p[i]
}

func (p constants) utf8(i uint16) string { return p.get(i, 1).text }

var errClass = errors.New("not a class file, or cut off")

func constantPool(b []byte) (constants, error) {
	if len(b) < 10 || binary.BigEndian.Uint32(b) != 0xCAFEBABE {
		return nil, errClass
	}
	n := int(binary.BigEndian.Uint16(b[8:]))
	pool := make(constants, n)
	b = b[10:]
	for i := 1; i < n; i++ {
		if len(b) < 3 {
			return nil, errClass
		}
		tag, size := b[0], 0
		switch tag {
		case 1:
			size = 3 + int(binary.BigEndian.Uint16(b[1:]))
		case 3, 4, 9, 10, 11, 12, 17, 18:
			size = 5
		case 5, 6:
			size = 9
		case 7, 8, 16, 19, 20:
			size = 3
		case 15:
			size = 4
		default:
			return nil, errClass
		}
		if len(b) < size {
			return nil, errClass
		}
		e := constant{tag: tag}
		switch {
		case tag == 1:
			e.text = string(b[3:size])
		case size == 5:
			e.a, e.b = binary.BigEndian.Uint16(b[1:]), binary.BigEndian.Uint16(b[3:])
		case size == 3:
			e.a = binary.BigEndian.Uint16(b[1:])
		}
		pool[i] = e
		b = b[size:]
		if tag == 5 || tag == 6 {
			i++ // long and double take two places
		}
	}
	return pool, nil
}
