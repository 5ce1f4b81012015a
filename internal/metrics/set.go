package metrics

import (
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// prefix is what the names of all our metrics begin with.
const prefix = "licenseimport_"

// Set is the metrics of one process.
type Set struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	answers  *prometheus.HistogramVec
	batches  *batches // shared by the services; nil until the first one registers
}

// New makes the metrics that every process has: of its build, the Go runtime,
// the operating system's view of it, and HTTP.
func New(version string) *Set {
	s := &Set{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "http_requests_total",
			Help: "Requests answered, by the registered path and the status. Event streams and uploads count when they end.",
		}, []string{"route", "method", "status"}),
		answers: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: prefix + "http_request_duration_seconds", Help: "Time from a request's header to the end of its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60},
		}, []string{"route", "method"}),
	}
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: prefix + "build_info", Help: "Always 1; the labels tell what runs.",
		ConstLabels: prometheus.Labels{"version": version, "go_version": runtime.Version()},
	}, func() float64 { return 1 })
	s.registry.MustRegister(build, s.requests, s.answers,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return s
}

// HTTP is told of every answer; it is an httpx.Observer.
func (s *Set) HTTP(route, method string, status int, d time.Duration) {
	s.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	s.answers.WithLabelValues(route, method).Observe(d.Seconds())
}

// Handler answers a scrape. Where one metric cannot be had, the others are given.
func (s *Set) Handler() http.Handler {
	return promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4})
}

// batches are the histograms of the atomic batches that ingest and processor append.
type batches struct {
	rows, seconds *prometheus.HistogramVec
}

// batchMetrics returns the two histograms of one service's batches. Their label is called stage, as
// dashboards know it.
func (s *Set) batchMetrics(service string) (rows, seconds prometheus.Observer) {
	if s.batches == nil {
		s.batches = &batches{
			rows: prometheus.NewHistogramVec(prometheus.HistogramOpts{
				Name: prefix + "batch_rows", Help: "Rows of a batch that was appended to a stream.",
				Buckets: []float64{1, 10, 50, 100, 250, 500, 750, 1000},
			}, []string{"stage"}),
			seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
				Name:    prefix + "batch_duration_seconds",
				Help:    "Latency of a batch up to its acknowledgement: ingest, from sending it; processor, from reading its first row.",
				Buckets: prometheus.ExponentialBuckets(.001, 2, 14),
			}, []string{"stage"}),
		}
		s.registry.MustRegister(s.batches.rows, s.batches.seconds)
	}
	return s.batches.rows.WithLabelValues(service), s.batches.seconds.WithLabelValues(service)
}
