package remote

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestFenceAddresses(t *testing.T) {
	for _, r := range []struct {
		address         string
		public, private bool
	}{
		{"93.184.215.14", true, true},
		{"2606:2800:21f::1", true, true},
		{"127.0.0.1", false, true},
		{"::1", false, true},
		{"10.1.2.3", false, true},
		{"192.168.0.9", false, true},
		{"fd12::1", false, true},
		{"100.64.0.1", false, true},
		{"169.254.169.254", false, false}, // the clouds' metadata
		{"::ffff:169.254.169.254", false, false},
		{"64:ff9b::a9fe:a9fe", false, false},
		{"2002:a9fe:a9fe::1", false, false},
		{"2002:7f00:1::1", false, true},
		{"fe80::1%eth0", false, false},
		{"fd00:ec2::254", false, false},
		{"100.100.100.200", false, false},
		{"0.0.0.0", false, false},
		{"224.0.0.1", false, false},
	} {
		a := netip.MustParseAddr(r.address)
		if got := (&Fence{}).reaches(a); got != r.public {
			t.Errorf("%s, public only: %v", r.address, got)
		}
		if got := (&Fence{Private: true}).reaches(a); got != r.private {
			t.Errorf("%s, private too: %v", r.address, got)
		}
	}
}

// TestFence: a registry that sends its clients elsewhere, by redirect or by the
// address of its token service, is not followed, and a name that resolves to a
// private address is not connected to.
func TestFence(t *testing.T) {
	reached := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer elsewhere.Close()
	for _, r := range []struct {
		name    string
		handler http.HandlerFunc
		private bool
		want    string
	}{
		{"a redirect", func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path == "/v2/" {
				return
			}
			http.Redirect(w, req, elsewhere.URL+"/x", http.StatusTemporaryRedirect)
		}, true, "no host of this registry"},
		{"a foreign realm", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+elsewhere.URL+`/token",service="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		}, true, "realm"},
		{"a loopback address", func(http.ResponseWriter, *http.Request) { reached = true }, false, "connections to 127.0.0.1"},
	} {
		server := httptest.NewServer(r.handler)
		host := strings.TrimPrefix(server.URL, "http://")
		opts := Options{Insecure: true, Fence: &Fence{Hosts: []string{host}, Private: r.private}}
		im := &Image{Reference: Reference{Registry: host, Repository: "a", Tag: "1"}, Insecure: true}
		c, err := Dial(t.Context(), im, opts)
		if err == nil {
			_, _, _, err = c.Root(t.Context(), 1<<20)
		}
		if err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s: error %v, want %q", r.name, err, r.want)
		}
		server.Close()
	}
	if reached {
		t.Error("a server beyond the fence was reached")
	}
	if err := (&Fence{}).Admits("x"); !errors.Is(err, ErrFenced) {
		t.Error(err)
	}
}
