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

// Rights says what happens to descriptors that arrive.
type Rights int

// The values of Rights.
const (
	Pass Rights = iota // the sink gets them
	Drop               // the sink gets the message, and they are closed
	Cut                // the connection ends with ErrDescriptors; on a datagram socket, the message is refused
	Fail               // receiving ends with ErrDescriptors, on a datagram socket, too
)

// refuses reports whether messages with descriptors are refused.
func (r Rights) refuses() bool { return r == Cut || r == Fail }

// Options say what is received and how. Sizes are in bytes. Sizes and NewSink must be set,
// and MaxFrame if Frame is; the zero values of the others are useful.
type Options struct {
	Count       int        // the run ends after this number of messages over all sockets; 0: no limit
	Flags       int        // of recvmsg(2): MSG_PEEK, MSG_WAITALL ...
	Sizes       []int      // of the buffers into which a message is received: one or several
	ControlSize int        // room for control messages
	Frame       frame.Kind // how messages are told apart in a stream
	MaxFrame    int        // the longest message of a frame
	Rights      Rights

	// OneByOne makes every batch one message, and receives the next message only
	// after the sink has returned.
	OneByOne bool
	// Drain is for how long, when the run is to end, messages that are queued by then
	// are still received. If it is negative they are not.
	Drain time.Duration
	// Allow reports whether messages of a peer are taken. Its argument is nil if the
	// credentials of the peer are not known. A nil function allows everyone.
	Allow func(*cmsg.Credentials) bool

	MaxConnections int           // at once; 0: no limit
	IdleTimeout    time.Duration // connections on which nothing arrives for this long are closed; 0: never

	// NewSink returns the sink of a connection. It is called for the first message.
	NewSink  func(*Conn) Sink
	Observer Observer // may be nil
}

// Sink takes the messages of one connection.
type Sink interface {
	// Take takes over a batch. Batches come in the order of the messages. The sink
	// calls Release when it no longer needs the batch, before Take returns if the
	// batch is Borrowed. After an error no more is received on the connection, but
	// Take is still called with what has been received already. The last batch may be
	// the beginning of a message: Batch.Incomplete.
	Take(b *Batch) error
	// Flush finishes everything that was taken. It is called before each wait for
	// messages, and at the end.
	Flush() error
}

// Observer is told of events other than messages. Several goroutines may call its
// methods at once.
type Observer interface {
	// Opened is called when a connection has been accepted.
	Opened(c *Conn)
	// Closed is called when an accepted connection has ended, with the error that
	// ended it, if there was one.
	Closed(c *Conn, err error)
	// Left is called if messages were queued but not received when draining ended.
	Left(c *Conn, what *UnreadError)
	// Failed is called with an error after which the run goes on: one that a socket
	// returned before its messages, or that concerns one of its peers; one that ended
	// a socket that was not accepted, while others are served; or one of a connection
	// that could not be accepted, where c is the listening socket.
	Failed(c *Conn, err error)
	// Refused is called when a connection or a message is refused.
	Refused(c *Conn, from Sender, why Refusal)
	// Warn is called when descriptors or memory are short, for which the run waits.
	Warn(err error)
}

// Refusal is the reason why a connection or a message is refused.
type Refusal int

// The reasons for a refusal.
const (
	TooMany        Refusal = iota // connections: Options.MaxConnections
	NotAllowed                    // Options.Allow
	HasDescriptors                // Options.Rights is Cut, on a datagram socket
)

// Reasons for the end of receiving other than io.EOF and errors of the socket.
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
	naps     chan struct{} // its capacity is how many connections may nap at once
	batches  sync.Pool
	chunks   sync.Pool
	stopper  stopper
	endedAt  atomic.Int64 // when parent ended, in nanoseconds since 1970; 0: it has not
	received atomic.Int64 // messages
}

// New returns a new run, which ends when ctx does.
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

// Context returns a context that ends when no more is to be received. Its cause is
// ErrCounted, the argument of Stop, or the cause of the context given to New.
func (in *Intake) Context() context.Context { return in.ctx }

// Stop ends the run, without draining.
func (in *Intake) Stop(cause error) { in.stop(cause) }

// Received returns the number of messages that have been received.
func (in *Intake) Received() int64 { return in.received.Load() }

// size returns the room for the data of a message in bytes.
func (o *Options) size() (n int) {
	for _, size := range o.Sizes {
		n += size
	}
	return n
}

// Nobody is an Observer that does nothing. One that is interested in some events embeds it.
type Nobody struct{}

// Opened does nothing.
func (Nobody) Opened(*Conn) {}

// Closed does nothing.
func (Nobody) Closed(*Conn, error) {}

// Left does nothing.
func (Nobody) Left(*Conn, *UnreadError) {}

// Failed does nothing.
func (Nobody) Failed(*Conn, error) {}

// Refused does nothing.
func (Nobody) Refused(*Conn, Sender, Refusal) {}

// Warn does nothing.
func (Nobody) Warn(error) {}

func (in *Intake) observer() Observer {
	if in.opts.Observer == nil {
		return Nobody{}
	}
	return in.opts.Observer
}

// allows reports whether messages of a peer are taken.
func (in *Intake) allows(peer *cmsg.Credentials) bool {
	return in.opts.Allow == nil || in.opts.Allow(peer)
}

// wrap returns the error of receiving from an address.
func wrap(address string, err error) error {
	return &fdio.Error{Name: address, Op: "receive", Err: err}
}
