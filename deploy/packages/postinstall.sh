#!/bin/sh
# Makes the service's user. A new service is not started; one that runs is restarted after an update.
set -e
systemd-sysusers licenseimport.conf
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart licenseimport.service
fi
