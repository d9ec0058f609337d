package check

import (
	"fmt"
	"path"
	"strings"

	"vmguard/pkg/finding"
	"vmguard/pkg/host"
	"vmguard/pkg/human"
)

var journalPersistent = Check{
	ID: "journal-persistent", Area: finding.Boot, Worst: finding.Warning, Modes: Live | Image,
	Title: "The journal outlives a reboot",
	Why: "The kernel says in its log which process it killed and why, and dockerd which container died. A journal that is kept in /run dies with the boot: " +
		"after the reboot that ended the trouble nobody can tell any more what it was, and vmguard oom --boot -1 and vmguard why have nothing to read.",
	Rule: "A warning where journald's Storage is volatile or none, or is auto and there is no directory /var/log/journal, or where a tmpfs lies on that directory or above it. Passes where rsyslog or syslog-ng is enabled, which keep the " +
		"kernel's log in /var/log, where vmguard oom reads it as well. Does not apply without systemd's journald. Unknown where its configuration cannot be read, or a syslog daemon's enablement is left to the first boot.",
	Fix:   "Make the directory /var/log/journal; where Storage is set to something else, set it to persistent in a file under /etc/systemd/journald.conf.d.",
	Judge: func(f *host.Facts, _ Policy) []finding.Finding { return one(judgeJournal(f)) },
}

func judgeJournal(f *host.Facts) finding.Finding {
	switch {
	case f.System.Value.Container != "":
		return unknown("vmguard runs in a container, which does not show the VM's configuration")
	case !f.Journald.Known():
		return unknown("cannot tell where the journal is kept: " + f.Journald.Why())
	case !f.Services.Known():
		return unknown("cannot tell which services are enabled: " + f.Services.Why())
	}
	j := f.Journald.Value
	if !j.Installed || bootService(f, "systemd-journald.service").Masked {
		return skipped("there is no systemd-journald here")
	}
	seen := wanted("/var/log/journal", "does not exist", "a directory")
	switch {
	case j.Tmpfs != nil:
		seen = inFile(j.Tmpfs.File, j.Tmpfs.Line, "a tmpfs on "+j.Tmpfs.Dir, "none there")
	case j.File != "":
		seen = inFile(j.File, j.Line, "Storage="+j.Storage, "Storage=persistent")
	case j.LogDir:
		seen = evidence("/var/log/journal", "a directory")
	}
	if j.Persistent() {
		seen.Want = ""
		return pass("the journal is kept in /var/log/journal", seen)
	}
	for _, name := range []string{"rsyslog.service", "syslog-ng.service"} {
		switch s := bootService(f, name); {
		case j.Tmpfs != nil && j.Tmpfs.Dir != "/var/log/journal": // its files are lost as well
		case s.Enabled:
			return pass("the journal dies with the boot, but "+name+" keeps the kernel's log in /var/log", evidence(s.By, name))
		case s.FirstBoot:
			return unknown("the journal dies with the boot, and whether "+name+" keeps the kernel's log is left to the first boot (systemd.preset(5))", seen)
		}
	}
	why := "Storage=" + j.Storage
	switch {
	case j.Tmpfs != nil:
		why = "a tmpfs lies on " + j.Tmpfs.Dir
	case j.Storage == "auto":
		why = "there is no /var/log/journal"
	}
	return fail(finding.Warning, fmt.Sprintf("the journal dies with the boot (%s): after a reboot nobody can tell what the kernel killed, or why a container died", why),
		journalRemedy(f), seen)
}

// journalRemedy makes the directory, where that is all that lacks. tmpfiles gives it
// the group and the access that members of systemd-journal and adm read it by.
func journalRemedy(f *host.Facts) *finding.Remedy {
	const (
		dir  = "mkdir -p /var/log/journal"
		conf = `mkdir -p /etc/systemd/journald.conf.d && printf '[Journal]\nStorage=persistent\n' > /etc/systemd/journald.conf.d/zz-vmguard.conf`
	)
	j := f.Journald.Value
	set := j.Storage != "auto"
	later := strings.HasSuffix(path.Dir(j.File), ".d") && path.Base(j.File) > "zz-vmguard.conf" // and would win over it
	write := fmt.Sprintf("sed -i --follow-symlinks '%ds/.*/Storage=persistent/' %s", j.Line, human.ShellWord(j.File))
	sudoConf := "sudo sh -c " + `"` + conf
	switch {
	case j.Tmpfs != nil:
		return remedy("take the tmpfs off "+j.Tmpfs.Dir+", or mount a disk there", "")
	case f.Image && later:
		return fixInImage("have the journal kept on disk", write)
	case later && !f.System.Value.Systemd:
		return remedy("have the journal kept on disk once systemd runs, which does not here", "sudo "+write)
	case later:
		return remedy("keep the journal on disk, from now on", "sudo "+write+" && sudo systemctl restart systemd-journald && sudo journalctl --flush")
	case f.Image && set:
		return remedy("in the image: have the journal kept on disk", conf)
	case f.Image:
		return remedy("in the image: make the directory; journald keeps the journal there from the first boot on", dir)
	case !f.System.Value.Systemd && set:
		return remedy("have the journal kept on disk once systemd runs, which does not here", sudoConf+`"`)
	case !f.System.Value.Systemd:
		return remedy("make the directory; journald keeps the journal there once systemd runs, which does not here", "sudo "+dir)
	case set:
		return remedy("keep the journal on disk, from now on", sudoConf+` && systemctl restart systemd-journald && journalctl --flush"`)
	}
	return remedy("make the directory, and have journald move this boot's journal there",
		"sudo "+dir+" && sudo systemd-tmpfiles --create --prefix /var/log/journal && sudo journalctl --flush")
}

// bootService gives what is known of a unit; the zero value where it was not looked for.
func bootService(f *host.Facts, name string) host.Service {
	for _, s := range f.Services.Value {
		if s.Name == name {
			return s
		}
	}
	return host.Service{Name: name}
}
