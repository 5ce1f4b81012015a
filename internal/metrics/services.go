package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"licenseimport/events"
	"licenseimport/ingest"
	"licenseimport/processor"
)

// Ingest makes the metrics of uploads; call it once. Only uploads that were given
// a job are counted as such: one that is refused at once shows as its HTTP status.
func (s *Set) Ingest() ingest.Observer {
	o := &uploads{
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: prefix + "upload_bytes_total", Help: "Bytes of uploads received, as they were sent: packed or not.",
		}),
		rows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: prefix + "rows_received_total", Help: "Rows of uploads that are stored and acknowledged.",
		}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "uploads_total", Help: "Uploads ended: sealed, or cut off, refused half-way or cancelled.",
		}, []string{"outcome"}),
	}
	o.batchRows, o.batchSeconds = s.batchMetrics("ingest")
	for _, outcome := range []string{uploadSealed, uploadFailed} {
		o.ended.WithLabelValues(outcome)
	}
	s.registry.MustRegister(o.bytes, o.rows, o.ended)
	return o
}

// Uploads are asked by each scrape how many there are; *ingest.Ingest is one.
type Uploads interface {
	Uploads() int
	MaxUploads() int
}

// Uploads shows how many uploads are in flight, and how many may be.
func (s *Set) Uploads(in Uploads) {
	s.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: prefix + "uploads_in_flight", Help: "Uploads that are being received.",
		}, func() float64 { return float64(in.Uploads()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: prefix + "uploads_limit", Help: "Uploads that may be in flight; more are answered 503.",
		}, func() float64 { return float64(in.MaxUploads()) }))
}

// The two ends of an upload.
const (
	uploadSealed = "sealed"
	uploadFailed = "failed"
)

// uploads is an ingest.Observer.
type uploads struct {
	bytes, rows             prometheus.Counter
	ended                   *prometheus.CounterVec
	batchRows, batchSeconds prometheus.Observer
}

func (o *uploads) Received(bytes int) { o.bytes.Add(float64(bytes)) }

func (o *uploads) Stored(rows int, took time.Duration) {
	o.rows.Add(float64(rows))
	o.batchRows.Observe(float64(rows))
	o.batchSeconds.Observe(took.Seconds())
}

func (o *uploads) Ended(sealed bool) {
	if sealed {
		o.ended.WithLabelValues(uploadSealed).Inc()
	} else {
		o.ended.WithLabelValues(uploadFailed).Inc()
	}
}

// Processor makes the metrics of decisions; call it once.
func (s *Set) Processor() processor.Observer {
	o := &decisions{
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "row_outcomes_total", Help: "Rows decided: imported, existed or rejected. A row that is only validated and has no error has no outcome.",
		}, []string{"kind"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "row_errors_total", Help: "Rejected rows by error code; a row with two codes counts for each.",
		}, []string{"code"}),
		warnings: prometheus.NewCounter(prometheus.CounterOpts{
			Name: prefix + "row_warnings_total", Help: "Valid rows that have a warning.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "batches_refused_total", Help: "Batches that the stream refused and that were decided again: moved (another processor, or a cancel), conflict (another import of the same license).",
		}, []string{"reason"}),
	}
	o.batchRows, o.batchSeconds = s.batchMetrics("processor")
	o.start()
	s.registry.MustRegister(o.outcomes, o.errors, o.warnings, o.refused)
	return o
}

// decisions is a processor.Observer.
type decisions struct {
	outcomes, errors, refused *prometheus.CounterVec
	warnings                  prometheus.Counter
	batchRows, batchSeconds   prometheus.Observer
}

// start shows every value of every label at 0, so that the first one counts as
// an increase.
func (o *decisions) start() {
	o.count(events.Counts{})
	for _, code := range events.Codes {
		o.errors.WithLabelValues(string(code))
	}
	for _, reason := range processor.RefusedReasons {
		o.refused.WithLabelValues(reason)
	}
}

func (o *decisions) count(c events.Counts) {
	o.outcomes.WithLabelValues("imported").Add(float64(c.Imported))
	o.outcomes.WithLabelValues("existed").Add(float64(c.Existed))
	o.outcomes.WithLabelValues("rejected").Add(float64(c.Rejected))
	o.warnings.Add(float64(c.Warnings))
}

func (o *decisions) Committed(b processor.BatchStats) {
	o.count(b.Counts)
	for code, rows := range b.Errors {
		o.errors.WithLabelValues(string(code)).Add(float64(rows))
	}
	o.batchRows.Observe(float64(b.Rows))
	o.batchSeconds.Observe(b.Took.Seconds())
}

func (o *decisions) Refused(reason string) { o.refused.WithLabelValues(reason).Inc() }
