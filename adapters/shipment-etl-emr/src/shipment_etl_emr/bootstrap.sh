#!/bin/bash
# Runs on every node of a cluster before any step: puts the package where Python finds it, and sets the node's own timer.
# Arguments: package (s3://…-SHA256.tar.gz), Python, folder, maximum age in minutes.
set -euo pipefail
package="$1" python="$2" home="$3" minutes="$4"

# The belt that needs nobody: whatever became of the client, the node ends at the cluster's maximum age. When the primary
# goes, EMR ends the cluster.
sudo systemd-run --on-active="${minutes}m" --unit=shipment-etl-maximum-age /usr/sbin/shutdown -h now

"$python" --version
archive="$(mktemp -d)/package.tar.gz"
aws s3 cp --only-show-errors "$package" "$archive"
digest="$(basename "$package" .tar.gz)"
digest="${digest##*-}"
gzip -dc "$archive" | sha256sum --check --status <(echo "$digest  -") || {
    echo "The package is not what its name says: $package" >&2
    exit 1
}
sudo mkdir -p "$home"
sudo tar -xzf "$archive" -C "$home" --no-same-owner
rm -rf "$(dirname "$archive")"
# What steps import and nodes have not: a package that does not fit this node fails here, before any step. PySpark is missing
# as long as bootstrap actions run, so what needs it is not imported.
PYTHONPATH="$home" "$python" -c "import shipment_etl, numpy, pandas, pyarrow.parquet, deltalake, pandera, pluggy, pydantic, boto3"
