// Command bootstrap is a small Lambda function for the provided runtimes, built
// against old versions of golang.org/x/net and golang.org/x/crypto. It exists
// to be scanned: see ../README.md. It is never run by fnvet or its tests.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/net/html"
)

// An event asks for the title of a page and the fingerprint of a key.
type event struct {
	Page string `json:"page"`
	Key  string `json:"key"`
}

func main() {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		if err := serve(api); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// serve answers one invocation of the Lambda runtime interface.
func serve(api string) error {
	next, err := http.Get(api + "next")
	if err != nil {
		return err
	}
	defer next.Body.Close()
	body, err := io.ReadAll(next.Body)
	if err != nil {
		return err
	}
	answer, err := handle(body)
	if err != nil {
		answer = []byte(`{"error":"bad event"}`)
	}
	id := next.Header.Get("Lambda-Runtime-Aws-Request-Id")
	done, err := http.Post(api+id+"/response", "application/json", bytes.NewReader(answer))
	if err != nil {
		return err
	}
	return done.Body.Close()
}

func handle(body []byte) ([]byte, error) {
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	page, err := html.Parse(bytes.NewReader([]byte(e.Page)))
	if err != nil {
		return nil, err
	}
	out := map[string]string{"title": title(page)}
	if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(e.Key)); err == nil {
		out["fingerprint"] = ssh.FingerprintSHA256(key)
	}
	return json.Marshal(out)
}

func title(n *html.Node) string {
	if n.Type == html.ElementNode && n.Data == "title" && n.FirstChild != nil {
		return n.FirstChild.Data
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if t := title(c); t != "" {
			return t
		}
	}
	return ""
}
