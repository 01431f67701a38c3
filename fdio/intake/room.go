package intake

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// room is what the batches of all connections may take up together, beyond the one
// message that each connection always may receive.
type room struct {
	places      atomic.Int64 // messages with memory of their own
	descriptors atomic.Int64
	most        int64 // descriptors
}

// maxPlaces is how many messages have memory of their own at most, of up to
// largePlace bytes of data each.
const (
	maxPlaces  = 128
	largePlace = 256 << 10
)

func (r *room) init() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return
	}
	// What one message needs goes before what makes many of them faster.
	const reserve = 64
	r.most = int64(max(min(limit.Cur, 1<<20), reserve)-reserve) / 4
}

// take takes places and descriptors, if that many are left.
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

// hold counts descriptors that are there, whether or not that many are left.
func (r *room) hold(descriptors int) { r.descriptors.Add(int64(descriptors)) }

func (r *room) give(places, descriptors int) {
	if places > 0 {
		r.places.Add(-int64(places))
	}
	if descriptors > 0 {
		r.descriptors.Add(-int64(descriptors))
	}
}
