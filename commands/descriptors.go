package commands

import (
	"context"
	"time"

	"fdmsg/fdio/cmsg"
	"fdmsg/fdio/descriptor"

	"golang.org/x/sys/unix"
)

// This file deals with the descriptors that a command line names or a message has.

func parseSpecs(texts []string, wait Duration, stdin *claims) (specs []descriptor.Spec, err error) {
	for _, text := range texts {
		spec, err := descriptor.ParseSpec(text)
		if err != nil {
			return nil, usage(err, "")
		}
		stdin.spec(spec)
		spec.Wait = time.Duration(wait)
		specs = append(specs, spec)
	}
	return specs, nil
}

// openAll opens descriptors in order, all or none. release closes those that it has opened,
// which are not the inherited ones.
func openAll(ctx context.Context, specs []descriptor.Spec) (fds []int, release func(), err error) {
	release = func() {
		for i, fd := range fds {
			if !specs[i].Inherited() {
				unix.Close(fd)
			}
		}
	}
	for _, spec := range specs {
		fd, err := spec.Open(ctx)
		if err != nil {
			release()
			return nil, nil, err
		}
		fds = append(fds, fd)
	}
	return fds, release, nil
}

// describeAll describes all descriptors in control messages.
func describeAll(in *descriptor.Inspector, control []byte) (descriptors []descriptor.Descriptor) {
	var fds []int
	for m := range cmsg.Messages(control) {
		fds = m.Rights(fds)
	}
	return describe(in, fds)
}

func describe(in *descriptor.Inspector, fds []int) []descriptor.Descriptor {
	descriptors := make([]descriptor.Descriptor, len(fds))
	for i, fd := range fds {
		descriptors[i] = in.Describe(fd)
	}
	return descriptors
}
