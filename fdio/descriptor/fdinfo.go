package descriptor

import (
	"os"
	"strconv"
	"strings"
)

// fdinfo is the text of /proc/self/fdinfo for a descriptor: proc_pid_fdinfo(5).
type fdinfo string

func readFdinfo(fd int) fdinfo {
	text, _ := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(fd))
	return fdinfo(text)
}

// value returns what follows NAME: at the beginning of a line, empty if there is no
// such line.
func (info fdinfo) value(name string) string {
	for line := range strings.Lines(string(info)) {
		if rest, ok := strings.CutPrefix(line, name); ok && strings.HasPrefix(rest, ":") {
			return strings.TrimSpace(rest[1:])
		}
	}
	return ""
}

// number returns a value as a number in the given base, 0 if there is none.
func (info fdinfo) number(name string, base int) uint64 {
	return parseNumber(info.value(name), base)
}

func parseNumber(text string, base int) uint64 {
	n, _ := strconv.ParseUint(strings.TrimPrefix(text, "0x"), base, 64)
	return n
}

// entries returns the lines that begin with the word kind, each as a function that
// returns what follows NAME: in the line.
func (info fdinfo) entries(kind string) (all []func(name string) string) {
	for line := range strings.Lines(string(info)) {
		if !strings.HasPrefix(line, kind) {
			continue
		}
		words := strings.Fields(strings.ReplaceAll(line, ":", ": "))
		all = append(all, func(name string) string {
			for i, word := range words[:len(words)-1] {
				if word == name+":" {
					return words[i+1]
				}
			}
			return ""
		})
	}
	return all
}
