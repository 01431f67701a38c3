package descriptor

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestArenaKeepsEarlierContents(t *testing.T) {
	contents := []string{"first", "", numbered(3 * readChunk), "fourth", numbered(readChunk), "last"}
	for _, room := range []int{0, 8, 1 << 10, 1 << 20} {
		in := NewInspector()
		before := append(make([]byte, 0, room), "before"...)
		arena := before
		ds := make([]Descriptor, len(contents))
		for i, content := range contents {
			fd := filled(t, content)
			if i%2 == 0 {
				fd = open(t, file(t, content), unix.O_RDONLY)
			}
			ds[i] = in.Describe(fd)
			arena = in.Read(t.Context(), &ds[i], arena, generous(All))
		}
		for i, content := range contents {
			wantContent(t, "number "+itoa(i), ds[i].Content, content, false, nil)
		}
		if string(before) != "before" {
			t.Errorf("room for %d: what was in the arena is %q now", room, before)
		}
		// To add to one content is not to write over the next.
		_ = append(ds[0].Content.Data, "overwritten"...)
		wantContent(t, "after the first", ds[2].Content, contents[2], false, nil)
	}
}

// Contents are not copied when one more needs more room than there is, and where
// their size is known, the room is made once.
func TestContentsStayWhereTheyWereRead(t *testing.T) {
	in := NewInspector()
	size := 3 * maxRead
	fd := open(t, file(t, numbered(size)), unix.O_RDONLY)
	var arena []byte
	allocated := testing.AllocsPerRun(10, func() {
		d := in.Describe(fd)
		arena = in.Read(t.Context(), &d, arena[:0:0], generous(Files))
		if len(d.Content.Data) != size || &d.Content.Data[0] != &arena[0] || cap(arena) > size+maxSpare {
			t.Fatalf("read %d bytes into an arena of %d", len(d.Content.Data), cap(arena))
		}
	})
	described := testing.AllocsPerRun(10, func() { in.Describe(fd) })
	if allocated > described+1 {
		t.Errorf("%v allocations to read %d bytes, want 1", allocated-described, size)
	}
	two := [2]Descriptor{in.Describe(fd), in.Describe(fd)}
	first := in.Read(t.Context(), &two[0], nil, generous(Files))
	second := in.Read(t.Context(), &two[1], first, generous(Files))
	if &two[0].Content.Data[0] != &first[0] || len(second) != size {
		t.Errorf("the second arena holds %d bytes, not the second content alone", len(second))
	}
}

func TestArenaIsUsedAgain(t *testing.T) {
	fd := open(t, file(t, "content"), unix.O_RDONLY)
	in := NewInspector()
	arena := make([]byte, 0, 100)
	for range 3 {
		d := in.Describe(fd)
		again := in.Read(t.Context(), &d, arena[:0], generous(Files))
		if &again[0] != &arena[:1][0] || string(again) != "content" {
			t.Fatalf("read %q, into other memory", again)
		}
	}
}
