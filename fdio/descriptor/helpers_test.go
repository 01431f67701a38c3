package descriptor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// owned closes fd when the test ends.
func owned(t testing.TB, fd int, err error) int {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func open(t testing.TB, path string, flags int) int {
	t.Helper()
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC|unix.O_LARGEFILE|unix.O_NOCTTY, 0o600)
	if err != nil {
		t.Fatalf("open %s: %v", path, err)
	}
	return owned(t, fd, nil)
}

// file is the path of a new file that holds content.
func file(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(tempDir(t), "file")
	write(t, path, content)
	return path
}

// tempDir is a new directory, under the name that /proc has for it.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func writeTo(t testing.TB, fd int, content string) {
	t.Helper()
	for len(content) > 0 {
		n, err := unix.Write(fd, []byte(content))
		if err != nil {
			t.Fatal("write:", err)
		}
		content = content[n:]
	}
}

func fifo(t testing.TB) string {
	t.Helper()
	path := filepath.Join(tempDir(t), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// pipe is a pipe and a function that closes its write end.
func pipe(t testing.TB) (r, w int, closeWriter func()) {
	t.Helper()
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	writer := os.NewFile(uintptr(p[1]), "pipe")
	t.Cleanup(func() { unix.Close(p[0]); writer.Close() })
	return p[0], p[1], func() { writer.Close() }
}

// terminal is a pseudo-terminal's two sides and the path of the slave.
func terminal(t testing.TB) (master, slave int, path string, closeMaster func()) {
	t.Helper()
	file, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals:", err)
	}
	t.Cleanup(func() { file.Close() })
	master = int(file.Fd())
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal("TIOCSPTLCK:", err)
	}
	n, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		t.Fatal("TIOCGPTN:", err)
	}
	path = filepath.Join("/dev/pts", itoa(n))
	return master, open(t, path, unix.O_RDWR), path, func() { file.Close() }
}

func statusFlags(t testing.TB, fd int) int {
	t.Helper()
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		t.Fatal("F_GETFL:", err)
	}
	return flags
}

// offset is -1 where fd has none.
func offset(fd int) int64 {
	n, err := unix.Seek(fd, 0, unix.SEEK_CUR)
	if err != nil {
		return -1
	}
	return n
}

// untouched fails the test if what do does moves the offset of fd or changes
// its flags.
func untouched(t testing.TB, fd int, do func()) {
	t.Helper()
	flags, at := statusFlags(t, fd), offset(fd)
	do()
	if now := statusFlags(t, fd); now != flags {
		t.Errorf("the status flags were %#x and are %#x", flags, now)
	}
	if now := offset(fd); now != at {
		t.Errorf("the offset was %d and is %d", at, now)
	}
}

func describe(t testing.TB, fd int) (d Descriptor) {
	t.Helper()
	untouched(t, fd, func() { d = NewInspector().Describe(fd) })
	if d.FD != fd {
		t.Errorf("FD is %d, want %d", d.FD, fd)
	}
	return d
}

// read describes and reads fd.
func read(t testing.TB, fd int, o ReadOptions) Content {
	t.Helper()
	in := NewInspector()
	d := in.Describe(fd)
	untouched(t, fd, func() { in.Read(t.Context(), &d, nil, o) })
	return d.Content
}

// generous are options that limit nothing that a test has.
func generous(which Which) ReadOptions {
	return ReadOptions{Which: which, Limit: 64 << 20, Timeout: time.Minute}
}

// wantContent compares everything about c.
func wantContent(t testing.TB, name string, c Content, data string, truncated bool, err error) {
	t.Helper()
	if !c.Read {
		t.Errorf("%s: not read", name)
	}
	if string(c.Data) != data {
		t.Errorf("%s: read %s, want %s", name, shorten(string(c.Data)), shorten(data))
	}
	if c.Truncated != truncated {
		t.Errorf("%s: truncated is %v, want %v", name, c.Truncated, truncated)
	}
	if c.Err != err {
		t.Errorf("%s: error %v, want %v", name, c.Err, err)
	}
}

// wantNothing demands that c says nothing at all.
func wantNothing(t testing.TB, name string, c Content) {
	t.Helper()
	if c.Read || c.Data != nil || c.Truncated || c.Err != nil {
		t.Errorf("%s: %+v, want nothing", name, c)
	}
}

func shorten(s string) string {
	if len(s) <= 64 {
		return "\"" + s + "\""
	}
	return "\"" + s[:30] + "\"... (" + itoa(len(s)) + " bytes)"
}

func itoa(n int) string { return Spec{Scheme: inherited, FD: n}.String()[len("fd:"):] }

// namesOf are the names of the bits of flags, and what is left over.
func namesOf(flags int, names []fdio.Flag) (list []string, rest int) {
	rest = flags
	for _, f := range names {
		if f.Bits != 0 && rest&f.Bits == f.Bits {
			list, rest = append(list, f.Name), rest&^f.Bits
		}
	}
	return list, rest
}

// numbered is n bytes of lines that differ.
func numbered(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteString(itoa(i))
		b.WriteByte('\n')
	}
	return b.String()[:n]
}

// told is a field of d's details as text, empty where there is none.
func told(d Descriptor, name string) string {
	for _, f := range d.Details {
		if text, ok := f.Value.(cmsg.Bytes); ok && f.Name == name {
			return string(text)
		}
		if f.Name == name {
			return fmt.Sprint(f.Value)
		}
	}
	return ""
}
