package frame

// jsonSpace is the white space between JSON values: RFC 8259, section 2.
const jsonSpace = " \t\r\n"

// jsonState is how much of a JSON value has been read.
type jsonState struct {
	depth    int // of objects and arrays
	inString bool
	escaped  bool
	scalar   bool // a number or a word, which has no end mark of its own
}

// splitJSON takes the white space that follows a value in b as part of the value:
// descriptors that were sent with the value and a newline belong to it.
func splitJSON(s *Splitter, b []byte) (n int, end bool, err error) {
	n, end, err = s.json.feed(b)
	if err == nil {
		err = s.limit(n)
	}
	for end && n > 0 && n < len(b) && isSpace(b[n]) {
		n++
	}
	return n, end, err
}

// feed finds the end of the value by its brackets and quotes.
func (s *jsonState) feed(b []byte) (n int, end bool, err error) {
	for i, c := range b {
		switch {
		case s.inString && s.escaped:
			s.escaped = false
		case s.inString && c == '\\':
			s.escaped = true
		case s.inString:
			s.inString = c != '"'
			if !s.inString && s.depth == 0 {
				return i + 1, true, nil
			}
		case s.scalar:
			if isSpace(c) {
				return i + 1, true, nil
			}
			if c == '{' || c == '[' || c == '"' {
				return i, true, nil
			}
		case c == '"':
			s.inString = true
		case c == '{' || c == '[':
			s.depth++
		case c == '}' || c == ']':
			if s.depth--; s.depth < 0 {
				return i + 1, false, ErrInvalidJSON
			}
			if s.depth == 0 {
				return i + 1, true, nil
			}
		case s.depth == 0 && !isSpace(c):
			s.scalar = true
		}
	}
	return len(b), false, nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
