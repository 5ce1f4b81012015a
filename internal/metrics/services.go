package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"licenseimport/events"
	"licenseimport/ingest"
	"licenseimport/processor"
)

// Ingest registers the metrics of uploads. Call it once. An upload counts from the moment it has a
// job id; one that is refused before that counts in the HTTP requests by its status.
func (s *Set) Ingest() ingest.Observer {
	o := &uploads{
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: prefix + "upload_bytes_total", Help: "Bytes of uploads received, as sent: compressed or not.",
		}),
		rows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: prefix + "rows_received_total", Help: "Rows of uploads stored, that is acknowledged by the stream.",
		}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "uploads_total",
			Help: "Uploads ended, by outcome: sealed, or failed (truncated, refused after the start, or cancelled).",
		}, []string{"outcome"}),
	}
	o.batchRows, o.batchSeconds = s.batchMetrics("ingest")
	for _, outcome := range []string{uploadSealed, uploadFailed} {
		o.ended.WithLabelValues(outcome)
	}
	s.registry.MustRegister(o.bytes, o.rows, o.ended)
	return o
}

// Uploads is the source of the gauges of uploads, read at each scrape. *ingest.Ingest implements
// it.
type Uploads interface {
	Uploads() int
	MaxUploads() int
}

// Uploads registers the gauges of uploads in flight and of their limit.
func (s *Set) Uploads(in Uploads) {
	s.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: prefix + "uploads_in_flight", Help: "Uploads in flight.",
		}, func() float64 { return float64(in.Uploads()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: prefix + "uploads_limit", Help: "Limit of uploads in flight; more are answered 503.",
		}, func() float64 { return float64(in.MaxUploads()) }))
}

// The outcomes of an upload.
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

// Processor registers the metrics of decisions. Call it once.
func (s *Set) Processor() processor.Observer {
	o := &decisions{
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "row_outcomes_total",
			Help: "Rows processed, by outcome: imported, existed or rejected. A valid row of a validation has no outcome.",
		}, []string{"kind"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "row_errors_total", Help: "Rejected rows by error code. A row with two codes counts once for each.",
		}, []string{"code"}),
		warnings: prometheus.NewCounter(prometheus.CounterOpts{
			Name: prefix + "row_warnings_total", Help: "Valid rows with a warning.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "batches_refused_total",
			Help: "Batches that the stream refused and the processor processed again, by reason: " +
				"moved (another processor, or a cancel), conflict (another import or undo of the same license).",
		}, []string{"reason"}),
	}
	o.undone = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: prefix + "undo_outcomes_total",
		Help: "Licenses and features that undos of imports have passed, by outcome: revoked, restored, or kept because another import changed them.",
	}, []string{"kind"})
	o.ofKinds = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: prefix + "import_rows_total",
		Help: "Rows that imports and undos have passed, by what the rows are (licenses, features, customers) and by outcome. " +
			"A valid row of a customers' import is imported: the views tell which customers existed.",
	}, []string{"kind", "outcome"})
	o.batchRows, o.batchSeconds = s.batchMetrics("processor")
	o.start()
	s.registry.MustRegister(o.outcomes, o.ofKinds, o.errors, o.warnings, o.refused, o.undone)
	return o
}

// decisions is a processor.Observer.
type decisions struct {
	outcomes, ofKinds, errors, refused, undone *prometheus.CounterVec
	warnings                                   prometheus.Counter
	batchRows, batchSeconds                    prometheus.Observer
}

// start sets the series of every label value to 0: a rate needs a value before the first increase.
func (o *decisions) start() {
	for _, kind := range events.Kinds {
		o.count(kind, events.Counts{})
		if kind.Undoable {
			o.countUndo(kind, events.UndoCounts{})
		}
	}
	for _, code := range events.Codes {
		o.errors.WithLabelValues(string(code))
	}
	for _, reason := range processor.RefusedReasons {
		o.refused.WithLabelValues(reason)
	}
}

// add counts rows of a kind in both counters of outcomes.
func (o *decisions) add(total *prometheus.CounterVec, kind *events.Kind, outcome string, rows events.Row) {
	total.WithLabelValues(outcome).Add(float64(rows))
	o.ofKinds.WithLabelValues(kind.Name, outcome).Add(float64(rows))
}

func (o *decisions) count(kind *events.Kind, c events.Counts) {
	o.add(o.outcomes, kind, "imported", c.Imported)
	o.add(o.outcomes, kind, "updated", c.Updated)
	o.add(o.outcomes, kind, "existed", c.Existed)
	o.add(o.outcomes, kind, "rejected", c.Rejected)
	o.warnings.Add(float64(c.Warnings))
}

func (o *decisions) Committed(b processor.BatchStats) {
	o.count(b.Kind, b.Counts)
	for code, rows := range b.Errors {
		o.errors.WithLabelValues(string(code)).Add(float64(rows))
	}
	o.batchRows.Observe(float64(b.Rows))
	o.batchSeconds.Observe(b.Took.Seconds())
}

func (o *decisions) countUndo(kind *events.Kind, c events.UndoCounts) {
	o.add(o.undone, kind, "revoked", c.Revoked)
	o.add(o.undone, kind, "restored", c.Restored)
	o.add(o.undone, kind, "kept", c.Kept)
}

func (o *decisions) UndoCommitted(b processor.UndoStats) {
	o.countUndo(b.Kind, b.Counts)
	o.batchRows.Observe(float64(b.Counts.Revoked + b.Counts.Restored + b.Counts.Kept))
	o.batchSeconds.Observe(b.Took.Seconds())
}

func (o *decisions) Refused(reason string) { o.refused.WithLabelValues(reason).Inc() }
