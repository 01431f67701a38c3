package record_test

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/record"
)

// A line is written with its type and number. What is not UTF-8 is in base64, which
// encoding/json reads into a []byte.
func ExampleAppendMessage() {
	origin := record.Origin{Conn: 1, Local: "unix:/run/s", Peer: &cmsg.Credentials{PID: 123, UID: 0, GID: 0}}
	line := record.AppendHead(nil, record.TypeMessage, 1)
	line = record.AppendMessage(line, &record.Message{
		Time:   time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC),
		Origin: record.AppendOrigin(nil, &origin),
		Data:   []byte("21.5 \xb0C"),
	})
	os.Stdout.Write(line)

	var read struct {
		Seq     uint64
		Message string
		Bytes   []byte `json:"message_base64"`
	}
	if err := json.Unmarshal(line, &read); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d: %q %q\n", read.Seq, read.Message, read.Bytes)
	// Output:
	// {"type":"message","seq":1,"time":"2026-01-02T03:04:05.000006000Z","conn":1,"local":"unix:/run/s","peer":{"pid":123,"uid":0,"gid":0},"message_base64":"MjEuNSCwQw==","size":7,"flags":[],"control":[],"fds":[]}
	// 1: "" "21.5 \xb0C"
}
