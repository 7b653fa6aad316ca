#!/bin/sh
# Writes the files of the image to FOLDER, which must be empty or absent:
#
#     deploy/image-files.sh FOLDER
#
# Run from a checkout; needs Node and npm, and no container engine. The Dockerfile runs this very script.
set -eu
target=${1:?usage: deploy/image-files.sh FOLDER}
cd "$(dirname "$0")/.."
export NX_DAEMON=false NX_NO_CLOUD=true
npm ci --no-audit --no-fund
node -r ./tools/ts.cjs tools/bundle/src/image.ts "$target"
