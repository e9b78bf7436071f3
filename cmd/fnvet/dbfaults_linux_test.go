package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sources are two directories of advisories: the repository's small set, and one
// that lacks those of an ecosystem.
func sources(t *testing.T) [2]string {
	t.Helper()
	less := filepath.Join(t.TempDir(), "osv")
	if err := os.CopyFS(less, os.DirFS("../../testdata/osv")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(less, "crates.io")); err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(less, "ecosystems.txt")
	text := strings.ReplaceAll(string(must(os.ReadFile(list))), "crates.io\n", "")
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return [2]string{"../../testdata/osv", less}
}

// fnvet runs the command to its end, and returns its exit code.
func runCommand(t *testing.T, env []string, args ...string) (code int, out string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "fnvet", args...)
	cmd.Env = env
	text, err := cmd.CombinedOutput()
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return e.ExitCode(), string(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, string(text)
}

// TestUpdateKilledInTheMiddle: however often an update is killed, at whatever
// moment, the database that is there verifies and judges. FNVET_FAULT_ROUNDS is how
// often.
func TestUpdateKilledInTheMiddle(t *testing.T) {
	env, from := home(t), sources(t)
	dir := t.TempDir()
	lock := filepath.Join(t.TempDir(), "package-lock.json")
	if err := os.WriteFile(lock, []byte(`{"lockfileVersion":3,"packages":{"node_modules/lodash":{"version":"4.17.20"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if code, out := runCommand(t, env, "db", "update", "--db", dir, "--db-source", from[0]); code != 0 {
		t.Fatal(out)
	}
	whole := time.Since(began)
	swapped, killed := 0, 0
	before, rounds := "", number(t, "FNVET_FAULT_ROUNDS", 6)
	for round := range rounds {
		cmd := exec.CommandContext(t.Context(), "fnvet", "db", "update", "--db", dir, "--db-source", from[(round+1)%2])
		cmd.Env = env
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if round%2 == 0 {
			time.Sleep(rand.N(whole * 5 / 4))
		} else { // about when the new one is there and takes its place
			for range 2000 {
				if found, _ := filepath.Glob(filepath.Join(dir, "advisories.*.tmp")); len(found) > 0 {
					break
				}
				time.Sleep(time.Millisecond)
			}
			time.Sleep(rand.N(20 * time.Millisecond))
		}
		_ = cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
		if code, out := runCommand(t, env, "db", "verify", "--db", dir); code != 0 {
			t.Fatalf("round %d: %s", round, out)
		}
		if code, out := runCommand(t, env, "scan", lock, "--db", dir, "--offline", "--max-db-age", "0"); code != 1 {
			t.Fatalf("round %d: scan: %d %s", round, code, out)
		}
		info, err := os.Stat(filepath.Join(dir, "advisories.fndb"))
		if err != nil {
			t.Fatal(err)
		}
		if now := info.ModTime().String(); now != before {
			before = now
			swapped++
		}
	}
	t.Logf("%d rounds, %d killed before their end, the database was another after %d; an update takes %v", rounds, killed, swapped, whole)
	if code, out := runCommand(t, env, "db", "update", "--db", dir, "--db-source", from[0]); code != 0 {
		t.Errorf("the update after them: %s", out)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestDatabaseReplacedMidScan: a scan is judged by the database it began with, the
// next one by the new one, and the server goes on.
func TestDatabaseReplacedMidScan(t *testing.T) {
	env, from := home(t), sources(t)
	dir := t.TempDir()
	if code, out := runCommand(t, env, "db", "update", "--db", dir, "--db-source", from[0]); code != 0 {
		t.Fatal(out)
	}
	h := newHostileRegistry(t)
	config := writeText(t, fmt.Sprintf("registries: [{name: main, host: %q, insecure: true, private: true}]\n", h.host))
	s := launch(t, env, "serve", "--listen", "127.0.0.1:0", "--config", config, "--database", "sqlite:"+filepath.Join(t.TempDir(), "fnvet.db"),
		"--db", dir, "--max-db-age", "0", "--update-every", "0", "--workers", "2", "--timeout", "15s", "--log-level", "warn")
	scan := func(target string) int64 {
		var got struct{ ID int64 }
		body := must(json.Marshal(map[string]string{"target": target}))
		if status, err := s.ask(http.MethodPost, "/api/v1/scans", "application/json", body, &got); err != nil || status != http.StatusAccepted {
			t.Fatalf("status %d, error %v", status, err)
		}
		return got.ID
	}
	ecosystems := func(id int64) string {
		var report struct {
			Scan struct {
				Database struct{ Ecosystems []string }
			}
		}
		for range 2400 {
			if status := s.get(fmt.Sprintf("/api/v1/scans/%d/report", id), &report); status == http.StatusOK {
				return strings.Join(report.Scan.Database.Ecosystems, " ")
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatalf("scan %d does not end: %s", id, s.log.String())
		return ""
	}
	slow := scan(h.push(t, 1, "slow"))
	for range 5000 {
		if len(children(t, s.cmd.Process.Pid)) > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if code, out := runCommand(t, env, "db", "update", "--db", dir, "--db-source", from[1]); code != 0 {
		t.Fatal(out)
	}
	time.Sleep(3 * time.Second) // longer than an open database is taken for the latest
	good := scan(h.push(t, 2, "good"))
	if got := ecosystems(good); strings.Contains(got, "crates.io") || got == "" {
		t.Errorf("the scan after the update was judged by %q", got)
	}
	if got := ecosystems(slow); !strings.Contains(got, "crates.io") {
		t.Errorf("the scan that was at work was judged by %q", got)
	}
	if words := s.log.String(); bytes.Contains([]byte(words), []byte("panic")) {
		t.Error(words)
	}
	s.stop()
}
