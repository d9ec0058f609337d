package lab

import "strings"

// The verbs here need to know nothing of the dialogue.

func done(_ *dialogue, c command) (before, after string, err error) { return "", "", none(c) }

// says makes the answer of a verb that always says the same.
func says(text string) func(*dialogue, command) (before, after string, err error) {
	return func(*dialogue, command) (string, string, error) { return text, "", nil }
}

// takes makes the answer of a verb that has so many arguments at least, and no mail to do anything with.
func takes(least int) func(*dialogue, command) (before, after string, err error) {
	return func(_ *dialogue, c command) (string, string, error) {
		if len(c.args) < least {
			return "", "", bad("Arguments are missing")
		}
		return "", "", nil
	}
}

// search finds nothing.
func search(_ *dialogue, c command) (before, after string, err error) {
	if len(c.args) == 0 {
		return "", "", bad("Arguments are missing")
	}
	return "* SEARCH\r\n", "", nil
}

// enable enables the one thing that there is to enable (RFC 6855), with names that are ASCII alone.
func enable(_ *dialogue, c command) (before, after string, err error) {
	text := "* ENABLED"
	for _, arg := range c.args {
		if strings.EqualFold(arg.text, "UTF8=ACCEPT") {
			text = "* ENABLED UTF8=ACCEPT"
		}
	}
	return text + "\r\n", "", nil
}

func tellList(_ *dialogue, c command) (before, after string, err error) {
	args, err := c.texts(2)
	if err != nil {
		return "", "", err
	}
	return list(c.name, args[0], args[1]), "", nil
}

func tellStatus(_ *dialogue, c command) (before, after string, err error) {
	n := len(c.args)
	if n < 4 || c.args[0].kind > str || c.args[1].kind != opening || c.args[n-1].kind != closing {
		return "", "", bad("STATUS takes a mailbox and a list")
	}
	if !strings.EqualFold(c.args[0].text, inbox) {
		return "", "", refusal{text: noMailbox}
	}
	before, err = status(c.args[2 : n-1])
	return before, "", err
}

// none errs where a command has arguments.
func none(c command) error {
	_, err := c.texts(0)
	return err
}

// texts gives the arguments of a command that has so many, none of them a list.
func (c command) texts(n int) ([]string, error) {
	texts := make([]string, 0, n)
	for _, arg := range c.args {
		if arg.kind == word || arg.kind == str {
			texts = append(texts, arg.text)
		}
	}
	if len(c.args) != n || len(texts) != n {
		return nil, bad("There are too few arguments, too many, or others than expected")
	}
	return texts, nil
}
