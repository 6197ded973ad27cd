#!/bin/sh
# Makes the files that compose.yaml mounts as secrets, each random, each only when it is missing, and says in .env
# where they are (without which compose refuses to start).
# Containers read them as users of their own, so the files are readable; the folder is closed to everybody else.
set -eu
umask 077
mkdir -p secrets
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
for name in database_password grafana_password inference_key drift_key frontend_key admin_key; do
  [ -s "secrets/$name" ] && continue
  random >"secrets/$name"
  chmod 644 "secrets/$name"
  echo "secrets/$name made"
done
if [ ! -s secrets/api_keys ]; then
  {
    echo '# who may do what, as every service reads it: KEY scope,scope (predict, ingest, read, admin)'
    echo '# what callers without a key may do; take the line out, and predictions need a key too'
    echo 'anonymous predict'
    echo "$(cat secrets/inference_key) ingest"
    echo "$(cat secrets/drift_key) read,ingest"
    echo "$(cat secrets/frontend_key) predict,read,ingest"
    echo "$(cat secrets/admin_key) admin"
  } >secrets/api_keys
  chmod 644 secrets/api_keys
  echo 'secrets/api_keys made'
fi
if ! grep -qs '^PILOTHOUSE_SECRETS=' .env; then
  [ -z "$(tail -c 1 .env 2>/dev/null)" ] || echo >>.env
  echo 'PILOTHOUSE_SECRETS=./secrets' >>.env
  echo ".env: PILOTHOUSE_SECRETS added"
fi
