package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"regexp"
	"strings"
)

//go:embed recorded
var recorded embed.FS

// mixture is what the containers are, over and over; the names are those of the recordings.
var mixture = []string{"web", "web", "web", "plain", "web", "loop", "web", "plain", "oom", "done"}

// A real engine remembers its last 256 events.
const maxEvents = 256

// answers are the bodies of an engine's answers, made beforehand so that serving them costs little.
type answers struct {
	ping, version, info, list, images, image []byte
	events                                   []event
	inspect                                  map[string][]byte // by ID and by name
}

// event is one line of the stream of events.
type event struct {
	container string // ID
	line      []byte
}

func newAnswers(containers int) (*answers, error) {
	a := &answers{ping: []byte("OK"), inspect: make(map[string][]byte, 2*containers)}
	for name, body := range map[string]*[]byte{
		"version.json": &a.version, "info.json": &a.info, "images.json": &a.images, "image.json": &a.image,
	} {
		text, err := read(name)
		if err != nil {
			return nil, err
		}
		*body = text
	}
	if err := a.addContainers(containers); err != nil {
		return nil, err
	}
	return a, nil
}

// template is the recording of one container.
type template struct {
	id            string
	listed, whole []byte
}

func (a *answers) addContainers(count int) error {
	templates, err := readTemplates()
	if err != nil {
		return err
	}
	events, err := recorded.ReadFile("recorded/events.jsonl")
	if err != nil {
		return err
	}
	var list [][]byte
	for i := range count {
		kind := mixture[i%len(mixture)]
		from := templates[kind]
		sum := sha256.Sum256([]byte(fmt.Sprintf("%s %d", kind, i)))
		id, name := hex.EncodeToString(sum[:]), fmt.Sprintf("%s-%04d", kind, i)
		vary := strings.NewReplacer(from.id, id, from.id[:12], id[:12], "bench-"+kind, name)

		list = append(list, []byte(vary.Replace(string(from.listed))))
		whole := withOwnPid([]byte(vary.Replace(string(from.whole))))
		a.inspect[id], a.inspect[name] = whole, whole
		if kind == "oom" && len(a.events) < maxEvents {
			for line := range strings.Lines(vary.Replace(string(events))) {
				a.events = append(a.events, event{id, []byte(line)})
			}
		}
	}
	a.list = fmt.Appendf(nil, "[%s]", bytes.Join(list, []byte(",")))
	return nil
}

var pid = regexp.MustCompile(`"Pid":[1-9][0-9]*`)

// withOwnPid puts this process in the place of a running container's PID 1, so that there is something to look at in /proc.
func withOwnPid(inspect []byte) []byte {
	return pid.ReplaceAll(inspect, fmt.Appendf(nil, `"Pid":%d`, os.Getpid()))
}

func readTemplates() (map[string]template, error) {
	text, err := read("list.json")
	if err != nil {
		return nil, err
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(text, &entries); err != nil {
		return nil, fmt.Errorf("list.json: %w", err)
	}
	templates := map[string]template{}
	for _, entry := range entries {
		var known struct {
			ID    string `json:"Id"`
			Names []string
		}
		if err := json.Unmarshal(entry, &known); err != nil || len(known.Names) == 0 {
			return nil, fmt.Errorf("list.json: entry %s: %w", entry, err)
		}
		kind := strings.TrimPrefix(known.Names[0], "/bench-")
		whole, err := read("inspect-" + kind + ".json")
		if err != nil {
			return nil, err
		}
		templates[kind] = template{known.ID, entry, whole}
	}
	return templates, nil
}

// read gives a recording without the spaces that make it readable here, as an engine sends it.
func read(name string) ([]byte, error) {
	text, err := recorded.ReadFile(path.Join("recorded", name))
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return compact.Bytes(), nil
}
