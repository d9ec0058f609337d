package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// buildByPacker does what Packer does with the provisioners of the recipe, in their order: it
// uploads, runs scripts as its documentation says, and downloads. The machine is a chroot.
func buildByPacker(t *testing.T, clean imageTree, dir string) built {
	t.Helper()
	vm := clean.copy(t)
	if err := os.WriteFile(vm.root+"/usr/local/bin/sudo", []byte(sudo), 0o755); err != nil {
		t.Fatal(err)
	}
	b := built{report: filepath.Join(dir, "doctor.json"), also: map[string]string{filepath.Join(dir, "doctor.xml"): "journal-persistent"}}
	template := string(readFile(t, filepath.Join(dir, "image.pkr.hcl")))
	provisioners := regexp.MustCompile(`(?ms)^ {2}provisioner "(\w+)" \{\n(.*?)\n {2}\}$`).FindAllStringSubmatch(template, -1)
	if len(provisioners) != 5 {
		t.Fatalf("%d provisioners", len(provisioners))
	}
	for i, p := range provisioners {
		body := p[2]
		switch {
		case p[1] == "file" && strings.Contains(body, `"download"`):
			for _, name := range hclStrings(body, "sources") {
				command(t, "cp", vm.root+name, dir)
			}
		case p[1] == "file":
			for _, name := range hclStrings(body, "sources") {
				command(t, "cp", filepath.Join(dir, name), vm.root+hclStrings(body, "destination")[0])
			}
		default:
			script := "#!/bin/sh -e\n" + strings.Join(hclStrings(body, "inline"), "\n") + "\n"
			if file := hclStrings(body, "script"); len(file) > 0 {
				script = string(readFile(t, filepath.Join(dir, file[0])))
			}
			execute := "chmod +x {{.Path}}; {{.Vars}} {{.Path}}"
			if own := hclStrings(body, "execute_command"); len(own) > 0 {
				execute = own[0]
			}
			path := fmt.Sprintf("/tmp/script_%d.sh", i)
			if err := os.WriteFile(vm.root+path, []byte(script), 0o644); err != nil {
				t.Fatal(err)
			}
			execute = regexp.MustCompile(`\{\{ ?\.Path ?\}\}`).ReplaceAllString(execute, path)
			execute = regexp.MustCompile(`\{\{ ?\.Vars ?\}\}`).ReplaceAllString(execute, "PACKER_BUILDER_TYPE='qemu' PACKER_BUILD_NAME='image'")
			ok, out := runIn(t, dir, "/usr/local/bin", nil, "chroot", vm.root, "/bin/sh", "-c", execute)
			b.output += out
			if !ok {
				return b // Packer ends the build at the first that fails
			}
		}
	}
	b.ok = true
	return b
}

// hclStrings gives the strings of an attribute: one, or a list.
func hclStrings(body, name string) []string {
	value := regexp.MustCompile(`(?ms)^ +` + name + ` += (\[.*?\]$|".*?"$)`).FindStringSubmatch(body)
	if value == nil {
		return nil
	}
	var list []string
	for _, s := range regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`).FindAllStringSubmatch(value[1], -1) {
		list = append(list, strings.ReplaceAll(s[1], `\"`, `"`))
	}
	return list
}

// compositeAction is what is read of an action.yml.
type compositeAction struct {
	Inputs map[string]struct{ Default string }
	Runs   struct {
		Using string
		Steps []struct {
			If, Run, Shell, Uses string
			Env, With            map[string]string
		}
	}
}

// buildOnGitHub runs the action as a runner does: inputs and their defaults put into the
// environment, bash with -eo pipefail, and after a step that fails those alone that ask for always().
func buildOnGitHub(t *testing.T, clean imageTree, dir string) built {
	t.Helper()
	im := clean.copy(t)
	im.inside(string(readFile(t, filepath.Join(dir, "setup"))))
	var action compositeAction
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct {
				Uses string
				With map[string]string
			}
		}
	}
	unmarshal(t, filepath.Join(dir, "github", "action.yml"), &action)
	unmarshal(t, filepath.Join(dir, "github", "workflow.yml"), &workflow)
	steps := workflow.Jobs["image"].Steps
	with := steps[len(steps)-1].With
	moved := filepath.Join(dir, with["root"])
	if err := errors.Join(os.RemoveAll(moved), os.Rename(im.root, moved)); err != nil {
		t.Fatal(err)
	}
	b := built{
		ok: true, report: filepath.Join(dir, "vmguard.json"),
		also: map[string]string{filepath.Join(dir, "vmguard.sarif"): `"sysctl-module"`, filepath.Join(dir, "vmguard.html"): "sysctl-module"},
	}
	for _, step := range action.Runs.Steps {
		if step.Run == "" {
			if step.If != "always()" || action.expand(t, step.With["sarif_file"]+step.With["path"], with, dir) == "" {
				t.Errorf("%s runs only if %q", step.Uses, step.If)
			}
			continue
		}
		script := filepath.Join(dir, "step.sh")
		if err := os.WriteFile(script, []byte(step.Run), 0o644); err != nil {
			t.Fatal(err)
		}
		env := []string{"GITHUB_ACTIONS=true", "CI=true", "GITHUB_WORKSPACE=" + dir, "RUNNER_TEMP=" + dir}
		for name, value := range step.Env {
			env = append(env, name+"="+action.expand(t, value, with, dir))
		}
		ok, out := runIn(t, dir, standIn(t, "sudo", sudo), env, step.Shell, "--noprofile", "--norc", "-eo", "pipefail", script)
		b.ok, b.output = b.ok && ok, b.output+out
	}
	if !b.ok && !regexp.MustCompile(`(?m)^::error .*title=sysctl-module`).MatchString(b.output) {
		t.Errorf("no annotation: %s", b.output)
	}
	return b
}

// expand puts in what the runner puts in for ${{ inputs.x }} and ${{ runner.temp }}.
func (a compositeAction) expand(t *testing.T, text string, with map[string]string, temp string) string {
	t.Helper()
	return regexp.MustCompile(`\$\{\{ [\w.-]+ \}\}`).ReplaceAllStringFunc(text, func(expr string) string {
		name := strings.Trim(expr, "${} ")
		input, isInput := strings.CutPrefix(name, "inputs.")
		given, isGiven := with[input]
		switch {
		case name == "runner.temp":
			return temp
		case isInput && isGiven:
			return given
		case isInput && a.Inputs[input].Default != "":
			return a.Inputs[input].Default
		}
		t.Errorf("what is %s?", expr)
		return ""
	})
}

// buildOnGitLab runs the job's script as a runner's shell does, in one bash with -eo pipefail.
func buildOnGitLab(t *testing.T, clean imageTree, dir string) built {
	t.Helper()
	im := clean.copy(t)
	im.inside(string(readFile(t, filepath.Join(dir, "setup"))))
	command(t, "tar", "-C", im.root, "-cf", filepath.Join(dir, "image.tar"), ".")
	if err := errors.Join(os.RemoveAll(im.root), os.RemoveAll(filepath.Join(dir, "image"))); err != nil {
		t.Fatal(err)
	}
	var jobs map[string]struct {
		Script []string
		Kept   struct {
			When    string
			Reports struct{ JUnit string }
		} `yaml:"artifacts"` //nolint:misspell // GitLab's word
	}
	unmarshal(t, filepath.Join(dir, "gitlab-ci.yml"), &jobs)
	job := jobs["image-check"]
	if job.Kept.When != "always" || job.Kept.Reports.JUnit != "doctor.xml" || len(job.Script) == 0 {
		t.Errorf("%+v", job)
	}
	b := built{report: filepath.Join(dir, "doctor.json"), also: map[string]string{filepath.Join(dir, "doctor.xml"): "swap-baked-in"}}
	b.ok, b.output = runIn(t, dir, t.TempDir(), []string{"CI=true", "GITLAB_CI=true"}, "bash", "-eo", "pipefail", "-c", strings.Join(job.Script, "\n"))
	return b
}

func unmarshal(t *testing.T, name string, into any) {
	t.Helper()
	if err := yaml.Unmarshal(readFile(t, name), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
