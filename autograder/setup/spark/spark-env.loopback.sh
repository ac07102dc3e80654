
# Spark looks up the machine's own name, and fails where it has no address, as on many laptops away from their network.
SPARK_LOCAL_IP=127.0.0.1
SPARK_LOCAL_HOSTNAME=localhost
