package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Views are asked by each scrape how they are; *projector.Projector is one.
type Views interface {
	// Lag is how many events of the stream are missing, and how old the last one that is there is.
	Lag() (uint64, time.Duration)
	// CountImports by status.
	CountImports() (map[string]int, error)
}

// A Component of a process that can say whether it is ready.
type Component struct {
	Name string
	// Ready is nil or why not; it ends with the context.
	Ready func(context.Context) error
}

// askTime bounds the questions of one scrape together: also where NATS hangs the other
// numbers come soon.
const askTime = time.Second

// Watch has each scrape ask the parts that parts gives at that moment whether
// they are ready; call it once.
func (s *Set) Watch(parts func() []Component) {
	s.registry.MustRegister(&readiness{parts: parts, ready: prometheus.NewDesc(prefix+"part_ready",
		"1 while a part of the process is ready, as /readyz says; else 0.", []string{"part"}, nil)})
}

// readiness is a collector.
type readiness struct {
	parts func() []Component
	ready *prometheus.Desc
}

func (r *readiness) Describe(out chan<- *prometheus.Desc) { out <- r.ready }

func (r *readiness) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	for _, part := range r.parts() {
		value := 1.0
		if part.Ready(ctx) != nil {
			value = 0
		}
		out <- prometheus.MustNewConstMetric(r.ready, prometheus.GaugeValue, value, part.Name)
	}
}

// Views makes the metrics of the views; call it once.
func (s *Set) Views(v Views) {
	s.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: prefix + "views_lag_events", Help: "Events of the stream that the views do not hold yet.",
		}, func() float64 { n, _ := v.Lag(); return float64(n) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: prefix + "views_lag_seconds", Help: "Age of the last event that the views hold, while some are missing; else 0.",
		}, func() float64 { _, d := v.Lag(); return d.Seconds() }),
		&imports{views: v, count: prometheus.NewDesc(prefix+"jobs", "Imports by status, as the views have them.", []string{"status"}, nil)})
}

// imports is a collector.
type imports struct {
	views Views
	count *prometheus.Desc
}

func (i *imports) Describe(out chan<- *prometheus.Desc) { out <- i.count }

func (i *imports) Collect(out chan<- prometheus.Metric) {
	counts, err := i.views.CountImports()
	if err != nil {
		out <- prometheus.NewInvalidMetric(i.count, err)
		return
	}
	for status, n := range counts {
		out <- prometheus.MustNewConstMetric(i.count, prometheus.GaugeValue, float64(n), status)
	}
}
