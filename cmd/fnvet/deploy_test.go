package main

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/fnvet/fnvet/internal/testdb"
	"github.com/fnvet/fnvet/server"
	"github.com/fnvet/fnvet/server/store"
)

// A launched is a way that the files of deploy/ start the program.
type launched struct {
	file string
	args []string          // without the program
	env  map[string]string // set for it; nil: the file does not say
	port string            // that others reach it on, or ""
}

func deployFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

type composeService struct {
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Ports       []string          `yaml:"ports"`
	Volumes     []string          `yaml:"volumes"`
}

type composeFile struct {
	Services map[string]composeService `yaml:"services"`
	Configs  map[string]struct {
		Content string `yaml:"content"`
	} `yaml:"configs"`
	Volumes map[string]any `yaml:"volumes"`
}

func compose(t *testing.T) composeFile {
	t.Helper()
	var c composeFile
	if err := yaml.Unmarshal([]byte(deployFile(t, "compose.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

type kubeObject struct {
	Kind string `yaml:"kind"`
	Spec struct {
		Ports    []struct{ Port, TargetPort string } `yaml:"ports"`
		Template struct {
			Spec struct {
				Containers []struct {
					Args  []string
					Ports []struct {
						Name          string
						ContainerPort string `yaml:"containerPort"`
					}
					Env            []struct{ Name string }
					LivenessProbe  kubeProbe `yaml:"livenessProbe"`
					ReadinessProbe kubeProbe `yaml:"readinessProbe"`
					VolumeMounts   []struct {
						Name      string
						MountPath string `yaml:"mountPath"`
					} `yaml:"volumeMounts"`
				}
				Volumes []struct{ Name string }
			}
		}
	}
	Webhooks []struct {
		ClientConfig struct {
			Service struct{ Name, Path, Port string }
		} `yaml:"clientConfig"`
	}
}

type kubeProbe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

func kube(t *testing.T, name string) []kubeObject {
	t.Helper()
	var list []kubeObject
	d := yaml.NewDecoder(strings.NewReader(deployFile(t, filepath.Join("kubernetes", name))))
	for {
		var o kubeObject
		err := d.Decode(&o)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, o)
	}
	return list
}

var (
	dockerCommand = regexp.MustCompile(`(?m)^CMD (\[.*\])$`)
	dockerPort    = regexp.MustCompile(`(?m)^EXPOSE ([0-9]+)$`)
	unitCommand   = regexp.MustCompile(`(?m)^ExecStart=/usr/bin/fnvet (.*)$`)
)

func launches(t *testing.T) []launched {
	t.Helper()
	docker := deployFile(t, "Dockerfile")
	var args []string
	if err := json.Unmarshal([]byte(dockerCommand.FindStringSubmatch(docker)[1]), &args); err != nil {
		t.Fatal(err)
	}
	list := []launched{
		{file: "Dockerfile", args: args, port: dockerPort.FindStringSubmatch(docker)[1]},
		{file: "fnvet.service", args: strings.Fields(unitCommand.FindStringSubmatch(deployFile(t, "fnvet.service"))[1])},
	}
	for name, s := range compose(t).Services {
		if name != "server" && name != "worker" {
			continue
		}
		l := launched{file: "compose.yaml: " + name, args: s.Command, env: s.Environment}
		if len(s.Ports) > 0 {
			l.port = s.Ports[0][strings.LastIndex(s.Ports[0], ":")+1:]
		}
		list = append(list, l)
	}
	for _, o := range kube(t, "fnvet.yaml") {
		for _, c := range o.Spec.Template.Spec.Containers {
			l := launched{file: "kubernetes/fnvet.yaml: " + c.Args[0], args: c.Args, env: map[string]string{}}
			for _, e := range c.Env {
				l.env[e.Name] = ""
			}
			if len(c.Ports) > 0 {
				l.port = c.Ports[0].ContainerPort
			}
			list = append(list, l)
		}
	}
	return list
}

// TestDeployCommands: what the files of deploy/ start are commands with flags that
// exist, on the ports that are opened, with the variables they name.
func TestDeployCommands(t *testing.T) {
	list := launches(t)
	if len(list) != 6 {
		t.Fatalf("%d commands, want 6", len(list))
	}
	for _, l := range list {
		root := (&cli{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}).root()
		cmd, rest, err := root.Find(l.args)
		if err == nil {
			err = cmd.ParseFlags(rest)
		}
		if err != nil || !slices.Contains([]string{"serve", "worker"}, cmd.Name()) || cmd.Flags().NArg() > 0 {
			t.Errorf("%s: %v: %v", l.file, l.args, err)
			continue
		}
		if l.port != "" {
			if _, port, err := net.SplitHostPort(cmd.Flags().Lookup("listen").Value.String()); err != nil || port != l.port {
				t.Errorf("%s: listens on %s, %s is opened: %v", l.file, port, l.port, err)
			}
		}
		if config := cmd.Flags().Lookup("config").Value.String(); config != "/etc/fnvet/fnvet.yaml" {
			t.Errorf("%s: --config %s", l.file, config)
		}
		for _, name := range regexp.MustCompile(`\$\(([A-Z_]+)\)`).FindAllStringSubmatch(strings.Join(l.args, " "), -1) {
			if _, ok := l.env[name[1]]; !ok {
				t.Errorf("%s: the variable %s is not set", l.file, name[1])
			}
		}
	}
}

// TestDeployConfigurations: the configurations that are shown parse, and name
// variables that are set beside them.
func TestDeployConfigurations(t *testing.T) {
	t.Setenv("FNVET_HOOK_SECRET", "x")
	c := compose(t)
	text := strings.ReplaceAll(c.Configs["fnvet"].Content, "${FNVET_TOKEN_HASH:?}", server.HashToken("x"))
	f, err := server.ParseFile([]byte(text))
	if err != nil || len(f.Registries) != 1 || len(f.Sources) != 1 || !f.Guarded() {
		t.Fatalf("compose.yaml: %+v, %v", f, err)
	}
	for _, name := range []string{"server", "worker"} {
		s := c.Services[name]
		if name == "worker" && len(s.Ports) > 0 {
			t.Error("compose.yaml: workers open a port, the second one in vain")
		}
		if _, ok := s.Environment["FNVET_HOOK_SECRET"]; !ok {
			t.Errorf("compose.yaml: %s has not the secret of its configuration", name)
		}
		for _, v := range s.Volumes {
			if volume, at, _ := strings.Cut(v, ":"); !slices.Contains(mapKeys(c.Volumes), volume) || at != "/state" {
				t.Errorf("compose.yaml: %s: volume %s", name, v)
			}
		}
	}
	var hook []struct {
		URL     string
		Headers map[string][]string
	}
	if err := yaml.Unmarshal([]byte(c.Services["registry"].Environment["REGISTRY_NOTIFICATIONS_ENDPOINTS"]), &hook); err != nil ||
		hook[0].URL != "http://server:8787/hooks/distribution" || hook[0].Headers["Authorization"][0] != "Bearer ${FNVET_HOOK_SECRET:?}" {
		t.Errorf("compose.yaml: the registry tells %+v, %v", hook, err)
	}
	docker := deployFile(t, "Dockerfile")
	for _, want := range []string{"XDG_STATE_HOME=/state", "XDG_CACHE_HOME=/state/", "XDG_CONFIG_HOME=/state/", "VOLUME /state", ":nonroot"} {
		if !strings.Contains(docker, want) {
			t.Errorf("Dockerfile: no %s", want)
		}
	}
	// The example of docs/operations.md, with its secrets set.
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(page), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	for _, name := range regexp.MustCompile(`env:([A-Z_]+)`).FindAllStringSubmatch(example, -1) {
		t.Setenv(name[1], "https://secret.example/")
	}
	if _, err := server.ParseFile([]byte(strings.ReplaceAll(example, "sha256:…", server.HashToken("x")))); err != nil {
		t.Errorf("docs/operations.md: %v", err)
	}
}

func mapKeys(m map[string]any) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// TestDeployKubernetes: probes and webhooks lead to routes, mounts to volumes.
func TestDeployKubernetes(t *testing.T) {
	st, err := store.Open(t.Context(), store.Options{URL: testdb.SQLite(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s, err := server.New(server.Config{Store: st, Scanner: &service{}, Open: true})
	if err != nil {
		t.Fatal(err)
	}
	routed := func(method, path string) bool {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost"+path, strings.NewReader("{}"))
		s.Handler().ServeHTTP(w, r)
		return w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed
	}
	if routed(http.MethodGet, "/nothing") {
		t.Fatal("a path that is none is routed")
	}
	var port string
	for _, o := range kube(t, "fnvet.yaml") {
		if o.Kind == "Service" {
			port = o.Spec.Ports[0].Port
		}
		for _, c := range o.Spec.Template.Spec.Containers {
			for _, p := range []kubeProbe{c.LivenessProbe, c.ReadinessProbe} {
				if p.HTTPGet.Path != "" && (!routed(http.MethodGet, p.HTTPGet.Path) || p.HTTPGet.Port != c.Ports[0].Name) {
					t.Errorf("probe %+v", p)
				}
			}
			for _, m := range c.VolumeMounts {
				if !slices.ContainsFunc(o.Spec.Template.Spec.Volumes, func(v struct{ Name string }) bool { return v.Name == m.Name }) {
					t.Errorf("no volume %s", m.Name)
				}
			}
		}
	}
	for _, o := range kube(t, "admission.yaml") {
		for _, w := range o.Webhooks {
			if at := w.ClientConfig.Service; !routed(http.MethodPost, at.Path) || at.Port != port || at.Name != "fnvet" {
				t.Errorf("webhook %+v, the service has port %s", at, port)
			}
		}
	}
}

// TestDeployUnit: systemd takes every line of the unit.
func TestDeployUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed (Debian package systemd)")
	}
	self, err := exec.LookPath("fnvet") // the test binary, under the name of the command
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "fnvet.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(deployFile(t, "fnvet.service"), "/usr/bin/fnvet", self)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", unit).CombinedOutput()
	if err != nil || strings.Contains(string(out), "Unknown") || strings.Contains(string(out), "unknown") {
		t.Errorf("%v: %s", err, out)
	}
}
