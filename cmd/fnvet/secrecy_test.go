//go:build unix

package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fnvet/fnvet/testdata/plant"
)

// noSecrets fails when a planted secret stands whole in what someone can read later.
func noSecrets(t *testing.T, where string, data []byte) {
	t.Helper()
	for _, s := range plant.All() {
		for line := range strings.SplitSeq(strings.TrimSpace(s.Value), "\n") {
			if len(line) >= 12 && !strings.HasPrefix(line, "-----") && bytes.Contains(data, []byte(line)) {
				t.Errorf("%s holds %s whole", where, s.Name)
			}
		}
	}
}

// noSecretsUnder searches every file of a folder and returns how many there are.
func noSecretsUnder(t *testing.T, dir string) int {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		noSecrets(t, path, data)
		files++
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// What a scan keeps on disk holds no secret whole: not the cache of layers, not the
// database's folder, not the settings.
func TestSecretsAreNotKept(t *testing.T) {
	db := own(t)
	home := filepath.Dir(db)
	cache := filepath.Join(home, "layers")
	out := fnvetRun(t, 1, "scan", "--sandbox=false", "--db", db, "--db-source", "../../testdata/osv", "--max-db-age", "0",
		"--cache", cache, "--format", "json", "../../testdata/packages/image-two-layers.tar")
	if !strings.Contains(out, "secret/aws-access-token") {
		t.Error("no secret in the image")
	}
	if n := noSecretsUnder(t, cache); n == 0 {
		t.Error("nothing was cached")
	}
	noSecretsUnder(t, home)
	if _, err := os.Stat("fnvet.log"); err == nil {
		t.Error("a log was written")
	}
}

// plantedTar is an archive of files with every planted secret.
func plantedTar(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, s := range plant.All() {
		text := fmt.Sprintf("%s=%s\n", s.Key, s.Value)
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("config/%02d.env", i), Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, text)
	}
	if err := w.Flush(); err != nil { // no end: more is to come
		t.Fatal(err)
	}
	return b.Bytes()
}

// A child that is killed while it reads secrets leaves none of them behind: not in
// the report, not on standard error, not in a file.
func TestSecretsDieWithTheChild(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the walk has a child of its own on Linux only")
	}
	env := home(t)
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "fnvet", "scan", "--offline", "--only", "secret", "--format", "json", "--name", "planted", "-")
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &stdout, &stderr
	cmd.Dir = t.TempDir()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write(plantedTar(t)); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(childOf(t, cmd.Process.Pid), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	_ = cmd.Wait()
	if !strings.Contains(stdout.String(), "the sandboxed scan ended here: killed") {
		t.Errorf("the report does not say so: %s%s", &stdout, &stderr)
	}
	noSecrets(t, "the report", stdout.Bytes())
	noSecrets(t, "standard error", stderr.Bytes())
	noSecretsUnder(t, cmd.Dir)
	noSecretsUnder(t, homeOf(env))
}

// childOf waits for the first child of a process.
func childOf(t *testing.T, pid int) int {
	t.Helper()
	for range 600 {
		for _, task := range must2(filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))) {
			text, err := os.ReadFile(task)
			if fields := strings.Fields(string(text)); err == nil && len(fields) > 0 {
				child, err := strconv.Atoi(fields[0])
				if err != nil {
					t.Fatal(err)
				}
				return child
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Skip("no child is seen: a kernel without /proc/PID/task/TID/children, or no sandbox")
	return 0
}

func must2(list []string, err error) []string {
	if err != nil {
		panic(err)
	}
	return list
}

// The server's store, what its API answers and what it logs hold no secret whole.
func TestServerKeepsNoSecrets(t *testing.T) {
	env := home(t)
	hooks := freePort(t)
	host := registryWith(t, hooks)
	db := serveDB(t, env)
	config := writeText(t, fmt.Sprintf(`
registries: [{name: main, host: %q, insecure: true, private: true}]
sources: [{source: distribution, secret: "env:FNVET_TEST_SECRET"}]
`, host))
	store := filepath.Join(t.TempDir(), "store.db")
	s := launch(t, env, "serve", "--listen", "127.0.0.1:"+hooks, "--config", config, "--db", db, "--max-db-age", "0", "--update-every", "0", "--database", "sqlite:"+store)
	skopeo(t, "docker-archive:../../testdata/packages/image-two-layers.tar", "docker://"+host+"/fn/app:1")
	done := s.awaitScans(1).Scans[0]
	var report json.RawMessage
	if status := s.get(fmt.Sprintf("/api/v1/scans/%d/report", done.ID), &report); status != http.StatusOK || !bytes.Contains(report, []byte("secret/aws-access-token")) {
		t.Errorf("report: %d %.200s", status, report)
	}
	noSecrets(t, "the API", report)
	s.stop()
	if n := noSecretsUnder(t, filepath.Dir(store)); n == 0 {
		t.Error("nothing was stored")
	}
	if n := noSecretsUnder(t, homeOf(env)); n == 0 {
		t.Error("no database in the home folder")
	}
	noSecrets(t, "the log", []byte(s.log.String()))
}

// homeOf is the home folder in an environment, in which the last entry counts.
func homeOf(env []string) (dir string) {
	for _, v := range env {
		if at, ok := strings.CutPrefix(v, "HOME="); ok {
			dir = at
		}
	}
	return dir
}
