package readapi

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// ExportPath is the path of the views' file, for admins.
const ExportPath = prefix + "views/"

// exportTime bounds how long a client may take to read the file. Until it has, its copy takes space on
// the disk.
const exportTime = 10 * time.Minute

// exportViews answers with the views' file as the last commit left it. It sends a copy on the disk, so
// that no transaction waits for a slow client.
func (a *API) exportViews(w http.ResponseWriter, r *http.Request, _ httpx.Params, _ access.Manager) (err error) {
	if r.Method == http.MethodHead {
		size, err := a.projector.Size(r.Context())
		if err == nil {
			setFileHeader(w.Header(), size)
		}
		return err
	}
	views, err := a.projector.Copy()
	if errors.Is(err, syscall.ENOSPC) {
		return httpx.New(http.StatusInsufficientStorage, "disk_full",
			"The server's disk has no space for a copy of the views. Free some, or make the backup without the server.").Because(err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, views.Close()) }()
	setFileHeader(w.Header(), views.Size)
	// The writer of a test has no deadlines, and no slow client.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(exportTime))
	_, err = io.Copy(w, views.File)
	return err
}

func setFileHeader(h http.Header, size int64) {
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="`+projector.FileName+`"`)
	h.Set("Content-Length", strconv.FormatInt(size, 10))
}
