package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/frame"

	"golang.org/x/sys/unix"
)

// These tests run fdmsg listen under a load that FDMSG_SOAK multiplies: it is 1 in
// scripts/test and 100 in scripts/soak.

func soakScale(t *testing.T) int {
	scale, err := strconv.Atoi(os.Getenv("FDMSG_SOAK"))
	if err != nil {
		return 1
	}
	t.Logf("at %d times the size", scale)
	return scale
}

// soakLine is what a line says that these tests look at.
type soakLine struct {
	Conn    int
	Message string
	FDs     []struct{ Type, Content string }
}

// Every message of many peers, with two descriptors each, is a line once, in
// order for each connection, and nothing of it stays behind in the server.
func TestFlood(t *testing.T) {
	const peers = 64
	each := 157 * soakScale(t)
	s := serve(t, "unix-seqpacket:"+filepath.Join(t.TempDir(), "s"))
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rights := cmsg.AppendRights(nil, []int{int(f.Fd()), int(f.Fd())})

	send := func(socket *fdio.Socket, text string) error {
		_, err := socket.Send(t.Context(), fdio.Outgoing{Buffers: [][]byte{[]byte(text)}, Control: rights})
		return err
	}
	warm := s.dial()
	if err := send(warm, "0 0"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.stdout.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	warm.Close()
	before := settled(s.descriptors)
	start := time.Now()

	var senders sync.WaitGroup
	for peer := range peers {
		senders.Go(func() {
			socket := s.dial()
			defer socket.Close()
			for i := range each {
				if err := send(socket, fmt.Sprintf("%d %d", peer, i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	next := make([]int, peers)
	conns := make([]int, peers)
	most := 0
	for n := range peers * each {
		text, err := s.stdout.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		var line soakLine
		if err := json.Unmarshal(text, &line); err != nil {
			t.Fatal(err)
		}
		var peer, i int
		fmt.Sscan(line.Message, &peer, &i)
		if conns[peer] == 0 {
			conns[peer] = line.Conn
		}
		if i != next[peer] || line.Conn != conns[peer] || len(line.FDs) != 2 || line.FDs[0].Content != "content" || line.FDs[1].Content != "content" {
			t.Fatalf("message %d of peer %d, connection %d: %s", next[peer], peer, conns[peer], text)
		}
		next[peer]++
		if n%5000 == 0 {
			most = max(most, s.resident())
		}
	}
	took := time.Since(start)
	senders.Wait()
	if after := settled(s.descriptors); after != before {
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
	t.Logf("%d messages with %d descriptors of %d peers in %.1f s, %.0f/s; resident at most %d KiB", peers*each, 2*peers*each, peers, took.Seconds(), float64(peers*each)/took.Seconds(), most)
	if most > 256<<10 {
		t.Errorf("%d KiB resident", most)
	}
	if rest := s.end(unix.SIGTERM); rest != "" {
		t.Errorf("more lines: %s", rest)
	}
}

// settled is what value gives when it gives the same for a while: what a peer
// closed is closed by the server a moment later.
func settled(value func() int) int {
	last, same := value(), 0
	for end := time.Now().Add(10 * time.Second); same < 20 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if v := value(); v == last {
			same++
		} else {
			last, same = v, 0
		}
	}
	return last
}

// await waits until condition holds, for 20 seconds at most.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// Idle connections cost little, and nothing once they are closed; a busy one is not
// disturbed.
func TestIdleConnections(t *testing.T) {
	idle := min(1000*soakScale(t), 10000)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || int(limit.Max) < idle+100 {
		t.Logf("only %d descriptors are permitted", limit.Max)
		idle = int(limit.Max) - 100
	}
	s := serve(t, filepath.Join(t.TempDir(), "s"))
	busy := s.dial()
	defer busy.Close()
	ask := func(text string) {
		t.Helper()
		if _, err := busy.Send(t.Context(), fdio.Outgoing{Buffers: [][]byte{[]byte(text)}}); err != nil {
			t.Fatal(err)
		}
		if line, err := s.stdout.ReadString('\n'); err != nil || !strings.Contains(line, `"message":"`+text+`"`) {
			t.Fatalf("%s: %v", line, err)
		}
	}
	ask("first")
	before, descriptors := s.resident(), s.descriptors()
	connections := make([]*fdio.Socket, idle)
	for i := range connections {
		connections[i] = s.dial()
	}
	await(t, "all connections are accepted", func() bool { return s.descriptors() >= descriptors+idle })
	ask("with many")
	during := s.resident()
	for _, c := range connections {
		c.Close()
	}
	await(t, "all connections are closed", func() bool { return s.descriptors() <= descriptors })
	ask("alone again")
	each := float64(during-before) / float64(idle)
	t.Logf("%d idle connections: %d KiB resident before, %d during, %d after: %.1f KiB each", idle, before, during, s.resident(), each)
	if each > 6 && !raceEnabled {
		t.Errorf("%.1f KiB for each idle connection", each)
	}
	s.end(unix.SIGTERM)
}

// Whatever had been sent when the server was told to stop is in its output.
func TestEndInMidFlood(t *testing.T) {
	times := min(4*soakScale(t), 200)
	for _, network := range []fdio.Network{fdio.Unix, fdio.UnixSeqpacket, fdio.UnixDatagram} {
		sent := 0
		for range times {
			sent += endInMidFlood(t, network)
		}
		t.Logf("%s: ended %d times after %d messages in all", network, times, sent)
	}
}

func endInMidFlood(t *testing.T, network fdio.Network) int {
	args := []string{"--size", "4K", "--drain", "20"}
	if network == fdio.Unix {
		args = append(args, "--frame", "line")
	}
	s := serve(t, string(network)+":"+filepath.Join(t.TempDir(), "s"), args...)
	const peers = 4
	sent := make([]int, peers)
	var senders sync.WaitGroup
	for peer := range peers {
		socket := s.dial()
		senders.Go(func() {
			defer socket.Close()
			for {
				text := fmt.Appendf(nil, "%d %d", peer, sent[peer])
				buffers, _ := map[bool]frame.Kind{true: frame.Line, false: frame.Chunk}[network == fdio.Unix].Complete([][]byte{text})
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				_, err := socket.Send(ctx, fdio.Outgoing{Buffers: buffers})
				cancel()
				if err != nil {
					return // the server takes no more
				}
				sent[peer]++
			}
		})
	}
	var output strings.Builder
	for range 50 {
		line, err := s.stdout.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		output.WriteString(line)
	}
	output.WriteString(s.end(unix.SIGTERM))
	senders.Wait()
	got := make([]int, peers)
	for text := range strings.Lines(output.String()) {
		var line soakLine
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		var peer, i int
		fmt.Sscan(line.Message, &peer, &i)
		if i != got[peer] {
			t.Fatalf("%s: message %d of peer %d comes after %d", network, i, peer, got[peer])
		}
		got[peer]++
	}
	all := 0
	for peer := range peers {
		// What failed may have been taken all the same.
		if got[peer] < sent[peer] || got[peer] > sent[peer]+1 {
			t.Fatalf("%s: %d messages of peer %d were sent, %d came", network, sent[peer], peer, got[peer])
		}
		all += got[peer]
	}
	return all
}

// Of many servers that begin on one path at once, one wins, and the others say
// that it is taken; the path works, and is gone with the winner.
func TestStartRace(t *testing.T) {
	const servers = 50
	for range min(1*soakScale(t), 20) {
		dir := t.TempDir()
		path := filepath.Join(dir, "s")
		type outcome struct {
			err    error
			stderr string
		}
		outcomes := make(chan outcome, servers)
		winner := make(chan *exec.Cmd, servers)
		for range servers {
			var stderr bytes.Buffer
			cmd := exec.Command(listenProgram(t), "listen", "-q", path)
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { cmd.Process.Kill() })
			go func() {
				winner <- cmd
				err := cmd.Wait()
				outcomes <- outcome{err, stderr.String()}
			}()
		}
		for range servers - 1 {
			o := <-outcomes
			if exit, ok := o.err.(*exec.ExitError); !ok || exit.ExitCode() != 1 || !strings.Contains(o.stderr, "address already in use") {
				t.Fatalf("a loser: %v: %s", o.err, o.stderr)
			}
		}
		address, err := fdio.ParseAddress(path)
		if err != nil {
			t.Fatal(err)
		}
		socket, err := fdio.Dial(t.Context(), address, fdio.DialOptions{Wait: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		socket.Close()
		for range servers {
			(<-winner).Process.Signal(unix.SIGTERM)
		}
		if o := <-outcomes; o.err != nil || o.stderr != "" {
			t.Fatalf("the winner: %v: %s", o.err, o.stderr)
		}
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Fatal("the socket's file is left behind")
		}
	}
}
