// A small receiver, for what is measured to send to: sink PATH takes one connection
// of a seqpacket socket after the other, and throws away what comes, descriptors
// included. When bound, it writes a newline to standard output. A signal ends it.
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path)
		return 2;
	strcpy(address.sun_path, argv[1]);
	int listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 100) ||
	    write(STDOUT_FILENO, "\n", 1) != 1) {
		perror(argv[1]);
		return 1;
	}
	for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd)) {
		static char data[1 << 16];
		// Without room for them, the kernel closes the descriptors itself.
		struct iovec iov = {data, sizeof data};
		struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
		while (recvmsg(fd, &m, 0) > 0)
			;
	}
	perror("accept");
	return 1;
}
