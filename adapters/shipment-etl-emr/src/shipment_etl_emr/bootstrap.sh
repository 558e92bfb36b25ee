#!/bin/bash
# Runs on every node of a cluster before any step: installs the package where Python finds it, and sets the node's own timer.
# Arguments: package (s3://…-SHA256.tar.gz), Python, folder, maximum age in minutes.
set -euo pipefail
package="$1" python="$2" home="$3" minutes="$4"

# Works without any client: the node shuts down at the cluster's maximum age. When the primary node is gone, EMR terminates
# the cluster.
sudo systemd-run --on-active="${minutes}m" --unit=shipment-etl-maximum-age /usr/sbin/shutdown -h now

"$python" --version
archive="$(mktemp -d)/package.tar.gz"
aws s3 cp --only-show-errors "$package" "$archive"
digest="$(basename "$package" .tar.gz)"
digest="${digest##*-}"
gzip -dc "$archive" | sha256sum --check --status <(echo "$digest  -") || {
    echo "The package does not have the checksum in its name: $package" >&2
    exit 1
}
sudo mkdir -p "$home"
sudo tar -xzf "$archive" -C "$home" --no-same-owner
rm -rf "$(dirname "$archive")"
# Imports what steps need and nodes lack, so that a package that does not fit this node fails here, before any step. PySpark
# is not available to bootstrap actions, so nothing that needs it is imported.
PYTHONPATH="$home" "$python" -c "import shipment_etl, numpy, pandas, pyarrow.parquet, deltalake, pandera, pluggy, pydantic, boto3"
