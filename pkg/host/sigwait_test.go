package host

import "testing"

func TestReadSigwait(t *testing.T) {
	yes, no := true, false
	for name, c := range map[string]struct {
		files files
		want  *bool
	}{
		"waits":                         {files{"proc/7/task/7/wchan": "do_sigtimedwait.isra.0"}, &yes},
		"another thread waits":          {files{"proc/7/task/7/wchan": "do_epoll_wait", "proc/7/task/8/wchan": "do_sigtimedwait"}, &yes},
		"sleeps otherwise":              {files{"proc/7/task/7/wchan": "do_epoll_wait", "proc/7/task/8/wchan": "futex_do_wait"}, &no},
		"runs":                          {files{"proc/7/task/7/wchan": "0", "proc/7/task/7/syscall": "running\n"}, &no},
		"kernel does not say":           {files{"proc/7/task/7/wchan": "0", "proc/7/task/7/syscall": "128 0x7f 0x0\n"}, nil},
		"may not look":                  {files{"proc/7/task/7/wchan": "0"}, nil},
		"one is not told, one waits":    {files{"proc/7/task/7/wchan": "0", "proc/7/task/8/wchan": "do_sigtimedwait"}, &yes},
		"one is not told, one does not": {files{"proc/7/task/7/wchan": "0", "proc/7/task/8/wchan": "do_epoll_wait"}, nil},
		"gone":                          {files{"proc/8/task/8/wchan": "do_epoll_wait"}, nil},
	} {
		t.Run(name, func(t *testing.T) { equal(t, readSigwait(tree(t, c.files), 7), c.want) })
	}
}
