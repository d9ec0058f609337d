package probe

// Protocol speaks an application protocol over a connection that the engine has opened. Its methods
// read and write through the Conn alone, which has the engine's deadlines, limits and counters. They
// give the Conn's errors back unchanged or wrapped with %w, and *Said for what the server itself said.
type Protocol interface {
	// Name is the protocol's name for a reader: "IMAP".
	Name() string
	// Request is the name of what Nudge sends, for a reader: "NOOP".
	Request() string
	// Greet does what comes before any login: it reads the greeting, starts TLS where the protocol does
	// that itself. A control connection goes no further.
	Greet(c *Conn) error
	// Open logs in, once: a refusal is never tried again. Afterwards no request is outstanding.
	Open(c *Conn) error
	// Nudge sends one harmless request and reads its whole answer.
	Nudge(c *Conn) error
	// Heard reads what the server has begun to say unasked, to the end of what it has to say, and gives
	// the beginning of that, bounded and without secrets: with *Said and SaidBye when it was a farewell.
	Heard(c *Conn) (text string, err error)
	// Leave takes leave, so that the server keeps no ghost of the session. It waits for no more than the
	// answer, and its failure does not matter.
	Leave(c *Conn) error
}

// What is the sense of something that a server said.
type What string

// What a server may say instead of serving.
const (
	// SaidBye: the server takes leave (IMAP: * BYE).
	SaidBye What = "bye"
	// SaidTooMany: it serves no more connections for now.
	SaidTooMany What = "too-many"
	// SaidNoLogin: it refused the credentials.
	SaidNoLogin What = "login-refused"
	// SaidUnfit: it works, and cannot be measured in the way that was asked for: no STARTTLS, login
	// disabled, an authentication mechanism missing, no keep-alive.
	SaidUnfit What = "unfit"
	// SaidStrange: what it says is not the protocol.
	SaidStrange What = "strange"
)

// Said is the error of a server that did not do as it was asked, and said so.
type Said struct {
	What What `json:"what"`
	// Text is what it said, or what is wrong with that: foreign, and bounded by the Conn's limits. It holds no secret.
	Text string `json:"text"`
}

func (s *Said) Error() string { return s.Text }
