package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain is also the child: what it does is the first argument.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "as-child" {
		if err := asChild(os.Args[2], os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func asChild(what string, args []string) error {
	in, out, board, err := Join()
	if err != nil {
		return err
	}
	board.Post(0, "deep.json (step deps/npm)")
	board.Post(1, "done already")
	board.Post(1, "")
	board.Count(2, 1000)
	switch what {
	case "echo":
		_, err := io.Copy(out, in)
		return err
	case "environ":
		_, err := fmt.Fprint(out, strings.Join(os.Environ(), "\n"))
		return err
	case "overflow":
		fmt.Fprint(out, "before")
		return recurse(1 << 40)
	case "panic":
		panic("token=" + wordsOfAFile)
	case "sleep":
		time.Sleep(time.Minute)
	case "memory":
		if _, err := Enter(nil, false, Limits{Memory: 4 << 30}); err != nil {
			return err
		}
		var keep [][]byte
		for range 64 {
			b := make([]byte, 256<<20)
			b[len(b)/2] = 1
			keep = append(keep, b)
		}
		fmt.Fprint(out, len(keep))
	case "confined":
		level, err := Enter(args[:1], false, Limits{Files: 64})
		if err != nil {
			return err
		}
		fmt.Fprintln(out, level)
		for _, path := range args {
			_, err := os.ReadFile(path)
			fmt.Fprintln(out, err == nil)
		}
		fmt.Fprintln(out, os.WriteFile(args[0], []byte("changed"), 0o600) == nil)
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", "127.0.0.1:9")
		if err == nil {
			conn.Close()
		}
		fmt.Fprintln(out, errors.Is(err, os.ErrPermission))
	}
	return nil
}

// recurse goes as deep as it is told, which is too deep.
func recurse(n int) error {
	var pad [512]byte
	pad[n%len(pad)] = 1
	if n == 0 {
		return nil
	}
	if err := recurse(n - 1); err != nil || pad[0] == 2 {
		return err
	}
	return nil
}

func start(ctx context.Context, t *testing.T, args ...string) *Child {
	t.Helper()
	if !Supported() {
		t.Skip("no sandbox on this system")
	}
	c, err := Start(ctx, append([]string{"as-child"}, args...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChildEndsByItself(t *testing.T) {
	c := start(t.Context(), t, "echo")
	fmt.Fprint(c.In, "hello")
	c.In.Close()
	got, err := io.ReadAll(c.Out)
	if err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	if files, bytes := c.Board.Counts(); files != 2 || bytes != 1000 {
		t.Errorf("counts %d, %d", files, bytes)
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}

// TestChildEnv: keys in the environment stay with the parent.
func TestChildEnv(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "not-for-children")
	t.Setenv("https_proxy", "http://127.0.0.1:3128")
	c, err := Start(t.Context(), []string{"as-child", "environ"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(c.Out)
	if err := errors.Join(err, c.In.Close(), c.Wait()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(said), "not-for-children") || !strings.Contains(string(said), "https_proxy=http://127.0.0.1:3128") {
		t.Errorf("the child has %s", said)
	}
}

func TestChildThatDies(t *testing.T) {
	for _, tt := range []struct{ what, how, before string }{
		{"overflow", "stack overflow", "before"},
		{"memory", "out of memory", ""},
	} {
		t.Run(tt.what, func(t *testing.T) {
			c := start(t.Context(), t, tt.what)
			c.In.Close()
			got, err := io.ReadAll(c.Out)
			if err != nil || string(got) != tt.before {
				t.Errorf("what it said before is %q, %v", got, err)
			}
			death, ok := errors.AsType[*DeathError](c.Wait())
			if !ok || death.How != tt.how {
				t.Fatalf("death %v, want %s", death, tt.how)
			}
			if want := []string{"deep.json (step deps/npm)"}; !slices.Equal(death.Busy, want) {
				t.Errorf("busy with %q, want %q", death.Busy, want)
			}
		})
	}
}

// wordsOfAFile stands for what a parser may put into a panic.
const wordsOfAFile = "not-for-anyone-to-read"

// A child's last words go nowhere: they may hold what it read.
func TestChildThatPanics(t *testing.T) {
	c := start(t.Context(), t, "panic")
	c.In.Close()
	if got, err := io.ReadAll(c.Out); err != nil || len(got) > 0 {
		t.Errorf("got %q, %v", got, err)
	}
	death, ok := errors.AsType[*DeathError](c.Wait())
	if !ok || !strings.Contains(death.How, "exit status 2") {
		t.Fatalf("death %v", death)
	}
	if text := fmt.Sprintf("%+v %v", *death, death); strings.Contains(text, wordsOfAFile) {
		t.Errorf("the death tells what was read: %s", text)
	}
}

func TestChildIsKilledWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := start(ctx, t, "sleep")
	cancel()
	death, ok := errors.AsType[*DeathError](c.Wait())
	if !ok || death.How != "killed" {
		t.Errorf("death %v", death)
	}
}

func TestConfined(t *testing.T) {
	dir := t.TempDir()
	allowed, other := filepath.Join(dir, "allowed"), filepath.Join(dir, "other")
	for _, p := range []string{allowed, other} {
		if err := os.WriteFile(p, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := start(t.Context(), t, "confined", allowed, other, "/etc/passwd")
	c.In.Close()
	got, err := io.ReadAll(c.Out)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(got))
	if lines[0] == "process" {
		t.Skip("this kernel has no Landlock")
	}
	// Level and its number, the three reads, the write, the refused connection.
	if want := []string{"landlock", lines[1], "true", "false", "false", "false", "true"}; !slices.Equal(lines, want) {
		t.Errorf("got %v, want %v", lines, want)
	}
}
