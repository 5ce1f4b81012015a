package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"time"

	"licenseimport/events"
	"licenseimport/processor"
)

// runImport starts the program on an empty folder, uploads the file and waits
// until the import's result is there, which is when the views have caught up.
func runImport(ctx context.Context, program, file string, imports int, args ...string) (figures, error) {
	dir, err := os.MkdirTemp("", "import-")
	if err != nil {
		return figures{}, err
	}
	defer os.RemoveAll(dir)
	address, err := freeAddress()
	if err != nil {
		return figures{}, err
	}
	cmd, err := start(ctx, program, append(args, "serve", "--data", dir, "--http", address, "--nats-port", "-1")...)
	if err != nil {
		return figures{}, err
	}
	var wall time.Duration
	for range imports {
		var took time.Duration
		took, err = importOnce(ctx, "http://"+address, file)
		wall += took
		if err != nil {
			break
		}
	}
	if stopped := stop(cmd); err == nil {
		err = stopped
	}
	return usage(cmd, wall), err
}

// importOnce measures from the POST's first byte to the result "success".
func importOnce(ctx context.Context, base, file string) (time.Duration, error) {
	if err := waitReady(ctx, base); err != nil {
		return 0, err
	}
	began := time.Now()
	location, err := upload(ctx, base, file)
	if err != nil {
		return 0, err
	}
	for {
		var result struct{ Status string }
		if err := get(ctx, base+location, &result); err != nil {
			return 0, err
		}
		switch result.Status {
		case "success":
			return time.Since(began), nil
		case "error":
			return 0, fmt.Errorf("%s ended as error", location)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func waitReady(ctx context.Context, base string) error {
	for range 500 {
		if err := get(ctx, base+"/readyz", nil); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("%s did not become ready", base)
}

func get(ctx context.Context, url string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	return do(request, into)
}

func do(request *http.Request, into any) error {
	request.Header.Set("Authorization", "Api-Key "+adminKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", request.URL, response.Status, body)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(body, into)
}

// upload sends the file as a browser would and returns where the result is.
func upload(ctx context.Context, base, file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	if _, err := form.CreateFormFile("file", "licenses.csv"); err != nil {
		return "", err
	}
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/api/v1/licenses/import_from_csv/",
		io.MultiReader(&head, f, bytes.NewReader([]byte(tail))))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	var answer struct {
		JobID uint64 `json:"job_id"`
	}
	if err := do(request, &answer); err != nil {
		return "", err
	}
	return fmt.Sprintf("/api/v1/licenses-import-results/%d/", answer.JobID), nil
}

// bodySizes are the average sizes of the messages that a file becomes, from its
// first thousand rows.
func bodySizes(file string) (row, outcome int, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	reader := csv.NewReader(f)
	header, err := reader.Read()
	if err != nil {
		return 0, 0, err
	}
	n := 0
	for ; n < 1000; n++ {
		record, err := reader.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return 0, 0, err
		}
		received := &events.RowReceived{JobID: 1, Row: events.Row(n + 1), Line: uint64(n + 2)}
		for i, value := range record {
			column, _ := events.ColumnIndex(header[i])
			received.Values[column] = value
		}
		verdict := (&processor.Policy{}).Judge(received)
		for _, event := range append(processor.Outcomes([]processor.Verdict{verdict}, processor.Makers{}), received) {
			body, err := events.Encode(event, time.Now())
			if err != nil {
				return 0, 0, err
			}
			if event == received {
				row += len(body)
			} else {
				outcome += len(body)
			}
		}
	}
	return row / n, outcome / n, nil
}
