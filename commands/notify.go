package commands

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"fdmsg/fdio"
)

// notifyTimeout is how long the service manager may take to receive a notification.
const notifyTimeout = 5 * time.Second

// notify tells the service manager the state of fdmsg, if there is a service manager that
// wants to know: sd_notify(3). A failure is a warning.
func notify(state string) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	if err := sendNotification(name, state); err != nil {
		warn("listen", fmt.Errorf("NOTIFY_SOCKET: %w", err))
	}
}

func sendNotification(name, state string) error {
	if abstract, ok := strings.CutPrefix(name, "@"); ok {
		name = "\x00" + abstract
	} else if name[0] != '/' {
		return fmt.Errorf("%s is neither a path nor an abstract name", name)
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), notifyTimeout, errTimeout)
	defer cancel()
	s, err := fdio.Dial(ctx, fdio.Address{Network: fdio.UnixDatagram, Name: name}, fdio.DialOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = s.Send(ctx, fdio.Outgoing{Buffers: [][]byte{[]byte(state)}})
	return err
}
