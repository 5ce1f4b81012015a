package main

import (
	"context"
	"errors"

	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
)

// openKeys gives the managers' keys in a log.
func openKeys(log *eventlog.Log) *access.Store {
	return access.NewStore(managersBucket{log.Bucket(eventlog.Managers)})
}

// managersBucket is the log's bucket as package access wants it.
type managersBucket struct{ *eventlog.Bucket }

func (b managersBucket) Get(ctx context.Context, key string) ([]byte, bool, error) {
	entry, err := b.Bucket.Get(ctx, key)
	if errors.Is(err, eventlog.ErrNotFound) {
		return nil, false, nil
	}
	return entry.Value, err == nil, err
}

func (b managersBucket) Create(ctx context.Context, key string, value []byte) (bool, error) {
	_, err := b.Bucket.Create(ctx, key, value)
	if errors.Is(err, eventlog.ErrExists) {
		return false, nil
	}
	return err == nil, err
}

func (b managersBucket) Put(ctx context.Context, key string, value []byte) error {
	_, err := b.Bucket.Put(ctx, key, value)
	return err
}

func (b managersBucket) List(ctx context.Context) (map[string][]byte, error) {
	entries, err := b.Bucket.List(ctx)
	values := make(map[string][]byte, len(entries))
	for _, entry := range entries {
		values[entry.Key] = entry.Value
	}
	return values, err
}
