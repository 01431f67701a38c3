package intake

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"fdmsg/fdio"
	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/frame"
)

// Rights says what becomes of descriptors that come.
type Rights int

// What can become of descriptors.
const (
	Pass Rights = iota // they are taken
	Drop               // the message is taken, and they are closed
	Cut                // the connection is closed; of a datagram socket, the message is refused
)

// Options say what is received, and how. Sizes are in bytes.
type Options struct {
	Count       int        // end after so many messages, over all sockets; 0: no limit
	Flags       int        // of recvmsg(2): MSG_PEEK, MSG_WAITALL ...
	Sizes       []int      // of the buffers that a message is scattered to: one or several
	ControlSize int        // room for control messages
	Frame       frame.Kind // what a message is in a stream
	MaxFrame    int        // the longest message of a frame
	Rights      Rights

	// OneByOne makes every batch one message, and receives none before the one
	// before it is done with.
	OneByOne bool
	// Drain is for how long, once the run is to end, what is queued by then is
	// still received; below 0 it is not received at all.
	Drain time.Duration
	// Allow reports whether a peer may be listened to. It is given nil where nobody
	// knows who the peer is. A nil function allows everybody.
	Allow func(*cmsg.Credentials) bool

	MaxConnections int           // at once; 0: no limit
	IdleTimeout    time.Duration // closes connections on which nothing has come for so long; 0: never

	// NewSink makes the sink of a connection, when its first message is there.
	NewSink  func(*Conn) Sink
	Observer Observer // nil: nobody
}

// Sink takes the messages of one connection.
type Sink interface {
	// Take takes a batch over; batches come in the order of the messages. The sink
	// calls Release when it is done with the batch, which it must be before Take
	// returns where the batch is Borrowed. After an error nothing more is received
	// on the connection; what has been received already still comes.
	Take(b *Batch) error
	// Flush returns when everything that was taken is done. It comes before each
	// wait for messages, and at the end.
	Flush() error
}

// Observer is told what happens besides messages. Its methods may be called by
// several goroutines at once.
type Observer interface {
	Opened(c *Conn)
	// Closed is told of the end of an accepted connection, with the error that was
	// its cause, if any.
	Closed(c *Conn, err error)
	// Left is told of what was queued and not received when the time of Drain was up.
	Left(c *Conn, what *UnreadError)
	// Refused is told of a connection or a message that was not taken.
	Refused(c *Conn, from Sender, why Refusal)
	// Warn is told of what is short for a while.
	Warn(err error)
}

// Refusal is why a connection or a message was not taken.
type Refusal int

// The refusals.
const (
	TooMany        Refusal = iota // connections: Options.MaxConnections
	NotAllowed                    // Options.Allow
	HasDescriptors                // Options.Rights is Cut
)

// How receiving ends, beside io.EOF and errors of the socket.
var (
	ErrCounted     = errors.New("the count of messages is reached")
	ErrIdle        = errors.New("nothing came for longer than the idle timeout")
	ErrDescriptors = errors.New("descriptors came")
)

// Intake is one run of receiving.
type Intake struct {
	opts   Options
	parent context.Context // ends by a signal or a timeout, by nothing else
	ctx    context.Context // ends when no more is to be received
	stop   context.CancelCauseFunc

	count    count
	room     room
	naps     chan struct{} // a place for each connection that may nap at once
	batches  sync.Pool
	chunks   sync.Pool
	stopper  stopper
	endedAt  atomic.Int64 // when parent ended, in nanoseconds since 1970; 0: it has not
	received atomic.Int64 // messages
}

// New begins a run, which ends with ctx.
func New(ctx context.Context, opts Options) *Intake {
	in := &Intake{opts: opts, parent: ctx}
	in.ctx, in.stop = context.WithCancelCause(ctx)
	in.SetCount(opts.Count)
	in.room.init()
	in.naps = newNaps()
	in.batches.New = func() any { return &Batch{in: in} }
	in.chunks.New = func() any { return &chunk{data: make([]byte, opts.size())} }
	in.stopper.init(in.ctx)
	context.AfterFunc(ctx, func() { in.endedAt.Store(time.Now().UnixNano()) })
	return in
}

// SetCount sets Options.Count, before anything is received.
func (in *Intake) SetCount(messages int) {
	in.opts.Count = messages
	in.count.init(messages, func() { in.stop(ErrCounted) })
}

// Context ends when no more is to be received. Its cause says why: ErrCounted, what
// Stop was given, or the cause of the context that the run began with.
func (in *Intake) Context() context.Context { return in.ctx }

// Stop ends the run, without draining.
func (in *Intake) Stop(cause error) { in.stop(cause) }

// Received is how many messages have been received.
func (in *Intake) Received() int64 { return in.received.Load() }

// size is how many bytes of data a message has room for.
func (o *Options) size() (n int) {
	for _, size := range o.Sizes {
		n += size
	}
	return n
}

// nobody is the Observer where nobody is told.
type nobody struct{}

func (nobody) Opened(*Conn)                   {}
func (nobody) Closed(*Conn, error)            {}
func (nobody) Left(*Conn, *UnreadError)       {}
func (nobody) Refused(*Conn, Sender, Refusal) {}
func (nobody) Warn(error)                     {}

func (in *Intake) observer() Observer {
	if in.opts.Observer == nil {
		return nobody{}
	}
	return in.opts.Observer
}

// allows reports whether a peer may be listened to.
func (in *Intake) allows(peer *cmsg.Credentials) bool {
	return in.opts.Allow == nil || in.opts.Allow(peer)
}

// wrap is the error of receiving from an address.
func wrap(address string, err error) error {
	return &fdio.Error{Name: address, Op: "receive", Err: err}
}
