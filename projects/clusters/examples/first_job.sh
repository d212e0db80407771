#!/usr/bin/env bash
# From nothing to figures with jobs: renders videos, pre-trains on them, and scores retrieval, each as a job.
#
#   projects/clusters/examples/first_job.sh                     # on this machine: minutes on two cores
#   projects/clusters/examples/first_job.sh --preset one_gpu    # on a cluster
#
# Arguments are options of `iic launch`.
set -euo pipefail
job=("$@")
[ $# -gt 0 ] || job=(--preset laptop)
small=(DATA.CLIP_LENGTH 8 DATA.FRAME_SIZE "[40, 40]" DATA.CROP 40 MODEL.OPTIONS.width 0.25 LOSS.NUM_NEGATIVES 256)

iic render videos --train-per-class 10 --test-per-class 3 --size 40
submitted=$(iic launch "${job[@]}" pretrain --data videos/videos --config "$(dirname "$0")/first_job.yaml" "${small[@]}")
echo "$submitted"
run=$(sed -n 's/^run folder: //p' <<<"$submitted")
iic jobs "$run" --follow

submitted=$(iic launch "${job[@]}" retrieve --checkpoint "$run" --data videos/videos \
  --gallery videos/splits/trainlist01.txt --query videos/splits/testlist01.txt EVAL.NUM_CLIPS 3)
echo "$submitted"
retrieval=$(sed -n 's/^run folder: //p' <<<"$submitted")
iic jobs "$retrieval" --follow
python -m json.tool "$retrieval/metrics.json"
