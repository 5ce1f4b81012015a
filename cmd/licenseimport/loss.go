package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"licenseimport/events/eventlog"
	"licenseimport/projector"
)

// openStreams opens the log. The views of the data directory are evidence of what it held.
func (n *node) openStreams(ctx context.Context, config eventlog.Config) (log *eventlog.Log, err error) {
	if config.Claims, err = n.claims(); err != nil {
		return nil, err
	}
	log, err = eventlog.Open(ctx, config)
	if !n.accepts(err) {
		return log, err
	}
	config.AcceptLoss = true
	if log, err = eventlog.Open(ctx, config); err != nil {
		return nil, err
	}
	return log, log.RedeliverJobs(ctx)
}

// onlyReads reports whether this is the process of a command that reads a data directory: it
// creates nothing.
func (n *node) onlyReads() bool {
	return slices.Equal(n.settings.roles, readRoles)
}

// claims is what the views of this process say of the stream.
func (n *node) claims() ([]eventlog.Claim, error) {
	if !has(n.settings.roles, "projector") {
		return nil, nil
	}
	held := func() ([]eventlog.Claim, error) { return projector.Held(n.settings.data) }
	if n.views != nil {
		held = n.views.Held
	}
	claims, err := held()
	return claims, explainDenied(n.settings.data, err)
}

// accepts reports whether an error is a loss that the operator accepts. Then it has set the views
// aside, and has logged what is lost.
func (n *node) accepts(err error) bool {
	loss, lost := errors.AsType[*eventlog.LossError](err)
	if !lost || !n.settings.acceptLoss {
		return false
	}
	aside := ""
	if has(n.settings.roles, "projector") {
		n.closeViews()
		if aside, err = projector.SetLostAside(n.settings.data); err != nil {
			slog.Error("the loss is not accepted", "error", err)
			return false
		}
	}
	slog.Warn("going on without what is lost; imports whose seal and rows are still stored continue: import the files of the others again",
		"lost", loss.Lost, "left", loss.Left, "views_set_aside", aside)
	return true
}

// explainLoss adds the ways on to a loss.
func explainLoss(err error) error {
	if _, lost := errors.AsType[*eventlog.LossError](err); !lost {
		return err
	}
	return fmt.Errorf("%w. The ways on: put back what is missing; or restore a backup into a new data directory (licenseimport restore DIR --data NEW); "+
		"or go on without it (licenseimport serve --accept-loss, which first sets the views aside under another name)", err)
}
