// Package testdb gives tests their databases: a SQLite file each, and a
// PostgreSQL server, started from the programs of Debian's package postgresql
// where they are installed. It is for tests only.
package testdb

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A Server is a PostgreSQL server of one test binary. The zero value starts it on
// first use; stop it in TestMain.
type Server struct {
	once    sync.Once
	dir     string
	cmd     *exec.Cmd
	address string
	why     string // there is none
}

// Each runs a test on SQLite and, as a test of its own, on PostgreSQL.
func (s *Server) Each(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, s.Postgres(t)) })
}

// SQLite names a database that does not exist yet.
func SQLite(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "fnvet.db") }

// Postgres makes an empty database and names it, or skips the test.
func (s *Server) Postgres(t testing.TB) string {
	t.Helper()
	s.once.Do(s.start)
	if s.why != "" {
		t.Skip(s.why)
	}
	var b [8]byte
	_, _ = rand.Read(b[:])
	name := "t" + hex.EncodeToString(b[:])
	if out, err := s.run("psql", "-h", s.dir, "-p", s.port(), "-U", "fnvet", "-d", "postgres", "-c", "CREATE DATABASE "+name).CombinedOutput(); err != nil {
		t.Fatalf("create database: %v: %s", err, out)
	}
	return "postgres://fnvet@" + s.address + "/" + name + "?sslmode=disable"
}

func (s *Server) port() string {
	u, err := url.Parse("//" + s.address)
	if err != nil {
		return ""
	}
	return u.Port()
}

func (s *Server) start() {
	initdb := program("initdb")
	if initdb == "" {
		s.why = "PostgreSQL is not installed (Debian package postgresql)"
		return
	}
	if err := s.try(initdb); err != nil {
		s.why = "PostgreSQL does not start: " + err.Error()
	}
}

func (s *Server) try(initdb string) error {
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return err
	}
	s.dir = dir
	if err := give(dir); err != nil {
		return err
	}
	if out, err := s.run(initdb, "-D", filepath.Join(dir, "data"), "-U", "fnvet", "-A", "trust", "--no-instructions").CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a moment, to learn a free port
	if err != nil {
		return err
	}
	s.address = listener.Addr().String()
	if err := listener.Close(); err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(s.address)
	if err != nil {
		return err
	}
	var words bytes.Buffer
	s.cmd = s.run(filepath.Join(filepath.Dir(initdb), "postgres"), "-D", filepath.Join(dir, "data"), "-p", port, "-k", dir, "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200")
	s.cmd.Stdout, s.cmd.Stderr = &words, &words
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for range 300 {
		if s.run("psql", "-h", dir, "-p", port, "-U", "fnvet", "-d", "postgres", "-c", "SELECT 1").Run() == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("it does not answer: %s", words.String())
}

// Stop ends the server.
func (s *Server) Stop() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Signal(os.Interrupt)
		_ = s.cmd.Wait()
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// run is a command as the user that may run PostgreSQL: it refuses root.
func (s *Server) run(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...) //nolint:noctx // as long as the tests
	cmd.Dir = os.TempDir()
	as(cmd)
	return cmd
}

// program finds initdb on the path or where Debian puts it, the latest version first.
func program(name string) string {
	if p, err := exec.LookPath(name); err == nil {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			return real
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	if len(found) == 0 {
		return ""
	}
	return found[0]
}

func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// other is the user that runs PostgreSQL when this is root, or nil.
func other() (uid, gid uint32, ok bool) {
	if os.Getuid() != 0 {
		return 0, 0, false
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return uint32(uid), uint32(gid), true
		}
	}
	return 0, 0, false
}

func give(dir string) error {
	uid, gid, ok := other()
	if !ok {
		return nil
	}
	return os.Chown(dir, int(uid), int(gid))
}
