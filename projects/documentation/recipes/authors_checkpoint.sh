#!/usr/bin/env bash
# From a checkpoint of IIC's authors to ours, to features, and back.
#   authors_checkpoint.sh FILE GALLERY QUERY      FILE as they publish it; folders of class folders
set -euo pipefail
file=$1 gallery=$2 query=$3
shift 3

# Every tensor is taken over, named as left out, or refused; no code in the file is run.
iic convert "$file" --name r3d.authors -o converted
weights=$(ls converted/r3d.authors-*.safetensors)

# It is a checkpoint like any other: retrieve, probe, finetune, index, export.
iic retrieve --checkpoint "$weights" --gallery "$gallery" --query "$query" "$@"

# Back again: what their own code loads.
iic convert "$weights" --to reference -o back
