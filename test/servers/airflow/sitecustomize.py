"""On the path of Airflow's Python in tests: Google's gRPC clients talk to a server on the loopback address, without TLS.

Cloud Storage and BigQuery need none of this: their clients know STORAGE_EMULATOR_HOST and BIGQUERY_EMULATOR_HOST.
"""

import os

if endpoint := os.environ.get("IMAGEMILL_DATAPROC_ENDPOINT"):
    import grpc
    import grpc.aio

    def insecure(channel_of):
        def channel(_target, _credentials, options=None, compression=None, **more):
            return channel_of(endpoint, options, compression, **more)

        return channel

    grpc.secure_channel = insecure(grpc.insecure_channel)
    grpc.aio.secure_channel = insecure(grpc.aio.insecure_channel)
