package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Views is the source of the gauges of the views, read at each scrape. *projector.Projector implements
// it.
type Views interface {
	// Lag is the number of events that are not folded yet, and the age of the last one that is.
	Lag() (uint64, time.Duration)
	// Usage is the size of the views' file in bytes, and how many of these hold nothing.
	Usage() (size, free int64)
	// CountImports returns the number of imports by status, and by what their rows are.
	CountImports() (byStatus, byKind map[string]int, err error)
}

// A Component is a part of the process that has a readiness.
type Component struct {
	Name string
	// Ready returns nil, or why the component is not ready. It returns when the context ends.
	Ready func(context.Context) error
}

// askTime bounds all questions of a scrape together: if NATS hangs, the other metrics still arrive.
const askTime = time.Second

// Watch makes each scrape ask the components for their readiness. Call it once.
func (s *Set) Watch(components func() []Component) {
	s.registry.MustRegister(&readiness{components: components, ready: prometheus.NewDesc(prefix+"part_ready",
		"1 if a component of the process is ready, as /readyz says; else 0.", []string{"part"}, nil)})
}

// readiness is a collector.
type readiness struct {
	components func() []Component
	ready      *prometheus.Desc
}

func (r *readiness) Describe(out chan<- *prometheus.Desc) { out <- r.ready }

func (r *readiness) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	for _, part := range r.components() {
		value := 1.0
		if part.Ready(ctx) != nil {
			value = 0
		}
		out <- prometheus.MustNewConstMetric(r.ready, prometheus.GaugeValue, value, part.Name)
	}
}

// Views registers the metrics of the views. Call it once.
func (s *Set) Views(v Views) {
	s.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: prefix + "views_lag_events", Help: "Events of the stream that are not folded into the views yet.",
		}, func() float64 { n, _ := v.Lag(); return float64(n) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: prefix + "views_lag_seconds",
			Help: "Age of the last event folded into the views, if there are later ones; else 0.",
		}, func() float64 { _, d := v.Lag(); return d.Seconds() }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: prefix + "views_bytes", Help: "Size of the views' file.",
		}, func() float64 { size, _ := v.Usage(); return float64(size) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: prefix + "views_free_bytes",
			Help: "Bytes of the views' file that hold nothing. Commits use them again; where it is more than half, the projector makes a smaller file.",
		}, func() float64 { _, free := v.Usage(); return float64(free) }),
		&imports{
			views:    v,
			byStatus: prometheus.NewDesc(prefix+"jobs", "Imports by status, as the views have them.", []string{"status"}, nil),
			byKind: prometheus.NewDesc(prefix+"imports", "Imports by what their rows are, as the views have them.",
				[]string{"kind"}, nil),
		})
}

// imports is a collector.
type imports struct {
	views            Views
	byStatus, byKind *prometheus.Desc
}

func (i *imports) Describe(out chan<- *prometheus.Desc) {
	out <- i.byStatus
	out <- i.byKind
}

func (i *imports) Collect(out chan<- prometheus.Metric) {
	byStatus, byKind, err := i.views.CountImports()
	if err != nil {
		out <- prometheus.NewInvalidMetric(i.byStatus, err)
		return
	}
	for status, n := range byStatus {
		out <- prometheus.MustNewConstMetric(i.byStatus, prometheus.GaugeValue, float64(n), status)
	}
	for kind, n := range byKind {
		out <- prometheus.MustNewConstMetric(i.byKind, prometheus.GaugeValue, float64(n), kind)
	}
}
