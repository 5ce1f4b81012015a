#!/bin/sh
# Stops the service before the package is removed: dpkg says "remove", rpm 0 (1 is an update).
set -e
if [ -d /run/systemd/system ]; then
	case "$1" in
	remove | 0) systemctl disable --now licenseimport.service ;;
	esac
fi
