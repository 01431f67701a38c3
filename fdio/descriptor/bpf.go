package descriptor

import (
	"bytes"
	"cmp"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"fdmsg/fdio/cmsg"

	"golang.org/x/sys/unix"
)

// describeBPF says which bpf(2) object it is, by its fdinfo, and its name, by
// BPF_OBJ_GET_INFO_BY_FD.
func describeBPF(_ *Inspector, d *Descriptor) {
	info := readFdinfo(d.FD)
	object := strings.TrimPrefix(strings.TrimPrefix(d.Name, "anon_inode:"), "bpf")
	object = strings.Trim(object, "-_")
	d.detail("object", cmsg.String(object))
	for _, name := range []string{"map_type", "prog_type", "link_type"} {
		if value := info.value(name); value != "" {
			d.detail("type", cmsg.String(bpfType(name, value)))
		}
	}
	for _, name := range []string{"map_id", "prog_id", "link_id", "btf_id"} {
		if value := info.value(name); value != "" {
			d.detail(strings.TrimPrefix(name, object+"_"), cmsg.String(value))
		}
	}
	// Where the name is in struct bpf_map_info and bpf_prog_info of <linux/bpf.h>.
	offset := map[string]int{"map": 24, "prog": 64}[object]
	if name := bpfName(d.FD, offset); name != "" {
		d.detail("name", cmsg.Bytes(name))
	}
	for _, name := range []string{"key_size", "value_size", "max_entries"} {
		if value := info.value(name); value != "" {
			d.detail(name, cmsg.Int(parseNumber(value, 10)))
		}
	}
}

// The types of <linux/bpf.h>, without their prefixes and in lower case, in the
// order of their numbers.
const (
	bpfMapTypes = `
		unspec hash array prog_array perf_event_array percpu_hash percpu_array stack_trace
		cgroup_array lru_hash lru_percpu_hash lpm_trie array_of_maps hash_of_maps devmap sockmap
		cpumap xskmap sockhash cgroup_storage reuseport_sockarray percpu_cgroup_storage queue
		stack sk_storage devmap_hash struct_ops ringbuf inode_storage task_storage bloom_filter
		user_ringbuf cgrp_storage arena`
	bpfProgTypes = `
		unspec socket_filter kprobe sched_cls sched_act tracepoint xdp perf_event cgroup_skb
		cgroup_sock lwt_in lwt_out lwt_xmit sock_ops sk_skb cgroup_device sk_msg raw_tracepoint
		cgroup_sock_addr lwt_seg6local lirc_mode2 sk_reuseport flow_dissector cgroup_sysctl
		raw_tracepoint_writable cgroup_sockopt tracing struct_ops ext lsm sk_lookup syscall
		netfilter`
)

// bpfType returns the name of a type, which the field of fdinfo has as a number,
// except for links.
func bpfType(field, value string) string {
	names := ""
	switch field {
	case "map_type":
		names = bpfMapTypes
	case "prog_type":
		names = bpfProgTypes
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		return value
	}
	return cmp.Or(nameOf(strings.Fields(names), n), value)
}

// bpfName returns the name of a bpf(2) object, which is at offset in what
// BPF_OBJ_GET_INFO_BY_FD returns. It is empty without a name, or without
// permission.
func bpfName(fd, offset int) string {
	const nameSize = 16 // BPF_OBJ_NAME_LEN
	if offset == 0 {
		return ""
	}
	info := new([256]byte)
	var pinner runtime.Pinner // the kernel is given its address as a number
	pinner.Pin(info)
	defer pinner.Unpin()
	// The member of union bpf_attr for this command.
	attr := struct {
		fd   uint32
		size uint32
		info uint64
	}{uint32(fd), uint32(len(info)), uint64(uintptr(unsafe.Pointer(info)))}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_OBJ_GET_INFO_BY_FD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return ""
	}
	name, _, _ := bytes.Cut(info[offset:offset+nameSize], []byte{0})
	return string(name)
}
