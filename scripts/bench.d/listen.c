// What one would write in C instead of fdmsg listen: it receives messages and
// their descriptors with epoll and recvmsg, asks the kernel what fdmsg asks, and
// writes the line that fdmsg writes to standard output.
//
//	listen ADDRESS READY-FD RCVBUF
//
// ADDRESS is unix-seqpacket:PATH, unix:PATH (a message is a line of the stream) or
// udp:127.0.0.1:0. When bound, it is written to READY-FD. RCVBUF is the size of the
// receive buffer, 0 for that of the system. A signal ends it.
//
// It is as fast as it is because there is less that it can do: there are no other
// addresses and flags, it reads nothing but regular files, and does not mind what
// the peers, the files or the reader of its output do to it.
#define _GNU_SOURCE
#include "line.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

enum {
	message_size = 256 << 10,
	content_limit = 1 << 20,
	flush_limit = 64 << 10,
	max_descriptors = 253,
	max_burst = 64, // messages of one connection, before it is the next one's turn
};

struct connection {
	int fd;
	int type;           // SOCK_SEQPACKET, SOCK_STREAM, SOCK_DGRAM
	char *head;         // "conn", "local" and "peer" of the line
	size_t head_len;
	struct buffer rest; // the beginning of a line of a stream
	int fds[max_descriptors], nfds; // that came with it
};

static int socket_type, listener, epoll, own_fds;
static const char *local;
static uint64_t seq;
static struct buffer out, content;
static char data[message_size];
static union {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(max_descriptors * sizeof(int))];
} control;

static void flush(void)
{
	for (size_t done = 0; done < out.len;) {
		ssize_t n = write(STDOUT_FILENO, out.data + done, out.len - done);
		if (n < 0)
			die("write");
		done += n;
	}
	out.len = 0;
}

static const struct name message_flags[] = {
	{MSG_EOR, "MSG_EOR"}, {MSG_TRUNC, "MSG_TRUNC"}, {MSG_CTRUNC, "MSG_CTRUNC"}, {MSG_OOB, "MSG_OOB"}, {},
};

static const struct name file_flags[] = {
	{O_PATH, "O_PATH"}, {O_TMPFILE, "O_TMPFILE"}, {O_SYNC, "O_SYNC"}, {O_DSYNC, "O_DSYNC"}, {O_APPEND, "O_APPEND"},
	{O_NONBLOCK, "O_NONBLOCK"}, {O_ASYNC, "O_ASYNC"}, {O_DIRECT, "O_DIRECT"}, {O_DIRECTORY, "O_DIRECTORY"},
	{O_NOFOLLOW, "O_NOFOLLOW"}, {O_NOATIME, "O_NOATIME"},
#ifdef __aarch64__
	{0400000, "O_LARGEFILE"},
#else
	{0100000, "O_LARGEFILE"}, // which libc has as 0
#endif
	{},
};

static const char *file_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFIFO:
		return "pipe";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
		return "char";
	case S_IFBLK:
		return "block";
	}
	return "unknown";
}

// file_system is the type of the file system of a mount, from mountinfo. The last
// one is remembered, as most descriptors that come are of one.
static const char *file_system(uint64_t mount)
{
	static uint64_t last;
	static char type[64], line[8192];
	if (mount == last)
		return type;
	last = mount;
	type[0] = 0;
	FILE *file = fopen("/proc/self/mountinfo", "re");
	if (!file)
		return type;
	while (fgets(line, sizeof line, file)) {
		char *tail = strstr(line, " - ");
		if (strtoull(line, NULL, 10) == mount && tail) {
			sscanf(tail, " - %63s", type);
			break;
		}
	}
	fclose(file);
	return type;
}

// trim_partial is the size of what is left of s when a character that a limit
// has cut is taken off its end.
static size_t trim_partial(const unsigned char *s, size_t n)
{
	uint32_t c;
	for (size_t i = 1; i <= 3 && i <= n; i++) {
		if (s[n - i] >> 6 == 2)
			continue;
		return s[n - i] >= 0xc0 && !character(s + n - i, i, &c) ? n - i : n;
	}
	return n;
}

static void put_content(int fd, uint64_t size)
{
	size_t want = (size < content_limit ? size : content_limit) + 1, n = 0;
	for (;;) {
		ssize_t got = pread(fd, room(&content, want) + n, want - n, n);
		if (got < 0) {
			PUT(&out, ",\"content_error\":");
			put_quoted(&out, (unsigned char *)strerror(errno), strlen(strerror(errno)));
			return;
		}
		n += got;
		if (got == 0 || n == want || n == size)
			break;
	}
	bool truncated = n > content_limit;
	if (truncated)
		n = trim_partial((unsigned char *)content.data, content_limit);
	put_text(&out, "content", content.data, n);
	PUT(&out, ",\"content_size\":");
	put_unsigned(&out, n);
	if (truncated)
		PUT(&out, ",\"content_truncated\":true");
}

static void put_descriptor(int fd)
{
	static struct second last;
	static const char *const access[] = {"r", "w", "rw", "none"};
	static struct buffer number;
	char link[4096];
	struct statx st = {};

	int flags = fcntl(fd, F_GETFL);
	statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS | STATX_MNT_ID, &st);
	number.len = 0;
	put_unsigned(&number, fd);
	put(&number, "", 1);
	ssize_t n = readlinkat(own_fds, number.data, link, sizeof link);
	bool regular = S_ISREG(st.stx_mode);

	PUT(&out, "{\"fd\":");
	put_unsigned(&out, fd);
	PUT(&out, ",\"type\":\"");
	put(&out, file_type(st.stx_mode), strlen(file_type(st.stx_mode)));
	PUT(&out, "\"");
	if (n > 0 && link[0] == '/') {
		static const char mark[] = " (deleted)";
		const ssize_t end = n - (sizeof mark - 1);
		bool deleted = st.stx_nlink == 0 && end > 0 && !memcmp(link + end, mark, sizeof mark - 1);
		put_text(&out, "path", link, deleted ? end : n);
		if (deleted)
			PUT(&out, ",\"deleted\":true");
	} else if (n > 0) {
		put_text(&out, "name", link, n);
	}
	const char *mode = access[flags & O_PATH ? 3 : flags & O_ACCMODE];
	PUT(&out, ",\"access\":\"");
	put(&out, mode, strlen(mode));
	PUT(&out, "\"");
	put_names(&out, flags & ~O_ACCMODE, file_flags);
	PUT(&out, ",\"mode\":\"0");
	put_number(&out, st.stx_mode & 07777, 8, 3);
	PUT(&out, "\",\"uid\":");
	put_unsigned(&out, st.stx_uid);
	PUT(&out, ",\"gid\":");
	put_unsigned(&out, st.stx_gid);
	if (regular || S_ISDIR(st.stx_mode)) {
		off_t offset = lseek(fd, 0, SEEK_CUR);
		PUT(&out, ",\"size\":");
		put_unsigned(&out, st.stx_size);
		if (offset >= 0) {
			PUT(&out, ",\"offset\":");
			put_unsigned(&out, offset);
		}
	}
	PUT(&out, ",\"device\":\"");
	put_unsigned(&out, st.stx_dev_major);
	PUT(&out, ":");
	put_unsigned(&out, st.stx_dev_minor);
	PUT(&out, "\",\"inode\":\"");
	put_unsigned(&out, st.stx_ino);
	PUT(&out, "\",\"links\":");
	put_unsigned(&out, st.stx_nlink);
	PUT(&out, ",\"mtime\":");
	put_time(&out, st.stx_mtime.tv_sec, st.stx_mtime.tv_nsec, &last);
	if (n > 0 && link[0] == '/') {
		const char *type = file_system(st.stx_mnt_id);
		PUT(&out, ",\"mount\":\"");
		put_unsigned(&out, st.stx_mnt_id);
		PUT(&out, "\",\"filesystem\":\"");
		put(&out, type, strlen(type));
		PUT(&out, "\"");
	}
	if (regular)
		put_content(fd, st.stx_size);
	PUT(&out, "}");
}

// close_all closes descriptors, with one call where their numbers are in a row.
static void close_all(const int *fds, int n)
{
	for (int i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && fds[end] == fds[end - 1] + 1;)
			end++;
		if (end == i + 1)
			close(fds[i]);
		else
			close_range(fds[i], fds[end - 1], 0);
	}
}

struct message {
	struct timespec time;
	const char *from; // "from" of the line
	size_t from_len;
	const char *text;
	size_t size;
	int flags;
};

// put_line writes the line of a message, and closes the descriptors that came with it.
static void put_line(struct connection *c, const struct message *m)
{
	static struct second last;
	const int *fds = c->fds, nfds = c->nfds, flags = m->flags;
	PUT(&out, "{\"type\":\"message\",\"seq\":");
	put_unsigned(&out, ++seq);
	PUT(&out, ",\"time\":");
	put_time(&out, m->time.tv_sec, m->time.tv_nsec, &last);
	put(&out, c->head, c->head_len);
	put(&out, m->from, m->from_len);
	put_text(&out, "message", m->text, m->size);
	PUT(&out, ",\"size\":");
	put_unsigned(&out, m->size);
	put_names(&out, flags, message_flags);
	if (flags & MSG_TRUNC)
		PUT(&out, ",\"truncated\":true");
	if (flags & MSG_CTRUNC)
		PUT(&out, ",\"control_truncated\":true");
	PUT(&out, ",\"control\":[");
	for (int i = 0; i < nfds; i++) {
		if (i)
			PUT(&out, ",");
		else
			PUT(&out, "{\"level\":\"SOL_SOCKET\",\"type\":\"SCM_RIGHTS\",\"fds\":[");
		put_unsigned(&out, fds[i]);
	}
	if (nfds)
		PUT(&out, "]}");
	PUT(&out, "],\"fds\":[");
	for (int i = 0; i < nfds; i++) {
		if (i)
			PUT(&out, ",");
		put_descriptor(fds[i]);
	}
	PUT(&out, "]}\n");
	close_all(fds, nfds);
	c->nfds = 0;
	if (out.len >= flush_limit)
		flush();
}

// put_frames writes a line for each of the lines of a stream that have ended. What
// descriptors came belong to the first.
static void put_frames(struct connection *c, struct message *m, size_t n)
{
	const char *at = data, *end = data + n, *newline;
	while ((newline = memchr(at, '\n', end - at))) {
		m->text = at;
		m->size = newline - at;
		if (c->rest.len) {
			put(&c->rest, at, newline - at);
			m->text = c->rest.data;
			m->size = c->rest.len;
		}
		put_line(c, m);
		c->rest.len = 0;
		at = newline + 1;
	}
	put(&c->rest, at, end - at);
}

// put_sender gives the "from" of a datagram; the text of the last one is kept.
static size_t put_sender(const struct sockaddr_in *from, const char **text)
{
	static struct sockaddr_in last;
	static char kept[64];
	static int len;
	if (!len || last.sin_port != from->sin_port || last.sin_addr.s_addr != from->sin_addr.s_addr) {
		char address[INET_ADDRSTRLEN];
		inet_ntop(AF_INET, &from->sin_addr, address, sizeof address);
		len = snprintf(kept, sizeof kept, ",\"from\":\"udp:%s:%d\"", address, ntohs(from->sin_port));
		last = *from;
	}
	*text = kept;
	return len;
}

static void end(struct connection *c)
{
	close_all(c->fds, c->nfds);
	close(c->fd);
	free(c->head);
	free(c->rest.data);
	free(c);
}

// receive receives what has come, and frees c at the end of its connection.
static void receive(struct connection *c)
{
	for (int i = 0; i < max_burst; i++) {
		struct sockaddr_in from;
		struct iovec iov = {data, sizeof data};
		struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
		if (c->type == SOCK_DGRAM) {
			m.msg_name = &from;
			m.msg_namelen = sizeof from;
		}
		ssize_t n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n < 0 && (errno == EAGAIN || c->type == SOCK_DGRAM))
			return;
		// With SO_PASSCRED, only the end of a connection comes without control data.
		if (n < 0 || (n == 0 && c->type != SOCK_DGRAM && m.msg_controllen == 0)) {
			end(c);
			return;
		}
		struct message message = {.from = "", .text = data, .size = n, .flags = m.msg_flags & ~MSG_CMSG_CLOEXEC};
		clock_gettime(CLOCK_REALTIME, &message.time);
		for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
			if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
				continue;
			int more = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int), left = max_descriptors - c->nfds;
			memcpy(c->fds + c->nfds, CMSG_DATA(h), (more < left ? more : left) * sizeof(int));
			if (more > left) // two messages for one line of a stream
				close_all((int *)CMSG_DATA(h) + left, more - left);
			c->nfds += more < left ? more : left;
		}
		if (c->type == SOCK_STREAM) {
			put_frames(c, &message, n);
			continue;
		}
		if (m.msg_namelen)
			message.from_len = put_sender(&from, &message.from);
		put_line(c, &message);
	}
}

static void watch(int fd, void *what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		die("epoll_ctl");
}

static struct connection *new_connection(int fd)
{
	struct connection *c = calloc(1, sizeof *c);
	if (!c)
		die("calloc");
	c->fd = fd;
	c->type = socket_type;
	return c;
}

static void accept_all(void)
{
	static unsigned connections;
	for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
		struct connection *c = new_connection(fd);
		struct ucred peer = {};
		socklen_t size = sizeof peer;
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
		static const char format[] = ",\"conn\":%u,\"local\":\"%s\",\"peer\":{\"pid\":%d,\"uid\":%u,\"gid\":%u}";
		c->head_len = asprintf(&c->head, format, ++connections, local, peer.pid, peer.uid, peer.gid);
		watch(fd, c);
	}
}

static void bind_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address.sun_path) {
		fprintf(stderr, "%s: too long\n", path);
		exit(2);
	}
	strcpy(address.sun_path, path);
	int on = 1;
	listener = socket(AF_UNIX, socket_type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	// An empty message of a seqpacket socket is told from the end by it.
	if (socket_type == SOCK_SEQPACKET && setsockopt(listener, SOL_SOCKET, SO_PASSCRED, &on, sizeof on))
		die("setsockopt");
	if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096))
		die(path);
	watch(listener, NULL);
}

static void bind_udp(int rcvbuf)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (rcvbuf && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf))
		die("setsockopt");
	if (bind(fd, (struct sockaddr *)&address, size) || getsockname(fd, (struct sockaddr *)&address, &size))
		die("bind");
	static char bound[64];
	snprintf(bound, sizeof bound, "udp:127.0.0.1:%d", ntohs(address.sin_port));
	local = bound;
	struct connection *c = new_connection(fd);
	c->head_len = asprintf(&c->head, ",\"local\":\"%s\"", local);
	watch(fd, c);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: listen ADDRESS READY-FD RCVBUF\n");
		return 2;
	}
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);

	local = argv[1];
	epoll = epoll_create1(EPOLL_CLOEXEC);
	own_fds = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	socket_type = !strncmp(local, "udp:", 4) ? SOCK_DGRAM : !strncmp(local, "unix:", 5) ? SOCK_STREAM : SOCK_SEQPACKET;
	if (socket_type == SOCK_DGRAM)
		bind_udp(atoi(argv[3]));
	else
		bind_unix(strchr(local, ':') + 1);
	dprintf(atoi(argv[2]), "%s\n", local);
	close(atoi(argv[2]));

	for (;;) {
		struct epoll_event events[128];
		int n = epoll_wait(epoll, events, 128, 0);
		if (n == 0) {
			// Nothing is waiting: what has been written becomes visible.
			flush();
			n = epoll_wait(epoll, events, 128, -1);
		}
		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				receive(events[i].data.ptr);
			else
				accept_all();
		}
	}
}
