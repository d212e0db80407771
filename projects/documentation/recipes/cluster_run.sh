#!/usr/bin/env bash
# A pre-training on four nodes of a SLURM cluster, pre-empted and gone on with.
#   cluster_run.sh VIDEOS [OPTIONS]      for instance  --cluster local --nodes 1 --gpus-per-node 0  to try it here
set -euo pipefail
videos=$1
shift
launch=(iic launch --preset four_nodes --time 1-00:00 pretrain --data "$videos" OPTIM.LR_SCALING linear "$@")
"${launch[@]}" --dry-run # the script for sbatch and the whole configuration; nothing is made
"${launch[@]}"
run=$(find runs/pretrain -mindepth 1 -maxdepth 1 | sort | tail -n 1)
iic jobs "$run" --follow # until it is over; Ctrl-C leaves it running
