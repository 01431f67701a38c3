package cmsg_test

import (
	"fmt"
	"log"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// Control messages are appended to a buffer, which goes to sendmsg(2), and taken
// out of one that recvmsg(2) has filled.
func Example() {
	control := cmsg.AppendRights(nil, []int{5, 6})
	own := cmsg.Credentials{PID: 4711, UID: 1000, GID: 1000}
	for _, text := range []string{"SOL_SOCKET:SCM_CREDENTIALS:uid=0", "IPPROTO_IP:IP_TTL:int=64"} {
		m, err := cmsg.Parse(text, own)
		if err != nil {
			log.Fatal(err)
		}
		control = cmsg.Append(control, m)
	}

	for m := range cmsg.Messages(control) {
		fmt.Println(cmsg.LevelName(m.Level), cmsg.TypeName(m.Level, m.Type))
		fields, err := m.Decode()
		if err != nil {
			log.Fatal(err)
		}
		for _, f := range fields {
			fmt.Println("   ", f.Name, f.Value)
		}
	}
	// Output:
	// SOL_SOCKET SCM_RIGHTS
	//     fds [5 6]
	// SOL_SOCKET SCM_CREDENTIALS
	//     pid 4711
	//     uid 0
	//     gid 1000
	// IPPROTO_IP IP_TTL
	//     ttl 64
}

// What the kernel wrote can be cut in the middle of a control message.
func ExampleNext() {
	whole := cmsg.AppendRights(nil, []int{7})
	control := cmsg.Append(whole, cmsg.Message{Level: unix.SOL_SOCKET, Type: unix.SO_MARK, Data: make([]byte, 4)})
	control = control[:len(whole)+cmsg.Len(2)] // half of the data is missing

	for {
		m, rest, ok, err := cmsg.Next(control)
		if !ok {
			break
		}
		fmt.Println(cmsg.TypeName(m.Level, m.Type), m.Rights(nil), err)
		control = rest
	}
	// Output:
	// SCM_RIGHTS [7] <nil>
	// SO_MARK [] malformed control message
}
