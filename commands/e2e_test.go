package commands

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// programDir is the directory that the program under test was built in, if it was built.
var programDir string

// program builds the program under test, makes a link to it for each subcommand, and
// returns their directory. If the tests run with the race detector, raceName is the
// program with it as well. Only listen, which does most things at once, is run that
// way: a program with the race detector takes 60 ms to start.
var program = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "fdmsg-test-"); err != nil {
		return "", err
	}
	programDir = dir
	if err := build(dir, "fdmsg", "CGO_ENABLED=0"); err != nil {
		return dir, err
	}
	if raceEnabled {
		if err := build(dir, raceName, "CGO_ENABLED=1", "-race"); err != nil {
			return dir, err
		}
	}
	for _, sub := range subcommands {
		if err := os.Symlink("fdmsg", filepath.Join(dir, "fdmsg-"+sub.name)); err != nil {
			return dir, err
		}
	}
	return dir, nil
})

const raceName = "fdmsg.race"

func build(dir, name, setting string, flags ...string) error {
	args := append([]string{"build", "-o", filepath.Join(dir, name)}, flags...)
	cmd := exec.Command("go", append(args, "fdmsg")...)
	cmd.Env, cmd.Stderr = append(os.Environ(), setting), os.Stderr
	return cmd.Run()
}

// listenProgram returns the path of the program that listen is run with.
func listenProgram(t testing.TB) string {
	t.Helper()
	name := "fdmsg"
	if raceEnabled {
		name = raceName
	}
	return filepath.Join(buildProgram(t), name)
}

func TestMain(m *testing.M) {
	// Otherwise the race detector makes each process sleep for a second when it ends.
	os.Setenv("GORACE", "halt_on_error=1 atexit_sleep_ms=0")
	code := m.Run()
	if programDir != "" {
		os.RemoveAll(programDir)
	}
	os.Exit(code)
}

// buildProgram returns the directory with the program under test.
func buildProgram(t testing.TB) string {
	t.Helper()
	dir, err := program()
	if err != nil {
		t.Fatal("go build: ", err)
	}
	return dir
}

// TestScripts runs the sessions in testdata/script, each of which reads as one
// would type it at a shell. They find fdmsg and its links on the PATH.
func TestScripts(t *testing.T) {
	path, environment := searchPath(t), programEnv(t)
	testscript.Run(t, testscript.Params{
		Dir:         "testdata/script",
		WorkdirRoot: t.TempDir(), // testscript would leave one of its own behind
		Cmds:        map[string]func(*testscript.TestScript, bool, []string){"fails": fails},
		Condition:   toolCondition,
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, environment...)
			env.Setenv("PATH", path)
			return nil
		},
	})
}

// fails is a command of the scripts: fails [-hint REGEXP] CODE REGEXP COMMAND [ARG ...]
// runs COMMAND, which has to exit with a code that CODE matches, to print nothing on
// standard output, and to say what is wrong in one line that matches REGEXP on standard
// error. After it a hint may follow, and has to with -hint.
func fails(ts *testscript.TestScript, neg bool, args []string) {
	var hint string
	if len(args) > 1 && args[0] == "-hint" {
		hint, args = args[1], args[2:]
	}
	if neg || len(args) < 3 {
		ts.Fatalf("usage: fails [-hint REGEXP] CODE REGEXP COMMAND [ARG ...]")
	}
	code, pattern := regexp.MustCompile("^(?:"+args[0]+")$"), regexp.MustCompile("^fdmsg: .*(?:"+args[1]+")")
	err := ts.Exec("timeout", append([]string{"--signal", "KILL", "25"}, args[2:]...)...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !code.MatchString(strconv.Itoa(exit.ExitCode())) {
		ts.Fatalf("ended with %v, not with exit code %s", err, args[0])
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("standard output is not empty")
	}
	lines := strings.Split(strings.TrimSuffix(ts.ReadFile("stderr"), "\n"), "\n")
	switch {
	case len(lines) > 2:
		ts.Fatalf("%d lines on standard error", len(lines))
	case !pattern.MatchString(lines[0]):
		ts.Fatalf("no match for %s", args[1])
	case strings.HasSuffix(lines[0], "."):
		ts.Fatalf("the line ends with a full stop")
	case len(lines) == 2 && !hintLine.MatchString(lines[1]):
		ts.Fatalf("the second line is not a hint")
	case hint != "" && (len(lines) < 2 || !regexp.MustCompile(hint).MatchString(lines[1])):
		ts.Fatalf("no hint matches %s", hint)
	}
}

var hintLine = regexp.MustCompile(`^fdmsg: hint: .*[^.]$`)

// toolCondition is a condition of the scripts: [tool:NAME] holds if NAME is installed.
// In continuous integration, where all tools are, a missing one is an error.
func toolCondition(condition string) (bool, error) {
	tool, ok := strings.CutPrefix(condition, "tool:")
	switch {
	case !ok:
		return false, fmt.Errorf("unknown condition %q", condition)
	case installed(tool):
		return true, nil
	case os.Getenv("CI") != "":
		return false, fmt.Errorf("missing: %s", tool)
	}
	return false, nil
}
