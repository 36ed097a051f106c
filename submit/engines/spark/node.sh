#!/bin/bash
# Start-up script of a Compute Engine machine: makes it a node of a standalone Spark cluster.
# Metadata: spark-role = master | worker; spark-master = host of the master, for workers; spark-version, optional.
# Safe to run again: what is installed is taken, what runs already is left alone.
set -euo pipefail

metadata=${IMAGEMILL_METADATA:-http://metadata.google.internal/computeMetadata/v1}
home=${IMAGEMILL_SPARK:-/opt/imagemill-spark}

attribute() { curl -fsS --retry 5 -H 'Metadata-Flavor: Google' "$metadata/instance/attributes/$1"; }

role=$(attribute spark-role)
version=$(attribute spark-version 2>/dev/null || echo 4.1.4)

if ! command -v java >/dev/null || ! python3 -c 'import ensurepip' 2>/dev/null; then
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends openjdk-17-jre-headless python3-venv procps
fi
if [ ! -x "$home/bin/spark-class" ]; then
  python3 -m venv "$home"
  "$home/bin/pip" install --quiet --disable-pip-version-check "pyspark==$version"
fi

# Spark's own daemons look for the interpreter and for Spark itself.
export PYSPARK_PYTHON=$home/bin/python
SPARK_HOME=$("$PYSPARK_PYTHON" -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')
export SPARK_HOME
address=${IMAGEMILL_ADDRESS:-$(hostname -f)}

port=${IMAGEMILL_SPARK_PORT:-7077}
# Finished runs leave their unpacked archives: not for ever.
export SPARK_WORKER_DIR=${SPARK_WORKER_DIR:-/var/lib/imagemill-spark}
export SPARK_WORKER_OPTS="-Dspark.worker.cleanup.enabled=true -Dspark.worker.cleanup.appDataTtl=86400"

case $role in
  master) set -- org.apache.spark.deploy.master.Master --host "$address" --port "$port" ;;
  worker)
    master=$(attribute spark-master)
    set -- org.apache.spark.deploy.worker.Worker "spark://$master:$port" --host "$address"
    ;;
  *)
    echo "spark-role must be master or worker, not \"$role\"" >&2
    exit 2
    ;;
esac
if [ -d /run/systemd/system ] && [ -z "${IMAGEMILL_FOREGROUND:-}" ]; then
  if systemctl is-active --quiet imagemill-spark; then exit 0; fi
  exec systemd-run --unit imagemill-spark --property Restart=always \
    --property DynamicUser=yes --property StateDirectory=imagemill-spark \
    --setenv PYSPARK_PYTHON --setenv SPARK_HOME --setenv SPARK_WORKER_DIR --setenv SPARK_WORKER_OPTS \
    "$SPARK_HOME/bin/spark-class" "$@"
fi
exec "$SPARK_HOME/bin/spark-class" "$@"
