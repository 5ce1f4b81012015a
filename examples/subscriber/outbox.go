package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// mail is one line of the outbox.
type mail struct {
	ID   string `json:"id"` // the event's
	To   string `json:"to"`
	Text string `json:"text"`
}

// outbox is a file of mails, one JSON object a line. It is the record of what was sent.
type outbox struct {
	file *os.File
	sent map[string]bool
}

// openOutbox reads what was sent. A crash can leave half a line at the end: that mail was not
// sent, and its event, not acknowledged, is redelivered.
func openOutbox(path string) (*outbox, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	o := &outbox{file: file, sent: map[string]bool{}}
	whole, err := o.read()
	if err == nil {
		err = file.Truncate(whole)
	}
	if err == nil {
		_, err = file.Seek(whole, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("the outbox: %w", err)
	}
	return o, nil
}

// read loads the mails and returns the length of all complete lines in bytes.
func (o *outbox) read() (whole int64, err error) {
	lines := bufio.NewReader(o.file)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return whole, nil
		}
		if err != nil {
			return 0, err
		}
		var m mail
		if err := json.Unmarshal(bytes.TrimSpace(line), &m); err != nil {
			return 0, fmt.Errorf("at byte %d: %w", whole, err)
		}
		o.sent[m.ID] = true
		whole += int64(len(line))
	}
}

// send appends a mail and syncs the file. It does nothing if the mail was sent before.
func (o *outbox) send(m mail) error {
	if o.sent[m.ID] {
		return nil
	}
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if _, err := o.file.Write(append(line, '\n')); err != nil {
		return err
	}
	if err := o.file.Sync(); err != nil {
		return err
	}
	o.sent[m.ID] = true
	return nil
}

func (o *outbox) close() error { return o.file.Close() }
