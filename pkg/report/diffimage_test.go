package report

import (
	"bytes"
	"strings"
	"testing"

	"vmguard/pkg/finding"
)

// recordOf writes a report as JSON and reads it back.
func recordOf(t testing.TB, d Doctor) DoctorRecord {
	t.Helper()
	var doc bytes.Buffer
	if err := DoctorJSON(&doc, d); err != nil {
		t.Fatal(err)
	}
	r, err := ReadDoctor(&doc)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestDiffTextOfImages: a command that mends an image is not offered as one for the host that compares, also where the
// images were judged from recordings, which do not name their directories.
func TestDiffTextOfImages(t *testing.T) {
	sound := func(d Doctor) Doctor {
		d.Findings = append(finding.Report(nil), d.Findings...)
		for i := range d.Findings {
			d.Findings[i].Status, d.Findings[i].Remedy = finding.Pass, nil
		}
		return d
	}
	recorded := baked()
	recorded.Image = ""
	for _, c := range []struct {
		name, want, head string
		d                Doctor
	}{
		{"an image", "\nnext, in the image: systemctl enable docker\n", "after:  image /mnt/my image, vmguard 1.2.3\n\n", baked()},
		{"a recorded image", "\nnext, in the image: systemctl enable docker\n", "after:  a recorded image golden, vmguard 1.2.3\n\n", recorded},
		{"a host", "\nnext: sudo swapon /swapfile\n", "after:  mail-vm-1, vmguard 1.2.3\n\n", sick()},
	} {
		got := diffText(t, NewDoctorDiff("1", recordOf(t, sound(c.d)), recordOf(t, c.d)), Problems)
		if !strings.Contains(got, c.head) || !strings.HasSuffix(got, c.want) {
			t.Errorf("%s: no %q or %q in\n%s", c.name, c.head, c.want, got)
		}
	}
	if got := diffText(t, NewDoctorDiff("1", recordOf(t, sick()), recordOf(t, recorded)), Problems); !strings.Contains(got, "note:   one is an image") {
		t.Errorf("no note in\n%s", got)
	}
}

// TestDiffJSONOfARecordedImage: the comparison keeps what the commands in it are for.
func TestDiffJSONOfARecordedImage(t *testing.T) {
	recorded := baked()
	recorded.Image = ""
	var doc bytes.Buffer
	if err := DiffJSON(&doc, NewDoctorDiff("1", recordOf(t, sick()), recordOf(t, recorded))); err != nil {
		t.Fatal(err)
	}
	if err := heldAgainstSchema(t, doc.Bytes()); err != nil {
		t.Error(err)
	}
	before, after, _ := strings.Cut(doc.String(), `"after": {`)
	if strings.Contains(before, `"offline"`) || !strings.Contains(after, `"offline": true`) {
		t.Errorf("%.600s", doc.String())
	}
}
