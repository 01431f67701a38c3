package cmsg

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestLevelsHaveTheNamesOfTheManPages(t *testing.T) {
	tests := map[int]string{
		unix.SOL_SOCKET:   "SOL_SOCKET",
		unix.IPPROTO_IP:   "IPPROTO_IP",
		unix.IPPROTO_IPV6: "IPPROTO_IPV6",
		unix.IPPROTO_TCP:  "IPPROTO_TCP",
		unix.IPPROTO_UDP:  "IPPROTO_UDP",
		unix.SOL_NETLINK:  "SOL_NETLINK",
		unix.SOL_TLS:      "SOL_TLS",
		9999:              "9999",
		-1:                "-1",
		-1 << 31:          "-2147483648",
	}
	for level, want := range tests {
		if got := LevelName(level); got != want {
			t.Errorf("LevelName(%d) = %q, want %q", level, got, want)
		}
	}
}

func TestTypesHaveNamesWithinTheirLevel(t *testing.T) {
	tests := []struct {
		level, typ int
		want       string
	}{
		{unix.SOL_SOCKET, unix.SCM_RIGHTS, "SCM_RIGHTS"},
		{unix.SOL_SOCKET, unix.SCM_CREDENTIALS, "SCM_CREDENTIALS"},
		{unix.SOL_SOCKET, unix.SCM_SECURITY, "SCM_SECURITY"},
		{unix.SOL_SOCKET, unix.SCM_PIDFD, "SCM_PIDFD"},
		{unix.SOL_SOCKET, 283, "283"},
		{unix.SOL_SOCKET, -3, "-3"},
		{9999, unix.SCM_RIGHTS, "1"}, // the number means something else there
	}
	for _, test := range tests {
		if got := TypeName(test.level, test.typ); got != test.want {
			t.Errorf("TypeName(%d, %d) = %q, want %q", test.level, test.typ, got, test.want)
		}
	}
}
