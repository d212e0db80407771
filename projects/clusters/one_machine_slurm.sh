#!/usr/bin/env bash
# A real SLURM cluster of two nodes, n1 and n2, on this one machine: for tests and for trying things out.
#
#   one_machine_slurm.sh start    install SLURM where it is missing (Debian), and start the cluster
#   one_machine_slurm.sh status   print the nodes; exits with 0 if both are up
#   one_machine_slurm.sh stop     cancel all jobs and end the cluster
#
# Start and stop need root, and neither systemd nor a network: the daemons reach each other over localhost. They listen
# on all interfaces, and answer only to who has this machine's Munge key. A changed configuration takes stop and start.
# The nodes claim more CPUs and memory than the machine may have, so that several small jobs fit, and nothing holds a
# job to what it asked for. There is no accounting, so `sacct` fails.
set -euo pipefail

marker="# Written by one_machine_slurm.sh"
export SLURM_CONF=/etc/slurm/slurm.conf
state=/var/lib/slurm/one_machine
spool=/var/spool/slurmd
logs=/var/log/slurm

start() {
  refuse_other_clusters
  if both_nodes_up; then
    echo "the cluster is running already"
    return
  fi
  need_root
  install_missing_packages
  name_nodes
  configure
  start_daemons
  echo "the cluster is running"
}

stop() {
  refuse_other_clusters
  need_root
  if [ ! -d "$state" ]; then
    echo "the cluster is not running"
    return
  fi
  # Processes of jobs outlive the daemons, and only the daemons know them: after a crash, they are started once more.
  both_nodes_up || start_daemons
  squeue --noheader --format=%A | xargs --no-run-if-empty scancel
  wait_until no_job_runs || echo "some jobs did not end" >&2
  end_lost_steps
  end_daemon slurmctld /run/slurmctld.pid
  end_daemon slurmd /run/slurmd.n1.pid
  end_daemon slurmd /run/slurmd.n2.pid
  end_daemon munged /run/munge/munged.pid
  # With it go jobs that wait; those that were cancelled may have queued themselves again. The nodes must forget their
  # jobs too, as the next cluster counts from one again.
  rm -r "$state" "$spool".n1 "$spool".n2
  echo "the cluster is stopped"
}

status() {
  refuse_other_clusters
  controller_listens || fail "the cluster is not running"
  sinfo
  both_nodes_up
}

fail() {
  echo "one_machine_slurm.sh: $1" >&2
  exit 1
}

need_root() {
  [ "$(id -u)" = 0 ] || fail "needs root"
}

# A configuration that this script did not write is that of somebody's real cluster.
refuse_other_clusters() {
  if [ -e "$SLURM_CONF" ] && ! grep -qxF "$marker" "$SLURM_CONF"; then
    fail "$SLURM_CONF is that of another cluster, which is left alone"
  fi
}

install_missing_packages() {
  if have slurmctld && have slurmd && have munged; then return; fi
  have apt-get || fail "SLURM is missing: install what Debian calls slurm-wlm and munge"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update && apt-get install -y --no-install-recommends slurm-wlm munge; } >/dev/null 2>&1 ||
    fail "SLURM is missing, and 'apt-get install slurm-wlm munge' failed"
}

have() {
  command -v "$1" >/dev/null
}

name_nodes() {
  grep -qx "127.0.0.1 n1 n2" /etc/hosts || echo "127.0.0.1 n1 n2" >>/etc/hosts
}

configure() {
  cat >"$SLURM_CONF" <<SETTINGS
$marker
ClusterName=iic-one-machine
SlurmctldHost=localhost
SlurmctldPort=6817
SlurmUser=root
StateSaveLocation=$state
SlurmctldPidFile=/run/slurmctld.pid
SlurmctldLogFile=$logs/slurmctld.log
SlurmdSpoolDir=$spool.%n
SlurmdPidFile=/run/slurmd.%n.pid
SlurmdLogFile=$logs/slurmd.%n.log

# Containers often lack cgroups: a job's processes are found by their parents.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none

AuthType=auth/munge
# A requeued job waits until its old credential has expired, by default for two minutes.
AuthInfo=cred_expire=5
JobRequeue=1
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
# Seconds from SIGTERM to SIGKILL.
KillWait=15
# A node that does not answer is soon taken for down, and is up again as soon as it answers.
SlurmdTimeout=30
ReturnToService=2

SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
# A job that does not ask for memory would get all of its nodes'.
DefMemPerCPU=2000
SlurmdParameters=config_overrides
NodeName=n[1-2] NodeHostname=localhost Port=[17001-17002] CPUs=4 RealMemory=10000

# A job in "urgent" that finds no room pre-empts jobs in "debug": they get SIGTERM at once, and if they are still there
# when the grace time is over, which SLURM looks at every 30 s, they are ended and queued again.
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=debug Nodes=ALL Default=YES State=UP GraceTime=30
PartitionName=urgent Nodes=ALL State=UP PriorityTier=10
SETTINGS
}

# Each daemon replaces its predecessor if that is still there; running jobs are not disturbed.
start_daemons() {
  mkdir -p "$state" "$logs" "$spool".n1 "$spool".n2
  munge_answers || start_munge
  slurmctld
  slurmd -N n1
  slurmd -N n2
  wait_until both_nodes_up || fail "not both nodes came up, see sinfo and $logs"
}

munge_answers() {
  munge --no-input >/dev/null 2>&1
}

start_munge() {
  install -d -o munge -g munge /run/munge
  runuser -u munge -- munged
}

# SLURM's own commands take ten seconds to notice that there is no controller.
controller_listens() {
  (: </dev/tcp/localhost/6817) 2>/dev/null
}

both_nodes_up() {
  controller_listens &&
    [ "$(sinfo --noheader --Node --partition=debug --responding --states=idle,mixed,allocated --format=%N |
      xargs)" = "n1 n2" ]
}

no_job_runs() {
  [ -z "$(squeue --noheader --states=running,completing)" ]
}

wait_until() {
  for _ in $(seq 150); do
    if "$@"; then return; fi
    sleep 0.2
  done
  return 1
}

end_daemon() {
  local pid
  pid=$(cat "$2" 2>/dev/null) || return 0
  if ! ended "$1" "$pid"; then
    kill "$pid"
    wait_until ended "$1" "$pid" || kill -KILL "$pid"
  fi
}

# Those of a job that the controller had not yet written down when it crashed.
end_lost_steps() {
  for process in /proc/[0-9]*; do
    ended slurmstepd "${process#/proc/}" || kill -KILL "${process#/proc/}"
  done
}

# The number in an old pid file may be that of another program by now, or of a process that is dead but not yet buried.
ended() {
  ! [ "/proc/$2/exe" -ef "$(command -v "$1")" ]
}

case "${1:-}" in
  start | stop | status) "$1" ;;
  *) fail "usage: one_machine_slurm.sh start|stop|status" ;;
esac
