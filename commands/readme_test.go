package commands

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// exampleTools are the tools in the examples that a machine may lack.
var exampleTools = regexp.MustCompile(`\b(jq|python3|socat|qemu-system-x86_64|sshd?|systemd-socket-activate)\b`)

// TestReadmeExamples runs every shell example of the README as it is printed,
// each in an empty directory.
func TestReadmeExamples(t *testing.T) {
	path := searchPath(t)
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(string(readme), -1)
	if len(examples) < 8 {
		t.Fatalf("only %d examples found", len(examples))
	}
	// What the example that contains these words prints.
	want := map[string]string{
		"-m hello -M - r:/etc/hostname":        "hello from standard input\n",
		"--listen ./s -m 'welcome'":            "welcome\n",
		"echo \"$FDMSG_MESSAGE: $LISTEN_FDS\"": "count these: 1\n42\n",
		"unix:./a unix-dgram:./b":              "one\nthree\ntwo\n",
		"try unix:./stream":                    "over unix-hex:00ff",
		"for a in tcp:127.0.0.1:0":             "over udp:[::1]:",
		"socat EXEC:":                          "hello\n",
		"from the receiver":                    "from the receiver\n",
		"pid:$!:1":                             "what was logged\n",
		"import os, socket":                    "4\n",
		"IP_TTL:ttl=3":                         "3\n",
		"MSG_ERRQUEUE":                         "ECONNREFUSED\n",
		"--buffer 4":                           "head\nand the rest\n",
		"read -r address < <(exec":             "to the port that the kernel picked\n",
		"qemu-system":                          "{\"return\": {}}\r\n{\"return\": {}}\r\n",
		"ls incoming":                          "1-0-numbers\n",
		"mkdir srv":                            "3\nno\n",
		"<(printf":                             "1\n2\n",
		"listen systemd:":                      "by socket activation\n",
		"--accept --inetd":                     "3\n",
		"ProxyUseFdpass":                       "over a socket that fdmsg has connected\n",
	}
	// In a network namespace of their own, where that is permitted, nobody else uses their ports.
	apart := []string{"unshare", "--net", "sh", "-c", `ip link set lo up && exec "$@"`, "sh"}
	if err := exec.Command(apart[0], append(apart[1:], "true")...).Run(); err != nil {
		t.Log("not in a network namespace of their own: ", err)
		apart = []string{"env"}
	}
	words := slices.Collect(maps.Keys(want))
	for _, word := range words {
		if n := len(slices.DeleteFunc(slices.Clone(examples), func(e []string) bool { return !strings.Contains(e[1], word) })); n != 1 {
			t.Errorf("%d examples have %q in them, want 1", n, word)
		}
	}
	for i, example := range examples {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			for _, tool := range exampleTools.FindAllString(example[1], -1) {
				if !installed(tool) {
					missing(t, tool)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, apart[0], append(apart[1:], "bash", "-eu", "-o", "pipefail", "-c", example[1])...)
			cmd.Dir = t.TempDir()
			cmd.Env = append(os.Environ(), "PATH="+path)
			// Whatever a failed example leaves running is killed with its process group.
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
			cmd.WaitDelay = time.Second
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil && cmd.Process != nil {
				cmd.Cancel()
			}
			socat := strings.Contains(example[1], "socat") // writes to standard error
			if err != nil || stderr.Len() > 0 && !socat {
				t.Fatalf("%v\n%s%s", err, out, stderr.String())
			}
			for _, word := range words {
				if strings.Contains(example[1], word) && !strings.Contains(string(out), want[word]) {
					t.Errorf("it prints\n%s, want\n%s", out, want[word])
				}
			}
			if tries := strings.Count(example[1], "\ntry "); tries > 0 && strings.Count(string(out), "over ") != tries {
				t.Errorf("not every address worked:\n%s", out)
			}
		})
	}
}

// TestReadmeSession types the session at the beginning of the README, and compares
// what it prints with what the README shows.
func TestReadmeSession(t *testing.T) {
	path := searchPath(t)
	if !installed("jq") {
		missing(t, "jq")
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	session := regexp.MustCompile("(?ms)^```console\n(.*?)^```$").FindStringSubmatch(string(readme))
	if session == nil {
		t.Fatal("no session found")
	}
	var typed, want strings.Builder
	for line := range strings.Lines(session[1]) {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			typed.WriteString(command)
		} else {
			want.WriteString(line)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-eu", "-c", typed.String())
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "PATH="+path)
	// If a command fails, the server that waits for it must not be left running.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.Process != nil {
		cmd.Cancel()
	}
	if err != nil || string(out) != want.String() {
		t.Errorf("%v, it prints\n%s, want\n%s", err, out, want.String())
	}
}
