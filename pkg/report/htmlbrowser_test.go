package report

import (
	"context"
	"encoding/json"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// frame is a page that a browser shall lay out so many CSS pixels wide.
type frame struct {
	Page  string `json:"page"`
	Width int    `json:"width"`
}

// pageSeen is what a browser made of a frame.
type pageSeen struct {
	Folded, Unfolded int // widths of the document, in CSS pixels
	IDs              []string
	Requests         int
	Scripts          int
	Commands         []string
	Weight           string // of the heading
}

// harness lays out each frame under its page's own content policy, and notes what a script beside the frames finds in it.
const harness = `<!DOCTYPE html><meta charset="utf-8"/><body><pre id="seen"></pre><script>
const frames = FRAMES, all = [];
function look(frame) {
  const doc = frame.contentDocument, view = frame.contentWindow, seen = {};
  const measure = () => Math.max(doc.documentElement.scrollWidth, doc.body.scrollWidth);
  seen.folded = measure();
  for (const d of doc.querySelectorAll("details")) d.open = true;
  for (const e of doc.querySelectorAll("article, li")) e.style.contentVisibility = "visible";
  seen.unfolded = measure();
  seen.ids = [...doc.querySelectorAll("h3 code, .rest code")].map(e => e.textContent);
  seen.requests = view.performance.getEntriesByType("resource").length;
  seen.commands = [...doc.querySelectorAll("pre")].map(e => {
    view.getSelection().selectAllChildren(e);
    return view.getSelection().toString();
  });
  seen.scripts = doc.scripts.length;
  seen.weight = view.getComputedStyle(doc.querySelector("h1")).fontWeight;
  return seen;
}
function next(i) {
  if (i == frames.length) {
    document.getElementById("seen").textContent = JSON.stringify(all);
    return;
  }
  const frame = document.createElement("iframe");
  frame.style = "border:0;height:800px;width:" + frames[i].width + "px";
  frame.onload = () => { all.push(look(frame)); next(i + 1); };
  frame.srcdoc = frames[i].page;
  document.body.append(frame);
}
next(0);
</script></body>`

// browse lets a headless Chromium lay out the frames.
func browse(t *testing.T, frames []frame) []pageSeen {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skipf("%v: scripts/setup installs it", err)
	}
	dir := t.TempDir()
	list, err := json.Marshal(frames) // which escapes every <, so that the script cannot end early
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "harness.html")
	if err := os.WriteFile(file, []byte(strings.Replace(harness, "FRAMES", string(list), 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--window-size=1280,900", "--dump-dom", "file://"+file)
	c.Env = append(os.Environ(), "HOME="+dir)
	c.WaitDelay = 5 * time.Second
	out, err := c.Output()
	if err != nil {
		t.Fatalf("chromium: %v", err)
	}
	found := regexp.MustCompile(`(?s)<pre id="seen">(.*?)</pre>`).FindSubmatch(out)
	if found == nil {
		t.Fatalf("no answer from the browser: %.500s", out)
	}
	var seen []pageSeen
	if err := json.Unmarshal([]byte(html.UnescapeString(string(found[1]))), &seen); err != nil || len(seen) != len(frames) {
		t.Fatalf("%v: %d answers of %d: %.300q", err, len(seen), len(frames), found[1])
	}
	return seen
}

// TestHTMLInABrowser: a real browser finds each check in the page, asks for nothing, runs nothing, and need not scroll
// sideways, on a telephone and on a desk, folded and unfolded; a selected command is the command.
func TestHTMLInABrowser(t *testing.T) {
	longWhy := sick()
	longWhy.Rules = []Rule{{ID: "swap-enabled", Title: "The VM has swap", Why: strings.Repeat("long", 100), Rule: "the rule"}}
	longWhy.Findings[0].Remedy.Command = "docker update --memory 64m --memory-swap 64m " + strings.Repeat("imap-sync-", 30)
	var frames []frame
	var reports []Doctor
	for _, d := range []Doctor{longWhy, baked(), wildDoctor()} {
		for _, width := range []int{320, 360, 1280} {
			frames = append(frames, frame{string(htmlOf(t, d)), width})
			reports = append(reports, d)
		}
	}
	for i, seen := range browse(t, frames) {
		width, d := frames[i].Width, reports[i]
		if seen.Folded > width || seen.Unfolded > width {
			t.Errorf("frame %d of %d pixels: the page is %d wide, unfolded %d", i, width, seen.Folded, seen.Unfolded)
		}
		if seen.Requests != 0 || seen.Scripts != 0 {
			t.Errorf("frame %d: %d requests, %d scripts", i, seen.Requests, seen.Scripts)
		}
		if seen.Weight != "650" {
			t.Errorf("frame %d: the page's policy keeps its own style out: the heading's weight is %q", i, seen.Weight)
		}
		ids := strings.Join(seen.IDs, " ")
		for _, f := range d.Findings {
			if !strings.Contains(ids, f.ID) {
				t.Errorf("frame %d: no %s", i, f.ID)
			}
		}
		if want := d.Findings.Next().Remedy.Command; len(seen.Commands) == 0 || seen.Commands[0] != noCharacters(Clean(want, htmlCommand, true)) {
			t.Errorf("frame %d: no command %q to copy in %q", i, want, seen.Commands)
		}
	}
}
