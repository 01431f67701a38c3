package commands

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// programTimeout is how long one program may run: far longer than any needs
	// on a busy machine with the race detector, and shorter than the time limit
	// of go test, which would not say which program hung.
	programTimeout = 3 * time.Minute

	// exitSkip is the exit code of a program that cannot run here, since the kernel
	// lacks something or forbids it. The last line of its output says what.
	exitSkip = 77
)

// TestPeers runs the programs in testdata/peer, each of which plays the peer of
// fdmsg over sockets, pipes and terminals, and fails if fdmsg does anything else
// than it should. They share the modules in testdata/python.
func TestPeers(t *testing.T) {
	runPrograms(t, "testdata/peer/*.py", "python3")
}

// TestShells runs the sessions in testdata/shell: those that need what only a
// shell has, such as functions, loops, and redirections of any descriptor.
func TestShells(t *testing.T) {
	runPrograms(t, "testdata/shell/*.sh", "bash")
}

// runPrograms runs each file that matches pattern in parallel, as a subtest of its
// own that is named for the file.
func runPrograms(t *testing.T, pattern, interpreter string) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no file matches %s: %v", pattern, err)
	}
	if !installed(interpreter) {
		missing(t, interpreter)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runProgram(t, interpreter, file)
		})
	}
}

// runProgram runs file in an empty directory and shows its output if it fails.
// Whatever it leaves running is killed.
func runProgram(t *testing.T, interpreter, file string) {
	path, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	needTools(t, path)
	ctx, cancel := context.WithTimeout(t.Context(), programTimeout)
	defer cancel()
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, interpreter, path)
	cmd.Dir = t.TempDir()
	cmd.Env = append(programEnv(t), "PATH="+searchPath(t), "WORK="+cmd.Dir, "TMPDIR="+t.TempDir(), "HOME=/no-home")
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Until the program is reaped nobody else can get its number, which is also
	// that of its process group.
	for unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
	err = cmd.Wait()
	if cause := ctx.Err(); cause != nil {
		err = cause
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == exitSkip {
		t.Skipf("%s", &output)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, &output)
	}
	if output.Len() > 0 {
		t.Logf("%s", &output)
	}
}

// needs matches the line in the head comment of a program that lists its tools.
var needs = regexp.MustCompile(`(?m)^(?:# )?Needs: (.+)$`)

// needTools calls missing for the tools that a program needs and that are not here.
func needTools(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if found := needs.FindSubmatch(text); found != nil {
		for tool := range strings.SplitSeq(string(found[1]), ", ") {
			if !installed(tool) {
				missing(t, tool)
			}
		}
	}
}

// installed is whether a tool is on the PATH that tests run with.
func installed(tool string) bool {
	for _, dir := range filepath.SplitList(os.Getenv("PATH") + ":" + systemPath) {
		if _, err := exec.LookPath(filepath.Join(dir, tool)); err == nil {
			return true
		}
	}
	return false
}

// systemPath is where tools are that only root's PATH may have.
const systemPath = "/usr/sbin:/sbin"

// missing skips a test for want of something that this machine does not have. In
// continuous integration, where all of it is installed, that is a failure.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s", what)
}

// searchPath returns a PATH on which the program under test comes first.
func searchPath(t *testing.T) string {
	t.Helper()
	return strings.Join([]string{buildProgram(t), os.Getenv("PATH"), systemPath}, string(filepath.ListSeparator))
}

// programEnv returns what scripts and programs find in their environment besides
// what says where they run.
func programEnv(t *testing.T) []string {
	t.Helper()
	modules, err := filepath.Abs("testdata/python")
	if err != nil {
		t.Fatal(err)
	}
	return []string{
		"GORACE=" + os.Getenv("GORACE"),
		"PYTHONPATH=" + modules,
		"PYTHONDONTWRITEBYTECODE=1",
		"FDMSG_WORD=" + strconv.Itoa(strconv.IntSize/8),
	}
}
