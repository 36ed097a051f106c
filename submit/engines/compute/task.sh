#!/bin/sh
# A Batch task: one worker process for its group of shards. Works as root on a plain machine: all it needs is there but
# the runtime, which the first task of a machine fetches for all. In a container image imagemill is on the path.
# Exit codes are the worker's; 75 where the runtime could not be had.
set -eu

metadata=${IMAGEMILL_METADATA:-http://metadata.google.internal/computeMetadata/v1}
storage=${IMAGEMILL_STORAGE_ENDPOINT:-https://storage.googleapis.com}
home=${IMAGEMILL_HOME:-/var/lib/imagemill}
attempt=$BATCH_TASK_INDEX.${BATCH_TASK_RETRY_ATTEMPT:-0}

say() { echo "imagemill task $attempt: $*" >&2; }

# Asks Cloud Storage as the machine's service account. The token goes through a pipe: arguments are for all to see.
ask_storage() {
  curl -fsS --retry 4 --connect-timeout 10 -H 'Metadata-Flavor: Google' "$metadata/instance/service-accounts/default/token" |
    sed -n 's/.*"access_token" *: *"\([^"]*\)".*/header = "Authorization: Bearer \1"/p' |
    curl -fsS --retry 4 --connect-timeout 10 --config - "$@"
}

fetch_runtime() {
  partial=$home/partial.$$
  rm -rf "$home"/partial.*
  mkdir "$partial"
  ask_storage -o "$partial/archive" "$storage$IMAGEMILL_RUNTIME" || return 1
  echo "$IMAGEMILL_RUNTIME_SHA256  $partial/archive" | sha256sum -c --quiet - || return 1
  mkdir "$partial/unpacked"
  tar -xzf "$partial/archive" -C "$partial/unpacked" || return 1
  rm -rf "$runtime"
  mv "$partial/unpacked" "$runtime"
  rm -rf "$partial"
}

imagemill=imagemill
if [ -n "${IMAGEMILL_RUNTIME:-}" ]; then
  runtime=$home/$IMAGEMILL_RUNTIME_SHA256
  mkdir -p "$home"
  # The system frees the lock when its holder dies.
  exec 9>"$home/lock"
  flock 9
  if [ ! -x "$runtime/bin/imagemill" ] && ! fetch_runtime; then
    say "the runtime could not be fetched: $IMAGEMILL_RUNTIME"
    exit 75
  fi
  exec 9>&-
  imagemill=$runtime/bin/imagemill
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkfifo "$scratch/said"
# What it says goes to the log as it comes, but for the progress of people at terminals.
grep --line-buffered -v '^{"type":"progress"' <"$scratch/said" | tee "$scratch/log" >&2 &
relay=$!

"$imagemill" worker --run "$IMAGEMILL_RUN" --control "$IMAGEMILL_CONTROL" --shard "@$IMAGEMILL_SHARDS:$BATCH_TASK_INDEX" \
  --threads "$IMAGEMILL_THREADS" --engine-attempt "$attempt" --log-level "$IMAGEMILL_LOG_LEVEL" >"$scratch/said" 2>&1 &
worker=$!
# A machine that is taken away says so: the worker ends within seconds and leaves nothing half-made.
trap 'kill -TERM "$worker" 2>/dev/null || true' TERM INT HUP

code=0
wait "$worker" || code=$?
# A signal ends the wait, not the worker.
while kill -0 "$worker" 2>/dev/null; do
  code=0
  wait "$worker" || code=$?
done
wait "$relay" || true

# Last words, for whoever asks why, where there is curl. A worker that was told to stop (130, 143) has nothing to say.
case $code in
  0 | 130 | 143) ;;
  *)
    tail -c 8000 "$scratch/log" >"$scratch/tail"
    ask_storage -o /dev/null -H 'Content-Type: text/plain' --data-binary "@$scratch/tail" "$storage$IMAGEMILL_LAST_WORDS$attempt.log" ||
      say "its last words could not be kept"
    ;;
esac
exit "$code"
