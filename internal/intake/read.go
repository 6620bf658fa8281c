package intake

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"

	"socho/events"
)

// item is one line on its way.
type item struct {
	line   int
	text   []byte            // without its end; of an overlong line the beginning
	length int               // of the whole line
	sum    [sha256.Size]byte // of the whole line, where text is not all of it

	fact    *events.Published // nil: undecodable, for this reason:
	reason  *events.Error
	salvage events.Salvage // who and what it is about, decodable or not
	erasure *events.Erased // the fact is this one
	shard   int
	value   []byte
	wrapped bool
	cut     bool // of the wrapped line only the beginning is kept
}

// stage is a run of lines that is sealed and sent together. An erasure is
// always the last of its stage: what stands before it is sealed with the keys
// that it destroys, what stands behind it finds them destroyed.
type stage struct {
	items []*item
	bytes int
	fault error // the input failed behind these lines
	line  int   // … at this line
}

// read cuts the input into stages until it ends or fails, or ctx is done: then
// it returns false.
func read(ctx context.Context, input io.Reader, o Options, stages chan<- *stage) bool {
	lines := &lineReader{in: bufio.NewReaderSize(input, 256<<10)}
	s := &stage{}
	hand := func() bool {
		select {
		case stages <- s:
			s = &stage{}
			return true
		case <-ctx.Done():
			return false
		}
	}
	for {
		it, err := lines.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				s.fault, s.line = err, lines.number+1
			}
			return (len(s.items) == 0 && s.fault == nil) || hand()
		}
		it.parse(o)
		s.items = append(s.items, it)
		s.bytes += len(it.text)
		full := len(s.items) >= stageLines || s.bytes >= stageBytes
		// Nothing buffered: the next read may wait for a slow writer, and these
		// lines should not wait with it.
		if full || it.erasure != nil || lines.in.Buffered() == 0 {
			if !hand() {
				return false
			}
		}
	}
}

// lineReader reads lines of any length in bounded memory.
type lineReader struct {
	in     *bufio.Reader
	number int
}

// next returns the next line that is not blank. Errors: io.EOF at the end;
// those of the input, and then the line it broke off in is no line.
func (l *lineReader) next() (*item, error) {
	for {
		it, err := l.read()
		if err != nil {
			return nil, err
		}
		if l.number++; l.number == 1 {
			it.text = bytes.TrimPrefix(it.text, []byte("\xef\xbb\xbf")) // some editors' mark of UTF-8
		}
		it.line = l.number
		if it.length <= MaxLineBytes {
			it.text = bytes.TrimRight(it.text, "\r")
			it.length = len(it.text)
			if len(bytes.TrimSpace(it.text)) == 0 {
				continue
			}
		}
		return it, nil
	}
}

// read takes everything up to the next line feed or the end of the input.
func (l *lineReader) read() (*item, error) {
	it := &item{}
	var sum hash.Hash // runs once there is more than is kept
	for {
		piece, err := l.in.ReadSlice('\n')
		ended := err == nil
		if ended {
			piece = piece[:len(piece)-1]
		}
		it.length += len(piece)
		keep := min(len(piece), MaxLineBytes-len(it.text))
		it.text = append(it.text, piece[:keep]...)
		if rest := piece[keep:]; len(rest) > 0 {
			if sum == nil {
				sum = sha256.New()
				sum.Write(it.text)
			}
			sum.Write(rest)
		}
		switch {
		case ended, errors.Is(err, io.EOF) && it.length > 0:
			if sum != nil {
				sum.Sum(it.sum[:0])
			}
			return it, nil
		case errors.Is(err, bufio.ErrBufferFull):
		default:
			return nil, err
		}
	}
}
