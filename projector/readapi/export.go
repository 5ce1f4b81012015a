package readapi

import (
	"net/http"
	"strconv"
	"time"

	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// ExportPath is the path of the views' file, for admins.
const ExportPath = prefix + "views/"

// exportTime bounds how long a client may take to read the file. Until it has, pages that commits
// free cannot be reused.
const exportTime = 10 * time.Minute

// exportViews answers with the views' file as the last commit left it.
func (a *API) exportViews(w http.ResponseWriter, r *http.Request, _ httpx.Params, _ access.Manager) error {
	return a.projector.Read(r.Context(), func(views *projector.Reader) error {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", `attachment; filename="`+projector.FileName+`"`)
		w.Header().Set("Content-Length", strconv.FormatInt(views.Size(), 10))
		if r.Method == http.MethodHead {
			return nil
		}
		// The writer of a test has no deadlines, and no slow client.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(exportTime))
		_, err := views.WriteTo(w)
		return err
	})
}
