package record

import "time"

// The years 0 to 9999, in seconds since 1970.
const (
	firstSecond = -62167219200
	lastSecond  = 253402300799
)

// appendTimestamp appends t in the form of RFC 3339, in UTC and with nanoseconds.
func appendTimestamp(dst []byte, t time.Time) []byte {
	const day = 24 * 60 * 60
	seconds := t.Unix()
	if seconds < firstSecond || seconds > lastSecond {
		return t.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000000Z")
	}
	since := uint64(seconds - firstSecond)
	year, month, dayOfMonth := date(int(since / day))
	second := int(since % day)
	var b [len("2006-01-02T15:04:05.000000000Z")]byte
	put2(b[0:], year/100)
	put2(b[2:], year%100)
	b[4] = '-'
	put2(b[5:], month)
	b[7] = '-'
	put2(b[8:], dayOfMonth)
	b[10] = 'T'
	put2(b[11:], second/3600)
	b[13] = ':'
	put2(b[14:], second/60%60)
	b[16] = ':'
	put2(b[17:], second%60)
	b[19] = '.'
	rest := uint32(t.Nanosecond())
	put2(b[20:], int(rest/1e7))
	put2(b[22:], int(rest/1e5%100))
	put2(b[24:], int(rest/1e3%100))
	put2(b[26:], int(rest/10%100))
	b[28] = byte('0' + rest%10)
	b[29] = 'Z'
	return append(dst, b[:]...)
}

// put2 writes two decimal digits.
func put2(b []byte, n int) {
	const digits = "" +
		"0001020304050607080910111213141516171819" +
		"2021222324252627282930313233343536373839" +
		"4041424344454647484950515253545556575859" +
		"6061626364656667686970717273747576777879" +
		"8081828384858687888990919293949596979899"
	b[0], b[1] = digits[2*n], digits[2*n+1]
}

// date returns the date that is a number of days after January 1st of the year 0, in
// the Gregorian calendar. It lets years begin in March, so that a leap day is the last
// day of its year, and counts eras of 400 years from the one before that day.
func date(days int) (year, month, day int) {
	const daysOfEra, toMarch = 146097, 60
	days += daysOfEra - toMarch
	era, n := days/daysOfEra, days%daysOfEra
	y := (n - n/1460 + n/36524 - n/146096) / 365
	n -= 365*y + y/4 - y/100
	m := (5*n + 2) / 153 // from March
	day = n - (153*m+2)/5 + 1
	year, month = 400*(era-1)+y, m+3
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, day
}
