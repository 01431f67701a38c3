// How a line is put together: a buffer that grows, and what JSON is made of.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct buffer {
	char *data;
	size_t len, cap;
};

_Noreturn static void die(const char *what)
{
	perror(what);
	exit(1);
}

// room makes sure that n more bytes fit, and returns where they go.
static inline char *room(struct buffer *b, size_t n)
{
	if (b->cap - b->len < n) {
		b->cap = 2 * (b->cap + n);
		b->data = realloc(b->data, b->cap);
		if (!b->data)
			die("realloc");
	}
	return b->data + b->len;
}

static inline void put(struct buffer *b, const void *s, size_t n)
{
	memcpy(room(b, n), s, n);
	b->len += n;
}

// PUT appends a literal, the length of which the compiler knows.
#define PUT(b, literal) put((b), (literal), sizeof(literal) - 1)

static inline void put_number(struct buffer *b, uint64_t n, unsigned base, int digits)
{
	char text[24], *p = text + sizeof text;
	for (; n || digits > 0; n /= base, digits--)
		*--p = "0123456789abcdef"[n % base];
	put(b, p, text + sizeof text - p);
}

static inline void put_unsigned(struct buffer *b, uint64_t n) { put_number(b, n, 10, 1); }

// put_time appends a time in UTC. The text of its second is kept in *last, since
// the next time is mostly of the same one.
struct second {
	bool known;
	time_t value;
	char text[40];
	int len;
};

static inline void put_time(struct buffer *b, time_t seconds, long nanoseconds, struct second *last)
{
	if (!last->known || last->value != seconds) {
		struct tm tm;
		gmtime_r(&seconds, &tm);
		*last = (struct second){.known = true, .value = seconds};
		last->len = strftime(last->text, sizeof last->text, "%Y-%m-%dT%H:%M:%S.", &tm);
	}
	PUT(b, "\"");
	put(b, last->text, last->len);
	put_number(b, nanoseconds, 10, 9);
	PUT(b, "Z\"");
}

// is_plain reports whether eight bytes stand for themselves in a JSON string:
// ASCII, and neither control characters nor a quote, backslash or DEL.
static inline bool is_plain(uint64_t v)
{
	const uint64_t ones = ~0ull / 255, high = ones << 7;
#define HAS_ZERO(x) (((x)-ones) & ~(x))
	uint64_t others = HAS_ZERO(v ^ ones * '"') | HAS_ZERO(v ^ ones * '\\') | HAS_ZERO(v ^ ones * 0x7f);
	return !((v | (v - ones * 0x20) | others) & high);
#undef HAS_ZERO
}

// character is the length of the UTF-8 character that s, n bytes, begins with,
// and its code point; 0 when it is none: RFC 3629.
static inline int character(const unsigned char *s, size_t n, uint32_t *point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	int len = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;
	if (len == 0 || n < (size_t)len)
		return 0;
	*point = len == 1 ? s[0] : s[0] & (0x7f >> len);
	for (int i = 1; i < len; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		*point = *point << 6 | (s[i] & 0x3f);
	}
	if (*point < least[len] || *point > 0x10ffff || (*point >= 0xd800 && *point < 0xe000))
		return 0;
	return len;
}

// put_quoted appends s as a JSON string, or returns false when it is not UTF-8.
static inline bool put_quoted(struct buffer *b, const unsigned char *s, size_t n)
{
	size_t start = b->len;
	// No byte becomes more than the six of \u0000.
	char *out = room(b, 6 * n + 2);
	*out++ = '"';
	for (size_t i = 0; i < n;) {
		uint64_t eight;
		while (n - i >= sizeof eight && (memcpy(&eight, s + i, sizeof eight), is_plain(eight))) {
			memcpy(out, &eight, sizeof eight);
			out += sizeof eight;
			i += sizeof eight;
		}
		if (i == n)
			break;
		uint32_t c;
		int len = character(s + i, n - i, &c);
		if (len == 0) {
			b->len = start;
			return false;
		}
		if (c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t') {
			*out++ = '\\';
			*out++ = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : (char)c;
		} else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029) {
			memcpy(out, "\\u", 2);
			for (int shift = 12, at = 2; shift >= 0; shift -= 4, at++)
				out[at] = "0123456789abcdef"[c >> shift & 15];
			out += 6;
		} else {
			memcpy(out, s + i, len);
			out += len;
		}
		i += len;
	}
	*out++ = '"';
	b->len = out - b->data;
	return true;
}

static inline void put_base64(struct buffer *b, const unsigned char *s, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *out = room(b, (n + 2) / 3 * 4 + 2);
	*out++ = '"';
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = s[i] << 16 | (i + 1 < n ? s[i + 1] << 8 : 0) | (i + 2 < n ? s[i + 2] : 0);
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
		*out++ = i + 2 < n ? digits[v & 63] : '=';
	}
	*out++ = '"';
	b->len = out - b->data;
}

// put_text appends s under a key, or in base64 under the key with _base64.
static inline void put_text(struct buffer *b, const char *key, const void *s, size_t n)
{
	size_t start = b->len;
	PUT(b, ",\"");
	put(b, key, strlen(key));
	PUT(b, "\":");
	if (put_quoted(b, s, n))
		return;
	b->len = start;
	PUT(b, ",\"");
	put(b, key, strlen(key));
	PUT(b, "_base64\":");
	put_base64(b, s, n);
}

struct name {
	uint32_t bits;
	const char *name;
};

// put_names appends the names of the bits in flags, and the others as a number.
static inline void put_names(struct buffer *b, uint32_t flags, const struct name *names)
{
	const char *separator = "\"";
	PUT(b, ",\"flags\":[");
	for (; flags && names->name; names++) {
		if ((flags & names->bits) != names->bits)
			continue;
		flags &= ~names->bits;
		put(b, separator, strlen(separator));
		put(b, names->name, strlen(names->name));
		PUT(b, "\"");
		separator = ",\"";
	}
	if (flags) {
		put(b, separator, strlen(separator));
		PUT(b, "0x");
		put_number(b, flags, 16, 1);
		PUT(b, "\"");
	}
	PUT(b, "]");
}
