#!/bin/sh
# SPDX-License-Identifier: MIT
# alone: runs a command in the fresh network namespace that it is started in: brings its loopback up first.
ip link set lo up && exec "$@"
