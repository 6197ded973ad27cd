#!/bin/sh
# Fills in and deploys the services that are named (predict, collect, watch; all without a name):
#
#   PROJECT_ID=my-project PROJECT_NUMBER=123456789 REGION=europe-west1 TAG=2026-11-21 k8s/cloudrun/deploy.sh predict
#
# SHOW=1 prints what would be deployed, and deploys nothing.
set -eu
cd "$(dirname "$0")"
: "${PROJECT_ID:?the project, see: gcloud projects list}"
: "${PROJECT_NUMBER:?the number of the project, see: gcloud projects describe PROJECT_ID}"
: "${REGION:?for example europe-west1}"
: "${TAG:?the tag that the images were pushed with}"
filled() {
  sed -e "s|\${PROJECT_ID}|$PROJECT_ID|g" -e "s|\${PROJECT_NUMBER}|$PROJECT_NUMBER|g" \
    -e "s|\${REGION}|$REGION|g" -e "s|\${TAG}|$TAG|g" "$1.yaml"
}
[ $# -gt 0 ] || set -- predict collect watch
for service in "$@"; do
  if [ -n "${SHOW:-}" ]; then
    filled "$service"
    echo ---
  else
    filled "$service" | gcloud run services replace - --project "$PROJECT_ID" --region "$REGION"
  fi
done
