package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"licenseimport/internal/fsx"
)

// explainDenied adds to an error of a data directory that this user may not use, who may.
func explainDenied(dir string, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	uid, name, known := fsx.Owner(dir)
	if !known || uid == os.Geteuid() {
		return fmt.Errorf("%w: run it as the user that the files belong to, or give them to this one", err)
	}
	return fmt.Errorf("%w: run it as the user %s, to whom %s belongs", err, name, dir)
}

// refuseRoot fails where root would write to another user's data directory: a server that runs as that user could not
// read what root makes there.
func refuseRoot(dir string) error {
	uid, name, known := fsx.Owner(dir)
	if !known || os.Geteuid() != 0 || uid == 0 {
		return nil
	}
	return fmt.Errorf("the data directory %s belongs to the user %s, whose server could not read what root writes "+
		"there: run it as that user, such as by sudo -u %s", dir, name, name)
}
