package descriptor

import (
	"os"
	"strconv"
	"strings"
)

// fdinfo is what the kernel says of an open file description:
// /proc/self/fdinfo, proc_pid_fdinfo(5).
type fdinfo string

func readFdinfo(fd int) fdinfo {
	text, _ := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(fd))
	return fdinfo(text)
}

// value is what stands behind the name and a colon at the beginning of a line,
// empty where there is no such line.
func (info fdinfo) value(name string) string {
	for line := range strings.Lines(string(info)) {
		if rest, ok := strings.CutPrefix(line, name); ok && strings.HasPrefix(rest, ":") {
			return strings.TrimSpace(rest[1:])
		}
	}
	return ""
}

// number is a value as a number in the given base, 0 where there is none.
func (info fdinfo) number(name string, base int) uint64 {
	return parseNumber(info.value(name), base)
}

func parseNumber(text string, base int) uint64 {
	n, _ := strconv.ParseUint(strings.TrimPrefix(text, "0x"), base, 64)
	return n
}

// entries are the lines that begin with the word kind, each as a function that
// gives what stands behind NAME: in it.
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
