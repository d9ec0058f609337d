package main

import (
	"bufio"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unsafe"

	"github.com/euank/go-kmsg-parser/kmsgparser"
	"github.com/google/cadvisor/utils/oomparser"
)

// textParser hands the lines of a text to cAdvisor's parser, which else reads /dev/kmsg alone.
type textParser struct {
	in  io.Reader
	err error
}

// Parse sends one message for each line.
func (p *textParser) Parse() <-chan kmsgparser.Message {
	out := make(chan kmsgparser.Message, 1024)
	go func() {
		defer close(out)
		lines := bufio.NewScanner(p.in)
		lines.Buffer(make([]byte, 256<<10), 256<<10)
		for lines.Scan() {
			text := lines.Text()
			if _, message, ok := strings.Cut(text, "] "); ok {
				text = message
			}
			out <- kmsgparser.Message{Message: text}
		}
		p.err = lines.Err()
	}()
	return out
}

func (*textParser) SeekEnd() error              { return nil }
func (*textParser) SetLogger(kmsgparser.Logger) {}
func (*textParser) Close() error                { return nil }

// readByCadvisor counts the kills that cAdvisor's parser names.
func readByCadvisor(in io.Reader) (kills int, err error) {
	parser := &oomparser.OomParser{}
	source := &textParser{in: in}
	field := reflect.ValueOf(parser).Elem().FieldByName("parser")
	if !field.IsValid() {
		return 0, fmt.Errorf("cAdvisor's parser has no field for its source")
	}
	// The field is not exported, and its own constructor opens the device.
	reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().Set(reflect.ValueOf(source))
	out := make(chan *oomparser.OomInstance, 1024)
	go func() {
		defer close(out)
		parser.StreamOoms(out)
	}()
	for one := range out {
		if one.Pid > 0 {
			kills++
		}
	}
	return kills, source.err
}
