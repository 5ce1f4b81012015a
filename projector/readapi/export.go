package readapi

import (
	"net/http"
	"strconv"
	"time"

	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// ExportPath is where an admin gets a copy of the views' file over HTTP.
const ExportPath = prefix + "views/"

// exportTime is how long a client may take to read a copy: as long, nothing can reuse pages.
const exportTime = 10 * time.Minute

// exportViews answers with the views' file as the last commit left it.
func (a *API) exportViews(w http.ResponseWriter, r *http.Request, _ httpx.Params, _ access.Manager) error {
	return a.views.Read(func(views *projector.Reader) error {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", `attachment; filename="`+projector.FileName+`"`)
		w.Header().Set("Content-Length", strconv.FormatInt(views.Size(), 10))
		if r.Method == http.MethodHead {
			return nil
		}
		// A writer without deadlines, as in a test, has no slow client either.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(exportTime))
		_, err := views.WriteTo(w)
		return err
	})
}
