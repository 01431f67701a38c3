package commands

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// programDir is where the program under test was built, if it was.
var programDir string

// program builds the program under test, under all names that it can be run by,
// and returns the directory that it is in. With the race detector there is one
// more, raceName: to begin takes that sixty milliseconds, so that only listen,
// which does most at a time, is run with it.
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

// listenProgram returns the program for listen.
func listenProgram(t testing.TB) string {
	t.Helper()
	name := "fdmsg"
	if raceEnabled {
		name = raceName
	}
	return filepath.Join(buildProgram(t), name)
}

func TestMain(m *testing.M) {
	// The race detector sleeps for a second at the end of a process otherwise.
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
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, environment...)
			env.Setenv("PATH", path)
			return nil
		},
	})
}
