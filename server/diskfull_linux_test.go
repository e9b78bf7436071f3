package server

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const insideNamespace = "FNVET_TEST_INSIDE_NAMESPACE"

// TestDiskFull fills a real file system, a small one in memory that a mount
// namespace of its own hides from others. What is answered 202 is there afterwards
// and ends; what does not fit is a 503, and is accepted once there is room.
func TestDiskFull(t *testing.T) {
	if os.Getenv(insideNamespace) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDiskFull$", "-test.v")
		cmd.Env = append(os.Environ(), insideNamespace+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		out, err := cmd.CombinedOutput()
		switch {
		case strings.Contains(string(out), "--- SKIP"), err != nil && len(out) == 0:
			t.Skipf("this user may not mount a file system in a namespace of its own: %v %s", err, out)
		case err != nil:
			t.Errorf("%v: %s", err, out)
		}
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "accepted") {
				t.Log(strings.TrimSpace(line))
			}
		}
		return
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := start(t, "sqlite:"+filepath.Join(dir, "fnvet.db"), "")
	ballast := filepath.Join(dir, "ballast")
	send := func(i int) got {
		return s.do("POST", "/hooks/distribution", "test-not-a-secret", strings.NewReplacer(testDigest, fmt.Sprintf("sha256:%064x", i), `"e1"`, fmt.Sprintf(`"e%d"`, i)).Replace(pushBody))
	}
	var accepted []string
	take := func(g got) bool {
		switch {
		case g.status == http.StatusAccepted:
			accepted = append(accepted, g.id(t))
			return true
		case g.status != http.StatusServiceUnavailable || !strings.Contains(g.body, "nothing was accepted"):
			t.Fatalf("status %d: %s", g.status, g.body)
		}
		return false
	}
	take(send(0))
	fill(t, ballast, dir)
	refused := 0
	for i := 1; i < 500 && refused < 20; i++ {
		if !take(send(i)) {
			refused++
		}
	}
	if refused == 0 {
		t.Fatal("nothing was refused on a full disk")
	}
	full := len(accepted)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	again := false
	for i := 1000; i < 1100 && !again; i++ {
		if again = take(send(i)); !again {
			time.Sleep(100 * time.Millisecond)
		}
	}
	if !again {
		t.Fatal("nothing is accepted after there is room")
	}
	for _, id := range accepted {
		s.await(id, "done")
	}
	t.Logf("accepted %d before the disk was full, refused %d, went on when there was room", full, refused)
}

// fill writes until there is no room in dir.
func fill(t *testing.T, path, dir string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		t.Fatal(err)
	}
	for range int(stat.Bavail) - 64 { // 256 KiB are left: a few commits
		if _, err := f.Write(make([]byte, stat.Bsize)); err != nil {
			t.Fatal(err)
		}
	}
}
