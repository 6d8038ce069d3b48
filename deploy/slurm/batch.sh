#!/bin/bash
#SBATCH --job-name=recfetch
#SBATCH --array=0-7
#SBATCH --cpus-per-task=1
#SBATCH --mem=512M
#SBATCH --output=recfetch-%A_%a.log
# sbatch deploy/slurm/batch.sh LIST STORE: each task mirrors its share of the list, which recfetch reads off SLURM_ARRAY_TASK_*.
set -euo pipefail

list=${1:?a list of recordings}
store=${2:?a store of the settings}
out=${RECFETCH_OUT:-$PWD}
# A ledger for each share: SQLite with a write-ahead log is not for a file system that several machines share.
exec recfetch batch "$list" --mirror "$store" --progress lines \
  --ledger "$out/recfetch-ledger-${SLURM_ARRAY_TASK_ID:?no task of an array}.sqlite"
