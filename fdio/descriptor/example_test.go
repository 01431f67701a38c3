package descriptor_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"fdmsg/fdio/descriptor"

	"golang.org/x/sys/unix"
)

// An Inspector says what a descriptor is, and reads what is in it without moving
// its offset.
func ExampleInspector() {
	path := filepath.Join(os.TempDir(), fmt.Sprint("fdio-example-", os.Getpid()))
	if err := os.WriteFile(path, []byte("21.5\n"), 0o640); err != nil {
		log.Fatal(err)
	}
	file, err := os.Open(path)
	os.Remove(path)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()

	in := descriptor.NewInspector()
	defer in.Release()
	d := in.Describe(int(file.Fd()))
	fmt.Println(d.Kind, d.Path == path, "deleted:", d.Deleted, "readable:", d.Readable(), "writable:", d.Writable())
	fmt.Println(d.Inode.Size, "bytes, offset", d.Offset)

	in.Read(context.Background(), &d, nil, descriptor.ReadOptions{Which: descriptor.Files, Limit: 1 << 20})
	if d.Content.Err != nil {
		log.Fatal(d.Content.Err)
	}
	fmt.Printf("%q\n", d.Content.Data)

	// Output:
	// file true deleted: true readable: true writable: false
	// 5 bytes, offset 0
	// "21.5\n"
}

// Open opens what a DESCRIPTOR names, here a copy of a file in memory that nobody
// can change.
func ExampleParseSpec() {
	path := filepath.Join(os.TempDir(), fmt.Sprint("fdio-example-", os.Getpid()))
	if err := os.WriteFile(path, []byte("21.5"), 0o600); err != nil {
		log.Fatal(err)
	}
	defer os.Remove(path)
	spec, err := descriptor.ParseSpec("memfd:" + path)
	if err != nil {
		log.Fatal(err)
	}
	fd, err := spec.Open(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), spec.String())
	defer file.Close()

	content, err := io.ReadAll(file)
	fmt.Printf("%s, %v\n", content, err)
	_, err = unix.Pwrite(fd, []byte("99"), 0)
	fmt.Println("writing to it:", err)

	// Output:
	// 21.5, <nil>
	// writing to it: operation not permitted
}

// A large content is left in its file, and read piece by piece.
func ExampleDeferred() {
	file, err := os.CreateTemp("", "fdio")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	os.Remove(file.Name())
	if _, err := file.Write(bytes.Repeat([]byte("temperature 21.5\n"), 100_000)); err != nil {
		log.Fatal(err)
	}
	in := descriptor.NewInspector()
	defer in.Release()
	d := in.Describe(int(file.Fd()))
	in.Read(context.Background(), &d, nil, descriptor.ReadOptions{Which: descriptor.Files, Limit: 1 << 30, Defer: 1 << 20})

	shout := func(dst, data []byte) []byte { return append(dst, bytes.ToUpper(data)...) }
	pieces, total := d.Content.Deferred.Pieces(shout), int64(0)
	for {
		made, n, err := pieces.Next()
		if total == 0 {
			fmt.Printf("%s\n", made[0][:16])
		}
		total += n
		if err != nil {
			fmt.Println(total, "bytes of text:", d.Content.Deferred.IsText, "whole:", err == io.EOF)
			break
		}
	}

	// Output:
	// TEMPERATURE 21.5
	// 1700000 bytes of text: true whole: true
}

// AwaitHangup returns when the reader of a pipe has gone.
func ExampleAwaitHangup() {
	r, w, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	defer w.Close()
	go r.Close()
	fmt.Println(descriptor.AwaitHangup(context.Background(), int(w.Fd())))

	// Output:
	// <nil>
}
