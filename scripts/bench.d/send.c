// The load for listen: sends messages as fast as they are taken.
//
//	send ADDRESS COUNT GATHER DESCRIPTORS WATCH [FILE]
//
// ADDRESS is unix-seqpacket:PATH, unix:PATH or udp:HOST:PORT. It connects, writes a
// newline to standard output, and begins when a byte comes on standard input.
//
// A message has 64 bytes: its number, padded, and a newline. GATHER of them go out
// in one sendmmsg(2), or each in a sendmsg(2) of its own where that is 1. Each carries
// FILE, opened DESCRIPTORS times. With GATHER 0 it sends nothing: it makes COUNT
// connections, and keeps them until the end of standard input.
//
// On Unix sockets the kernel makes a sender wait. On UDP nothing does, so WATCH is a
// copy of the receiver's socket, in which the sender sees how much is waiting; it is
// -1 for the others.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { message_size = 64, max_gather = 64, max_descriptors = 253 };

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int connect_to(const char *address)
{
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
	} to = {};
	socklen_t size;
	int type = SOCK_STREAM;
	const char *rest = strchr(address, ':') + 1;
	if (!strncmp(address, "udp:", 4)) {
		char host[INET_ADDRSTRLEN];
		int port;
		if (sscanf(rest, "%15[0-9.]:%d", host, &port) != 2 || !inet_aton(host, &to.in.sin_addr)) {
			fprintf(stderr, "%s: no address\n", address);
			exit(2);
		}
		type = SOCK_DGRAM;
		to.in.sin_family = AF_INET;
		to.in.sin_port = htons(port);
		size = sizeof to.in;
	} else {
		if (!strncmp(address, "unix-seqpacket:", 15))
			type = SOCK_SEQPACKET;
		to.un.sun_family = AF_UNIX;
		strncpy(to.un.sun_path, rest, sizeof to.un.sun_path - 1);
		size = sizeof to.un;
	}
	int fd = socket(to.any.sa_family, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &to.any, size))
		die(address);
	return fd;
}

static void pause_for(long nanoseconds) { nanosleep(&(struct timespec){.tv_nsec = nanoseconds}, NULL); }

// wait_for_room waits until less than half of the receive buffer of watch is taken, the
// other half being more than what is sent before the next look. What the kernel counts
// as taken is up to a quarter too much. There is nothing that would tell a sender of it,
// so it looks again and again.
static void wait_for_room(int watch)
{
	for (;;) {
		uint32_t memory[SK_MEMINFO_VARS];
		socklen_t size = sizeof memory;
		if (getsockopt(watch, SOL_SOCKET, SO_MEMINFO, memory, &size))
			die("getsockopt");
		if (memory[SK_MEMINFO_DROPS]) {
			fprintf(stderr, "send: the receiver has lost %u messages\n", memory[SK_MEMINFO_DROPS]);
			exit(1);
		}
		if (memory[SK_MEMINFO_RMEM_ALLOC] <= memory[SK_MEMINFO_RCVBUF] / 2)
			return;
		pause_for(20000);
	}
}

// send_some sends n messages, and returns how many have gone out.
static int send_some(int fd, struct mmsghdr *messages, int n)
{
	int sent = n == 1 ? sendmsg(fd, &messages->msg_hdr, MSG_NOSIGNAL) : sendmmsg(fd, messages, n, MSG_NOSIGNAL);
	if (sent >= 0)
		return n == 1 ? 1 : sent;
	// More descriptors are under way than this user may have open.
	if (errno != ETOOMANYREFS && errno != EINTR)
		die("sendmsg");
	pause_for(100000);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 6 && argc != 7) {
		fprintf(stderr, "usage: send ADDRESS COUNT GATHER DESCRIPTORS WATCH [FILE]\n");
		return 2;
	}
	long count = atol(argv[2]);
	int gather = atoi(argv[3]), descriptors = atoi(argv[4]), watch = atoi(argv[5]);
	if (gather > max_gather || descriptors > max_descriptors)
		return 2;
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);

	int fd = connect_to(argv[1]);
	for (long i = 1; gather == 0 && i < count; i++)
		connect_to(argv[1]);

	static union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(max_descriptors * sizeof(int))];
	} control;
	control.header = (struct cmsghdr){CMSG_LEN(descriptors * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	for (int i = 0; i < descriptors; i++) {
		int file = open(argv[6], O_RDONLY | O_CLOEXEC);
		if (file < 0)
			die(argv[6]);
		memcpy(CMSG_DATA(&control.header) + i * sizeof file, &file, sizeof file);
	}
	static char text[max_gather][message_size];
	static struct iovec parts[max_gather];
	static struct mmsghdr messages[max_gather];
	for (int i = 0; i < gather; i++) {
		memset(text[i], ' ', message_size - 1);
		text[i][message_size - 1] = '\n';
		parts[i] = (struct iovec){text[i], message_size};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
		if (descriptors) {
			messages[i].msg_hdr.msg_control = &control;
			messages[i].msg_hdr.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
		}
	}

	char go;
	if (write(STDOUT_FILENO, "\n", 1) != 1 || read(STDIN_FILENO, &go, 1) != 1)
		return 0;
	for (long sent = 0; sent < count;) {
		int n = count - sent < gather ? count - sent : gather;
		for (int i = 0; i < n; i++) {
			char *end = text[i] + 10;
			for (long rest = sent + i; end > text[i]; rest /= 10)
				*--end = '0' + rest % 10;
		}
		for (int done = 0; done < n;) {
			if (watch >= 0)
				wait_for_room(watch);
			done += send_some(fd, messages + done, n - done);
		}
		sent += n;
	}
	return 0;
}
