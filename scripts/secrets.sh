#!/bin/sh
# Makes the files that compose.yaml mounts as secrets, each random, each only when it is missing, and says in .env
# where they are (without which compose refuses to start).
# Containers read them as users of their own, so the files are readable; the folder is closed to everybody else.
set -eu
umask 077
mkdir -p secrets
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
for name in database_password grafana_password; do
  [ -s "secrets/$name" ] && continue
  random >"secrets/$name"
  chmod 644 "secrets/$name"
  echo "secrets/$name made"
done
if ! grep -qs '^PILOTHOUSE_SECRETS=' .env; then
  [ -z "$(tail -c 1 .env 2>/dev/null)" ] || echo >>.env
  echo 'PILOTHOUSE_SECRETS=./secrets' >>.env
  echo ".env: PILOTHOUSE_SECRETS added"
fi
