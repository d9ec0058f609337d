package lab

import (
	"crypto/subtle"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// mailbox is what go-imap's server asks of a session, answered for a user with an empty INBOX that
// nothing can be put into. The library's own store in memory would cost the binary a third of a megabyte.
type mailbox struct {
	user, password string
}

const inbox = "INBOX"

// errNothing refuses what would need a mail.
func errNothing(text string) error {
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeCannot, Text: text}
}

func noMailbox() error {
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeNonExistent, Text: "No such mailbox"}
}

// Login checks the credentials.
func (m mailbox) Login(user, password string) error {
	same := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	if !same(user, m.user) || !same(password, m.password) {
		return imapserver.ErrAuthFailed
	}
	return nil
}

// Select opens INBOX, and has no other.
func (m mailbox) Select(name string, _ *imap.SelectOptions) (*imap.SelectData, error) {
	if !strings.EqualFold(name, inbox) {
		return nil, noMailbox()
	}
	flags := []imap.Flag{imap.FlagSeen, imap.FlagAnswered, imap.FlagFlagged, imap.FlagDeleted, imap.FlagDraft}
	return &imap.SelectData{Flags: flags, PermanentFlags: flags, UIDNext: 1, UIDValidity: 1}, nil
}

// Status tells that INBOX is empty.
func (m mailbox) Status(name string, o *imap.StatusOptions) (*imap.StatusData, error) {
	if !strings.EqualFold(name, inbox) {
		return nil, noMailbox()
	}
	data := &imap.StatusData{Mailbox: inbox, UIDNext: 1, UIDValidity: 1}
	for count, asked := range map[**uint32]bool{
		&data.NumMessages: o.NumMessages, &data.NumRecent: o.NumRecent, &data.NumUnseen: o.NumUnseen, &data.NumDeleted: o.NumDeleted,
	} {
		if asked {
			*count = new(uint32)
		}
	}
	if o.Size {
		data.Size = new(int64)
	}
	return data, nil
}

// List names INBOX, where a pattern fits it.
func (m mailbox) List(w *imapserver.ListWriter, ref string, patterns []string, _ *imap.ListOptions) error {
	const delim = '/'
	for _, pattern := range patterns {
		if imapserver.MatchList(inbox, delim, ref, pattern) {
			return w.WriteList(&imap.ListData{Mailbox: inbox, Delim: delim})
		}
	}
	return nil
}

// Create refuses.
func (m mailbox) Create(string, *imap.CreateOptions) error {
	return errNothing("There is INBOX, and nothing else")
}

// Delete refuses.
func (m mailbox) Delete(string) error { return noMailbox() }

// Rename refuses.
func (m mailbox) Rename(string, string, *imap.RenameOptions) error {
	return errNothing("There is INBOX, and nothing else")
}

// Subscribe does nothing.
func (m mailbox) Subscribe(string) error { return nil }

// Unsubscribe does nothing.
func (m mailbox) Unsubscribe(string) error { return nil }

// Append refuses.
func (m mailbox) Append(string, imap.LiteralReader, *imap.AppendOptions) (*imap.AppendData, error) {
	return nil, errNothing("This server keeps no mail")
}

// Poll has nothing to tell.
func (m mailbox) Poll(*imapserver.UpdateWriter, bool) error { return nil }

// Idle waits until the client has had enough.
func (m mailbox) Idle(_ *imapserver.UpdateWriter, stop <-chan struct{}) error {
	<-stop
	return nil
}

// Unselect closes INBOX.
func (m mailbox) Unselect() error { return nil }

// Expunge finds nothing to expunge.
func (m mailbox) Expunge(*imapserver.ExpungeWriter, *imap.UIDSet) error { return nil }

// Search finds nothing.
func (m mailbox) Search(kind imapserver.NumKind, _ *imap.SearchCriteria, _ *imap.SearchOptions) (*imap.SearchData, error) {
	if kind == imapserver.NumKindUID {
		return &imap.SearchData{All: imap.UIDSet{}}, nil
	}
	return &imap.SearchData{All: imap.SeqSet{}}, nil
}

// Fetch finds nothing.
func (m mailbox) Fetch(*imapserver.FetchWriter, imap.NumSet, *imap.FetchOptions) error { return nil }

// Store finds nothing.
func (m mailbox) Store(*imapserver.FetchWriter, imap.NumSet, *imap.StoreFlags, *imap.StoreOptions) error {
	return nil
}

// Copy finds nothing.
func (m mailbox) Copy(imap.NumSet, string) (*imap.CopyData, error) { return &imap.CopyData{}, nil }

// Close has nothing to give back.
func (m mailbox) Close() error { return nil }
