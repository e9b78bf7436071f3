package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/fnvet/fnvet/internal/testdb"
	"github.com/fnvet/fnvet/server/hook"
)

// A badRow is what is known of a route, for requests that are bad in every way that
// applies to it: a request that is good, and what it gets if it comes again.
type badRow struct {
	route string // as the document has it: "POST /api/v1/scans"
	path  string // of the good request, if the route has parameters or a query
	token string // it has to have; "": the route asks for none
	body  string // "": it takes none
	kind  string // of the body, if it is no JSON
	// headers sign the body, where the route does not ask for a token.
	headers func(body string) []string
	good    int   // status
	again   []int // statuses of the same once more
	// wrong are signatures, states and tokens of others than token, each for its path.
	wrong []wrongly
}

type wrongly struct {
	why, path string
	headers   []string
	want      int
}

const admissionBody = `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u1","operation":"CREATE","object":{"spec":{"containers":[{"image":"registry.example:5000/fn/app@` + testDigest + `"}]}}}}`

// badRows is the table of the routes. One that is not in it fails the test.
func (b *badTest) badRows() []badRow {
	rows := []badRow{
		{route: "POST /api/v1/scans", token: "scan", body: `{"target":"registry.example:5000/fn/app@` + testDigest + `"}`, good: 202, again: []int{202}},
		{route: "POST /api/v1/scans", path: "/api/v1/scans?name=a.zip", token: "scan", body: "PK\x03\x04", kind: "application/zip", good: 202, again: []int{202}},
		{route: "GET /api/v1/scans", token: "read", good: 200, again: []int{200}},
		{route: "GET /api/v1/scans/{id}", path: "/api/v1/scans/" + b.done, token: "read", good: 200, again: []int{200}},
		{route: "GET /api/v1/scans/{id}/report", path: "/api/v1/scans/" + b.done + "/report", token: "read", good: 200, again: []int{200}},
		{route: "GET /api/v1/scans/{id}/sbom", path: "/api/v1/scans/" + b.done + "/sbom", token: "read", good: 200, again: []int{200}},
		{route: "GET /api/v1/verdicts/{digest}", path: "/api/v1/verdicts/" + testDigest, token: "read", good: 200, again: []int{200}},
		{route: "GET /api/v1/artifacts", path: "/api/v1/artifacts?purl=pkg:npm/lodash@4.17.20", token: "read", good: 200, again: []int{200}},
		// What is in the queue again is no dead letter.
		{route: "POST /api/v1/dead/{id}/replay", path: "/api/v1/dead/" + b.dead[0] + "/replay", token: "boss", good: 202, again: []int{409}},
		{route: "POST /queue/{id}/replay", path: "/queue/" + b.dead[1] + "/replay", token: "boss", good: 303, again: []int{409}},
		{route: "POST /admission", token: "read", body: admissionBody, good: 200, again: []int{200}},
		{route: "POST /admission/{token}", path: "/admission/read", body: admissionBody, good: 200, again: []int{200}, wrong: []wrongly{
			{"another token", "/admission/wrong", nil, 401}, {"none", "/admission/%20", nil, 401}, {"of another scope", "/admission/scan", nil, 403},
		}},
		{route: "GET /scanner/api/v1/metadata", token: "scan", good: 200, again: []int{200}},
		{route: "POST /scanner/api/v1/scan", token: "scan", body: harborBody, good: 202, again: []int{202}},
		{route: "GET /scanner/api/v1/scan/{id}/report", path: "/scanner/api/v1/scan/" + b.done + "/report", token: "scan", good: 200, again: []int{200}},
		{route: "GET /healthz", good: 200, again: []int{200}},
		{route: "GET /readyz", good: 200, again: []int{200}},
		{route: "GET /metrics", good: 200, again: []int{200}},
		{route: "GET /openapi.json", good: 200, again: []int{200}},
		{route: "GET /", token: "read", good: 200, again: []int{200}},
		{route: "GET /artifacts/{id}", path: "/artifacts/1", token: "read", good: 200, again: []int{200}},
		{route: "GET /search", path: "/search?package=lodash", token: "read", good: 200, again: []int{200}},
		{route: "GET /queue", token: "read", good: 200, again: []int{200}},
		{route: "GET /login", good: 303, again: []int{303}},
		b.callback(),
		{route: "POST /logout", good: 200, again: []int{200}},
	}
	return append(rows, b.hookRows()...)
}

// callback is the way back from the provider of logins, which counts once.
func (b *badTest) callback() badRow {
	browser := &browser{b.testServer, map[string]string{}}
	code, state := b.provider.consent(browser.visit("GET", "/login").header.Get("Location"))
	begun := []string{"Cookie", "fnvet_login=" + browser.jar["fnvet_login"]}
	path := func(code, state string) string {
		return "/login/callback?" + url.Values{"code": {code}, "state": {state}}.Encode()
	}
	return badRow{
		route: "GET /login/callback", path: path(code, state), headers: func(string) []string { return begun }, good: 303,
		again: []int{403}, // the provider gives nobody in for a code that was used
		wrong: []wrongly{
			{"a state of another login", path(code, "x"), begun, 400}, {"no state", path(code, ""), begun, 400},
			{"a login that was not begun", path(code, state), nil, 400}, {"no code", path("", state), begun, 400},
			{"a cookie of no key of ours", path(code, state), []string{"Cookie", "fnvet_login=" + strings.Repeat("A", 200)}, 400},
			{"another code", path("x", state), begun, 403},
		},
	}
}

// hookRows are the sources, each as its product sends.
func (b *badTest) hookRows() (rows []badRow) {
	pushed := base64.StdEncoding.EncodeToString([]byte(`{"action":"INSERT","digest":"registry.example:5000/fn/app@` + testDigest + `"}`))
	list := append(receivers("http://touched.example"), receiver{
		source: "pubsub", body: `{"message":{"data":"` + pushed + `","messageId":"m1"},"subscription":"s"}`, again: 202,
		headers: func(string) []string {
			return []string{"Authorization", "Bearer " + b.google.sign(jose.RS256, b.google.key, b.google.claims(nil))}
		},
	})
	seen := map[string]bool{}
	for _, r := range list {
		seen[r.source] = true
		row := badRow{route: "POST /hooks/{source}", path: "/hooks/" + r.source + r.path, body: r.body, headers: r.signed, good: 202, again: []int{r.again}}
		if r.path != "" {
			row.route += "/{secret}"
		}
		signed := strings.Join(r.signed(r.body), "\n")
		for why, change := range map[string]*strings.Replacer{
			"another secret":      strings.NewReplacer("test-not-a-secret", "another", hmacOf(r.body), hmacOf(r.body+" "), "Bearer ey", "Bearer ez"),
			"no secret":           strings.NewReplacer("test-not-a-secret", "", hmacOf(r.body), "", "Bearer ey", ""),
			"cut off":             strings.NewReplacer("test-not-a-secret", "test-not-a", hmacOf(r.body), hmacOf(r.body)[:32], "Bearer ey", "Bearer e"),
			"no digits, no Latin": strings.NewReplacer("test-not-a-secret", "\xff\xfe", hmacOf(r.body), strings.Repeat("zä", 32), "Bearer ey", "Bearer \xff"),
		} {
			wrong := wrongly{why, "/hooks/" + r.source + url.PathEscape(change.Replace(strings.TrimPrefix(r.path, "/"))), strings.Split(change.Replace(signed), "\n"), 401}
			if r.path != "" {
				wrong.path = "/hooks/" + r.source + "/" + url.PathEscape(change.Replace(r.path[1:])+"x")
			}
			if signed == "" {
				wrong.headers = nil
			}
			if strings.Contains(wrong.path, "%FF") {
				wrong.want = 400 // the address is no text
			}
			row.wrong = append(row.wrong, wrong)
		}
		row.wrong = append(row.wrong, wrongly{"no signature", "/hooks/" + r.source, nil, 401}, wrongly{"a token of another scope", "/hooks/" + r.source, []string{"Authorization", "Bearer read"}, 403})
		rows = append(rows, row)
	}
	for _, source := range hook.Sources() {
		if !seen[source] {
			b.t.Errorf("no row has the source %s", source)
		}
	}
	return rows
}

// A badTest is a server with all sources and a login.
type badTest struct {
	*testServer
	provider *provider
	google   *google
	done     string   // a scan
	dead     []string // others
	document map[string]map[string]badOperation
}

// badOperation is what the served document says of a route.
type badOperation struct {
	Body       *struct{}              `json:"requestBody"`
	Security   *[]map[string][]string `json:"security"`
	Parameters []struct{ Name, In string }
}

func startBad(t *testing.T, database string) *badTest {
	t.Helper()
	p := newProvider(t)
	p.claims = roles("readers")
	b := &badTest{testServer: startLoginOn(t, database, p, "upload_limit_mib: 1\n"), provider: p, google: newGoogle(t)}
	configured := map[string]bool{}
	for i := range b.File.Sources {
		b.File.Sources[i].Registry = "main"
		configured[b.File.Sources[i].Source] = true
	}
	for _, name := range hook.Sources() {
		if !configured[name] && name != "pubsub" {
			b.File.Sources = append(b.File.Sources, Source{Source: name, Secret: Secret{"test-not-a-secret"}, Registry: "main"})
		}
	}
	b.File.Sources = append(b.File.Sources, b.google.source())
	for _, c := range b.gate.tokens { // there are many requests
		c.limit = nil
	}
	b.login.limit.SetLimit(1e6)
	target := func(digest string) string {
		return b.do("POST", "/api/v1/scans", "scan", `{"target":"registry.example:5000/fn/app@`+digest+`"}`).id(t)
	}
	b.done = target(testDigest)
	b.await(b.done, "done")
	fail := func(err error) {
		b.scanner.mu.Lock()
		b.scanner.fail = err
		b.scanner.mu.Unlock()
	}
	fail(errFake)
	for _, digit := range []string{"1", "2"} {
		id := target("sha256:" + strings.Repeat(digit, 64))
		b.await(id, "dead")
		b.dead = append(b.dead, id)
	}
	b.scanner.mu.Lock()
	b.scanner.fail, b.scanner.block = nil, make(chan struct{}) // what is played again does not end at once
	b.scanner.mu.Unlock()
	t.Cleanup(func() { close(b.scanner.block) })
	var document struct {
		Paths map[string]map[string]badOperation `json:"paths"`
	}
	if err := json.Unmarshal([]byte(b.do("GET", "/openapi.json", "", "").body), &document); err != nil {
		t.Fatal(err)
	}
	b.document = document.Paths
	return b
}

// TestBadRequests: every route of the served document answers each kind of bad request
// that applies to it with a 4xx and a body that says why.
func TestBadRequests(t *testing.T) {
	postgres.Each(t, func(t *testing.T, database string) {
		b := startBad(t, database)
		rows := map[string]int{}
		for _, row := range b.badRows() {
			rows[row.route]++
			method, path, _ := strings.Cut(row.route, " ")
			if row.path == "" {
				row.path = path
			}
			operation, ok := b.document[path][strings.ToLower(method)]
			if !ok {
				t.Errorf("%s is not served", row.route)
				continue
			}
			b.address(method, path, &row, operation)
			b.bodies(method, &row, operation)
			b.unsigned(method, &row, operation)
			b.replayed(method, &row)
		}
		for path, methods := range b.document {
			for method := range methods {
				if route := strings.ToUpper(method) + " " + path; rows[route] == 0 {
					t.Errorf("%s has no row in this table", route)
				}
			}
		}
	})
}

// refused wants a 4xx with a problem, of one status if want is not 0.
func (b *badTest) refused(row *badRow, why string, g got, want int) {
	b.t.Helper()
	problem := g.header.Get("Content-Type") == "application/problem+json" && strings.Contains(g.body, `"detail":"`) ||
		strings.HasPrefix(row.path, "/scanner/") && strings.Contains(g.body, `"message":"`)
	if g.status < 400 || g.status > 499 || want != 0 && g.status != want || !problem {
		b.t.Errorf("%s (%s), %s: %d %s; want %d", row.route, row.path, why, g.status, g.body, want)
	}
	if strings.Contains(g.body, "Go value") || strings.Contains(g.body, "unmarshal") {
		b.t.Errorf("%s, %s: in words of the program: %s", row.route, why, g.body)
	}
}

// send sends the row's request with another body.
func (b *badTest) send(method, path string, row *badRow, body string, headers ...string) got {
	b.t.Helper()
	all := []string{}
	if row.kind != "" {
		all = append(all, "Content-Type", row.kind)
	}
	if row.headers != nil {
		all = append(all, row.headers(body)...)
	}
	return b.do(method, path, row.token, body, append(all, headers...)...)
}

// address sends paths and queries that are malformed or too long.
func (b *badTest) address(method, pattern string, row *badRow, o badOperation) {
	b.t.Helper()
	plain, _, _ := strings.Cut(row.path, "?")
	for _, other := range []string{"PUT", "PATCH", "DELETE", "TRACE", "BREW"} {
		b.refused(row, "the method "+other, b.do(other, plain, row.token, row.body), http.StatusMethodNotAllowed)
	}
	for _, query := range []string{"a=%zz", "a;b", "a=%ff%fe", "a=%00", "%00=a"} {
		b.refused(row, "the query "+query, b.send(method, plain+"?"+query, row, row.body), http.StatusBadRequest)
	}
	for _, p := range o.Parameters {
		for why, value := range map[string]string{"no UTF-8": "%ff", "U+0000": "x%00", "too long": strings.Repeat("x", 20_000)} {
			if p.In == "query" {
				g := b.send(method, plain+"?"+p.Name+"="+value, row, row.body)
				switch {
				case why != "too long":
					b.refused(row, p.Name+": "+why, g, http.StatusBadRequest)
				case g.status >= 500:
					b.t.Errorf("%s, %s: %s: %d %s", row.route, p.Name, why, g.status, g.body)
				}
				continue
			}
			if p.Name == "source" && strings.HasSuffix(pattern, "{secret}") {
				continue // the secret's turn
			}
			bad := strings.ReplaceAll(strings.Replace(pattern, "{"+p.Name+"}", value, 1), "{source}", "quay")
			b.refused(row, p.Name+": "+why, b.send(method, bad, row, row.body), 0)
		}
		if p.In == "path" && p.Name == "id" {
			for _, id := range []string{"0", "-1", "x", "1.5", "0x1", "99999999999999999999", "%E2%82%AC", "..%2F.."} {
				b.refused(row, "the id "+id, b.send(method, strings.Replace(pattern, "{id}", id, 1), row, row.body), http.StatusNotFound)
			}
		}
	}
}

// gzipped is a text, packed.
func gzipped(text string) string {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write([]byte(text)) // to memory
	_ = w.Close()
	return z.String()
}

// bodies sends bodies that are malformed, too large or nested too deeply.
func (b *badTest) bodies(method string, row *badRow, o badOperation) {
	b.t.Helper()
	if (row.body != "") != (o.Body != nil) {
		b.t.Errorf("%s: the document and the row do not agree on a body", row.route)
	}
	nested := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	huge := `{"a":"` + strings.Repeat("x", hook.MaxBody) + `"}`
	if row.body == "" { // what is sent all the same is not looked at
		for _, body := range []string{`{"a":`, nested, huge} {
			if g := b.do(method, "/healthz", "", body); method == http.MethodGet && g.status >= 500 {
				b.t.Errorf("%s with a body: %d", row.route, g.status)
			}
		}
		return
	}
	b.refused(row, "larger than 1 MiB", b.send(method, row.path, row, huge), http.StatusRequestEntityTooLarge)
	if row.kind != "" {
		b.refused(row, "nothing", b.send(method, row.path, row, ""), http.StatusBadRequest)
		return // what an artifact holds is the scanner's to judge
	}
	for why, body := range map[string]string{
		"cut off": row.body[:len(row.body)/2], "nothing": "", "an array": "[]", "null": "null", "a text": `"x"`, "a number": "1e999", "blank": " \n",
		"twice": row.body + row.body, "no UTF-8": "\xff\xfe\x00", "U+0000": "\x00", "HTML": "<html>", "a form": "payload=%7B%7D", "nested too deeply": nested,
		"other types": `{"target":7,"request":7,"registry":7,"events":7,"message":7,"repository":7,"event_data":7,"registry_package":7,"package":7,"detail":7,"data":7,"name":7,"kind":7,"source":7,"id":7,"action":7,"type":7,"push_data":7,"docker_url":7,"domain":7}`,
	} {
		b.refused(row, why, b.send(method, row.path, row, body), 0)
	}
	if odd := strings.NewReplacer(`"e1"`, `"e1\u0000"`, `"m1"`, `"m1\u0000"`).Replace(row.body); odd != row.body {
		b.refused(row, "an id with U+0000", b.send(method, row.path, row, odd), http.StatusBadRequest)
	}
	for _, header := range []string{"X-Github-Delivery", "X-Gitea-Delivery", "Ce-Id"} {
		if row.headers != nil && slices.Contains(row.headers(row.body), header) {
			b.refused(row, "a "+header+" that is no UTF-8", b.send(method, row.path, row, row.body, header, "d\xff"), http.StatusBadRequest)
		}
	}
	packed := gzipped(huge)
	b.refused(row, "larger than 1 MiB once unpacked", b.send(method, row.path, row, packed, "Content-Encoding", "gzip"), http.StatusRequestEntityTooLarge)
	b.refused(row, "gzip that is none", b.send(method, row.path, row, row.body, "Content-Encoding", "gzip"), http.StatusBadRequest)
	b.refused(row, "gzip that is cut off", b.send(method, row.path, row, packed[:len(packed)/2], "Content-Encoding", "gzip"), 0)
	b.refused(row, "packed otherwise", b.send(method, row.path, row, row.body, "Content-Encoding", "br"), http.StatusUnsupportedMediaType)
}

// unsigned sends what is not signed, or by others.
func (b *badTest) unsigned(method string, row *badRow, o badOperation) {
	b.t.Helper()
	public := o.Security != nil && len(*o.Security) == 0
	if (row.token != "") == (public || strings.HasPrefix(row.route, "POST /hooks/")) {
		b.t.Errorf("%s: the document and the row do not agree on a token", row.route)
	}
	kind := []string{}
	if row.kind != "" {
		kind = []string{"Content-Type", row.kind}
	}
	for _, w := range row.wrong {
		b.refused(row, w.why, b.do(method, w.path, "", row.body, append(slices.Clone(kind), w.headers...)...), w.want)
	}
	if method == http.MethodPost {
		g := b.send(method, row.path, row, row.body, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
		b.refused(row, "another site's page", g, http.StatusForbidden)
	}
	if row.token == "" {
		return
	}
	for why, headers := range map[string][]string{
		"no token": nil, "another token": {"Authorization", "Bearer wrong"}, "its hash": {"Authorization", "Bearer " + HashToken(row.token)},
		"no scheme": {"Authorization", row.token}, "another scheme": {"Authorization", "Digest " + row.token}, "basic and no base64": {"Authorization", "Basic %%%"},
		"bytes": {"Authorization", "Bearer \xff\xfe"}, "a session nobody sealed": {"Cookie", "fnvet_session=" + strings.Repeat("A", 300)},
		"a header of proxies": {"X-Forwarded-User", "boss"}, "the secret of a source": {"Authorization", "Bearer test-not-a-secret"},
	} {
		b.refused(row, why, b.do(method, row.path, "", row.body, append(slices.Clone(kind), headers...)...), http.StatusUnauthorized)
	}
	others := map[string]bool{"read": true, "scan": true}
	delete(others, row.token)
	for other := range maps.Keys(others) {
		b.refused(row, "a token of another scope", b.do(method, row.path, other, row.body, kind...), http.StatusForbidden)
	}
}

// replayed sends the good request, and then once more.
func (b *badTest) replayed(method string, row *badRow) {
	b.t.Helper()
	first := b.send(method, row.path, row, row.body)
	if first.status != row.good {
		b.t.Errorf("%s (%s), a good request: %d %s, want %d", row.route, row.path, first.status, first.body, row.good)
	}
	again := b.send(method, row.path, row, row.body)
	if !slices.Contains(row.again, again.status) {
		b.t.Errorf("%s (%s), once more: %d %s, want %v", row.route, row.path, again.status, again.body, row.again)
	}
	if again.status >= 400 {
		b.refused(row, "once more", again, 0)
	}
	if again.status == http.StatusAccepted && again.body != first.body {
		b.t.Errorf("%s (%s): what came again is %s, at first %s", row.route, row.path, again.body, first.body)
	}
}

// TestLargeHeaders: no route reads more of a request's head than it may, and what is no
// HTTP is told so.
func TestLargeHeaders(t *testing.T) {
	s := start(t, testdb.SQLite(t), "")
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	ask := func(request string) string {
		t.Helper()
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		go func() { _, _ = io.WriteString(c, request) }() // the server need not read all of it
		answer, _ := io.ReadAll(io.LimitReader(c, 1<<16))
		line, _, _ := strings.Cut(string(answer), "\r\n")
		return line
	}
	for _, r := range s.routes() {
		head := strings.NewReplacer("{$}", "", "{", "", "}", "").Replace(r.pattern) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
		if line := ask(head + "X-Long: " + strings.Repeat("x", 2*maxHeader) + "\r\n\r\n"); line != "HTTP/1.1 431 Request Header Fields Too Large" {
			t.Errorf("%s, a long header: %q", r.pattern, line)
		}
		if line := ask(head + strings.Repeat("X-Many: x\r\n", maxHeader/4) + "\r\n"); line != "HTTP/1.1 431 Request Header Fields Too Large" {
			t.Errorf("%s, many headers: %q", r.pattern, line)
		}
		for why, more := range map[string]string{
			"a header without a name": ": x\r\n\r\n", "a name with a blank": "X Y: z\r\n\r\n", "two lengths": "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "a length below 0": "Content-Length: -1\r\n\r\n",
		} {
			if line := ask(head + more); !strings.HasPrefix(line, "HTTP/1.1 400 Bad Request") {
				t.Errorf("%s, %s: %q", r.pattern, why, line)
			}
		}
	}
}
