package swap

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"golang.org/x/sys/unix"

	"vmguard/pkg/host"
)

// LookStatus gives the status of the running host's swap. The facts are those of host.CollectSwap; what
// else there is to know of the swapfiles it reads itself, and changes nothing. Partitions are not opened.
func LookStatus(ctx context.Context, source host.Source, facts *host.Facts) Status {
	looks, disks := map[string]FileLook{}, map[string]host.Fact[string]{}
	for _, a := range NewStatus(facts, nil).Areas {
		_, looked := looks[a.Path]
		if looked || a.Kind != KindFile || a.Deleted || inContainer(facts) || !source.Live || ctx.Err() != nil {
			continue
		}
		dir := path.Dir(a.Path)
		if _, known := disks[dir]; !known {
			disks[dir] = filesystemAt(ctx, source, dir)
		}
		looks[a.Path] = lookFile(a.Path, disks[dir], source.Root)
	}
	return NewStatus(facts, looks)
}

// filesystemAt gives the type of the filesystem that holds a directory. The directory is asked rather
// than the file: that needs no right to read it.
func filesystemAt(ctx context.Context, source host.Source, dir string) host.Fact[string] {
	disk := host.DiskAt(ctx, source, dir)
	switch {
	case !disk.Known():
		return host.Missing[string](disk.Why())
	case disk.Value.FS == "":
		return host.Missing[string]("the type of the filesystem of " + dir + " cannot be told")
	}
	return host.Known(disk.Value.FS, disk.Source)
}

// lookFile reads what there is to know of one swapfile, without following a link.
func lookFile(file string, filesystem host.Fact[string], root bool) FileLook {
	look := FileLook{Filesystem: filesystem}
	var st unix.Stat_t
	switch err := unix.Lstat(file, &st); {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return FileLook{Absent: true}
	case err != nil:
		why := unread(err, root)
		look.Size, look.File = host.Missing[uint64](why), host.Missing[host.SwapFile](why)
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		const why = "not a regular file"
		look.Size, look.File = host.Missing[uint64](why), host.Missing[host.SwapFile](why)
	default:
		look.Size = host.Known(uint64(st.Size), file)
		look.File = host.Known(host.SwapFile{Mode: st.Mode & 0o777, UID: st.Uid}, file)
	}
	look.Header = lookHeader(file, root)
	var s State
	s.lookSystemd(file)
	look.Masked = s.Masked
	return look
}

// lookHeader reads the header of a swapfile. One that is none is missing, with the reason.
func lookHeader(file string, root bool) host.Fact[HeaderStatus] {
	data, err := readRegular(file, maxPageSize)
	if err != nil {
		return host.Missing[HeaderStatus](unread(err, root))
	}
	h, err := ParseHeader(data)
	if err != nil {
		return host.Missing[HeaderStatus](err.Error())
	}
	status := HeaderStatus{Size: h.Size(), Label: h.Label, ByVmguard: h.Label == Label}
	if h.UUID != [16]byte{} {
		status.UUID = h.UUIDString()
	}
	return host.Known(status, file)
}

// unread says why a file could not be looked at.
func unread(err error, root bool) string {
	if errors.Is(err, fs.ErrPermission) && !root {
		return "reading it needs root"
	}
	return cause(err).Error()
}
