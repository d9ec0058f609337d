package oom

// streams are the logs that are mixed in one text: one for each machine and boot.
type streams struct {
	list []*stream
	done []Log // of streams that were put aside
}

type stream struct {
	host, boot string
	parser     Parser
	records    int // that belong to a kill
}

// of gives the stream of a machine and a boot. The one that was used last is looked at
// first. When there are too many the others are put aside: what they wait for is lost.
func (s *streams) of(host, boot string) *stream {
	for i := len(s.list) - 1; i >= 0; i-- {
		if one := s.list[i]; one.host == host && one.boot == boot {
			last := len(s.list) - 1
			s.list[i], s.list[last] = s.list[last], one
			return one
		}
	}
	if len(s.list) >= maxStreams {
		for _, one := range s.list {
			s.done = append(s.done, one.log())
		}
		s.done = []Log{Merge(s.done...)}
		s.list = nil
	}
	one := &stream{host: host, boot: boot}
	s.list = append(s.list, one)
	return one
}

func (s *streams) log() Log {
	logs := s.done
	for _, one := range s.list {
		logs = append(logs, one.log())
	}
	return Merge(logs...)
}

// log gives the stream's, whose records of a kill alone are counted.
func (s *stream) log() Log {
	log := s.parser.Log()
	log.Records = s.records
	log.Malformed += s.parser.unread()
	return log
}
