package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"time"
)

// client keeps up to 100 idle connections, for concurrent requests.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}

// upload sends a file as a browser would and returns its import's id. query is empty or begins with "?".
func upload(ctx context.Context, base, query string, file io.Reader) (uint64, error) {
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	if _, err := form.CreateFormFile("file", "licenses.csv"); err != nil {
		return 0, err
	}
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/api/v1/licenses/import_from_csv/"+query,
		io.MultiReader(&head, file, bytes.NewReader([]byte(tail))))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	var answer struct {
		JobID uint64 `json:"job_id"`
	}
	err = do(request, &answer)
	return answer.JobID, err
}

// uploadFile sends the file at a path.
func uploadFile(ctx context.Context, base, query, file string) (uint64, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return upload(ctx, base, query, f)
}

// watchInterval is the pause between requests for a result: long enough that they
// cost nothing measurable.
const watchInterval = 20 * time.Millisecond

// importFile takes from the POST's first byte to the result "success", which
// implies that the views have caught up.
func importFile(ctx context.Context, base, query, file string) error {
	job, err := uploadFile(ctx, base, query, file)
	if err != nil {
		return err
	}
	return waitForSuccess(ctx, base, job, watchInterval)
}

func waitForSuccess(ctx context.Context, base string, job uint64, every time.Duration) error {
	return watchResult(ctx, base, job, every, func(int) {})
}

// watchResult polls a result until it is "success". It passes each answer's number
// of decided rows to decided.
func watchResult(ctx context.Context, base string, job uint64, every time.Duration, decided func(rows int)) error {
	for {
		var result struct {
			Status string
			Result struct {
				Rows int `json:"total_row_count"`
			}
		}
		if err := get(ctx, base+resultPath(job), &result); err != nil && !errors.Is(err, errBusy) {
			return err
		}
		decided(result.Result.Rows)
		switch result.Status {
		case "success":
			return nil
		case "error":
			return fmt.Errorf("import %d ended as error", job)
		}
		time.Sleep(every)
	}
}

func resultPath(job uint64) string {
	return fmt.Sprintf("/api/v1/licenses-import-results/%d/", job)
}

func waitReady(ctx context.Context, base string) error {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(watchInterval) {
		if err := get(ctx, base+"/readyz", nil); err == nil {
			return nil
		}
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

// errBusy: the server answered 503.
var errBusy = errors.New("the server is behind")

func do(request *http.Request, into any) error {
	request.Header.Set("Authorization", "Api-Key "+adminKey)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode == http.StatusServiceUnavailable {
		return fmt.Errorf("%w: %s", errBusy, body)
	}
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusAccepted {
		return fmt.Errorf("%s: %s: %s", request.URL, response.Status, body)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(body, into)
}
