package intake

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// room limits what the batches of all connections occupy together, beyond the one
// message that each connection may always receive.
type room struct {
	places      atomic.Int64 // messages with memory of their own
	descriptors atomic.Int64
	most        int64 // the most descriptors
}

// maxPlaces is the most messages that have memory of their own, largePlace the most bytes
// of data of such a message.
const (
	maxPlaces  = 128
	largePlace = 256 << 10
)

func (r *room) init() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return
	}
	// The larger part is left for what each single message needs.
	const reserve = 64
	r.most = int64(max(min(limit.Cur, 1<<20), reserve)-reserve) / 4
}

// take reserves places and descriptors, if there are enough.
func (r *room) take(places, descriptors int) bool {
	if places > 0 && r.places.Add(int64(places)) > maxPlaces {
		r.places.Add(-int64(places))
		return false
	}
	if descriptors > 0 && r.descriptors.Add(int64(descriptors)) > r.most {
		r.give(places, descriptors)
		return false
	}
	return true
}

// hold counts descriptors that exist, even if they exceed the limit.
func (r *room) hold(descriptors int) { r.descriptors.Add(int64(descriptors)) }

// give returns what take has reserved or hold has counted.
func (r *room) give(places, descriptors int) {
	if places > 0 {
		r.places.Add(-int64(places))
	}
	if descriptors > 0 {
		r.descriptors.Add(-int64(descriptors))
	}
}
